"""What happens when an execution of a state machine does not succeed: people hear of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.function import Function
from lib.constructs.logs import Logs

ENDS = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Checks:
    """Executions that a schedule starts again and again, and that change nothing until they come to a state."""

    records: Mapping[str, str]
    """The table, and its Region, that remembers how they failed."""
    acts_from: str
    """The name of that state."""


class FailureReport(Construct):
    """Rules on the end of executions, and the function that reads their history and publishes what it found."""

    def __init__(
        self, scope: Construct, id_: str, *, topic: sns.ITopic, arns: Arns, logs: Logs, checks: Checks | None = None
    ) -> None:
        """With `checks` the same failure of one after the other is told once an hour; else each is."""
        super().__init__(scope, id_)
        self._topic = topic
        self._checks = checks
        self._arns = arns
        self.function = Function(
            self,
            "Report",
            module="report_execution",
            timeout=Duration.minutes(1),
            description="Tells which step of an execution failed, why, and how to go on",
            logs=logs,
        )
        self.function.allow("sns:Publish", on=topic.topic_arn)
        self.function.allow("kms:Decrypt", "kms:GenerateDataKey", on=logs.key.key_arn)
        if checks:
            self.function.allow("dynamodb:GetItem", "dynamodb:PutItem", on=arns.table(checks.records["table"]))

    def tell_of(self, id_: str, *state_machines: str, statuses: Sequence[str] = ENDS) -> None:
        """Tell when an execution of one of these comes to one of these states."""
        for name in state_machines:
            self.function.allow(
                "states:GetExecutionHistory",
                "states:DescribeExecution",
                on=self._arns.executions(name),
                because="the executions of one state machine",
            )
        arns = [self._arns.state_machine(name) for name in state_machines]
        events.Rule(
            self,
            id_,
            description=f"Executions of {', '.join(state_machines)} that are told of",
            event_pattern=ended(arns, statuses),
            targets=[targets.LambdaFunction(self.function.function, event=_transformed(self._topic, self._checks))],
        )


def ended(state_machine_arns: list[str], statuses: Sequence[str] = ENDS) -> events.EventPattern:
    """An execution has come to one of these states."""
    return events.EventPattern(
        source=["aws.states"],
        detail_type=["Step Functions Execution Status Change"],
        detail={"status": [*statuses], "stateMachineArn": state_machine_arns},
    )


def _transformed(topic: sns.ITopic, checks: Checks | None) -> events.RuleTargetInput:
    """The event without the input and the output of the execution."""
    names = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
    detail = {name: events.EventField.from_path(f"$.detail.{name}") for name in names}
    event = {"region": events.EventField.region, "time": events.EventField.time, "detail": detail}
    told = {"event": event, "topic_arn": topic.topic_arn}
    return events.RuleTargetInput.from_object({**told, "checks": asdict(checks)} if checks else told)
