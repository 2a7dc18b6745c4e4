"""When a state machine is started, and the alarm when it no longer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from lib.constructs.arns import Arns

LATE_SECS = 900
"""A stop that comes hours late would meet people at work."""

MISSED = 3
"""Intervals without any execution that make an alarm."""


@dataclass(frozen=True)
class Rhythm:
    """How often, and whether at all."""

    minutes: int
    enabled: bool

    @property
    def expression(self) -> str:
        """The same for EventBridge Scheduler.

        >>> Rhythm(1, True).expression, Rhythm(5, True).expression
        ('rate(1 minute)', 'rate(5 minutes)')
        """
        return f"rate({self.minutes} minute{'s' if self.minutes > 1 else ''})"


class Schedule(Construct):
    """Starts a state machine; its role may do nothing else."""

    def __init__(self, scope: Construct, id_: str, *, state_machine: str, arns: Arns) -> None:
        """`state_machine`: its name, so that the machine may know this schedule."""
        super().__init__(scope, id_)
        self._target = arns.state_machine(state_machine)
        ours = {"StringEquals": {"aws:SourceAccount": arns.account}}
        principal = iam.ServicePrincipal("scheduler.amazonaws.com", conditions=ours)
        self.role = iam.Role(self, "Role", assumed_by=principal)
        self.role.add_to_policy(iam.PolicyStatement(actions=["states:StartExecution"], resources=[self._target]))

    def start(self, rhythm: Rhythm, *, name: str | None = None) -> scheduler.CfnSchedule:
        """Start it with an empty input, in this rhythm; the schedule is in the group `default`."""
        return self._schedule(
            name=name,
            schedule_expression=rhythm.expression,
            state="ENABLED" if rhythm.enabled else "DISABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._target,
                role_arn=self.role.role_arn,
                input="{}",
                # A check that comes late says nothing that the next one does not say better.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=max(60, rhythm.minutes * 60), maximum_retry_attempts=3
                ),
            ),
        )

    def start_at(self, expression: str, *, time_zone: str, dead_letters: sqs.IQueue) -> scheduler.CfnSchedule:
        """Start it at these times, with the time in its input; what cannot be started soon is a dead letter."""
        dead_letters.grant_send_messages(self.role)
        return self._schedule(
            schedule_expression=expression,
            schedule_expression_timezone=time_zone,
            state="ENABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._target,
                role_arn=self.role.role_arn,
                # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
                input='{"scheduled_for": "<aws.scheduler.scheduled-time>"}',
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=LATE_SECS, maximum_retry_attempts=3
                ),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
            ),
        )

    def _schedule(self, **properties: Any) -> scheduler.CfnSchedule:
        window = scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF")
        return scheduler.CfnSchedule(self, "Schedule", flexible_time_window=window, **properties)


def alarm_when_silent(
    scope: Construct,
    id_: str,
    *,
    state_machine_arn: str,
    rhythm: Rhythm,
    topic: sns.ITopic,
    text: str,
    wanted: str = "ExecutionsStarted",
) -> cloudwatch.Alarm:
    """Tell when no execution has started, or done what else is wanted, for some intervals; quiet again when one has."""
    metric = cloudwatch.Metric(
        namespace="AWS/States",
        metric_name=wanted,
        dimensions_map={"StateMachineArn": state_machine_arn},
        statistic="Sum",
        period=Duration.minutes(rhythm.minutes),
    )
    alarm = cloudwatch.Alarm(
        scope,
        id_,
        metric=metric,
        threshold=1,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluation_periods=MISSED,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        alarm_description=text,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    alarm.add_ok_action(actions.SnsAction(topic))
    return alarm
