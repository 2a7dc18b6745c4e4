"""The fence: a primary that comes back after a failover is paused, or at least told of, every few minutes.

It runs in the primary Region, where it is silent as long as the Region is, and reads the record of the failover in the
secondary one.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.constructs.acknowledge import acknowledge_workflow
from lib.constructs.function import Function
from lib.workflows.machine import machine_role, state_machine
from lib.workflows.payloads import place, records
from lib.workflows.story import Part, Step, story, way
from lib.workflows.tasks import Tasks

LONGEST = Duration.minutes(10)


@dataclass(frozen=True)
class FencingParts:
    """What the fence works with, in the primary Region; the stack allows the functions what they do."""

    config: DisasterRecovery
    fence: Function
    environment: Function
    dag_outside: Function
    dag_inside: Function
    topic: sns.ITopic
    log_group: logs.ILogGroup


class Fencing(Construct):
    """The state machine that a schedule starts."""

    def __init__(self, scope: Construct, id_: str, *, parts: FencingParts) -> None:
        super().__init__(scope, id_)
        self._parts = parts
        self.role = machine_role(self)
        self._tasks = Tasks(self, role=self.role, topic=parts.topic)
        self._records, self._primary = records(parts.config), place(parts.config.primary)
        self.state_machine = state_machine(
            self,
            name=parts.config.fence_name,
            told=self._story(),
            role=self.role,
            timeout=LONGEST,
            log_group=parts.log_group,
        )
        functions = (parts.fence, parts.environment, parts.dag_outside, parts.dag_inside)
        acknowledge_workflow(self.role, [function.function for function in functions])

    def _story(self) -> Part:
        keep_quiet = self._pause() if self._parts.config.recovery.fence_primary else self._alarm()
        return story(
            self._look_for_a_failover(),
            self._only_when("Has it failed over?", "$.failover.failed_over", "The primary may run"),
            self._look_at_the_primary(),
            self._only_when_back(),
            keep_quiet,
        )

    def _look_for_a_failover(self) -> Step:
        payload = {"op": "look", "records": self._records}
        return self._tasks.ask("Look for a failover", self._parts.fence, payload, result_path="$.failover")

    def _look_at_the_primary(self) -> Step:
        payload = {"op": "look", "environment": self._primary}
        return self._tasks.ask("Look at the primary", self._parts.environment, payload, result_path="$.primary")

    def _only_when(self, name: str, path: str, otherwise: str) -> Part:
        choice = sfn.Choice(self, name)
        choice.otherwise(sfn.Succeed(self, otherwise))
        return Part(choice, (way(choice, sfn.Condition.boolean_equals(path, True)),))

    def _only_when_back(self) -> Part:
        choice = sfn.Choice(self, "Is the primary back?")
        choice.otherwise(sfn.Succeed(self, "The primary is still away"))
        is_back = (sfn.Condition.string_equals("$.primary.status", word) for word in ("AVAILABLE", "UPDATE_FAILED"))
        return Part(choice, (way(choice, sfn.Condition.or_(*is_back)),))

    def _alarm(self) -> Part:
        payload = {
            "op": "alarm",
            "records": self._records,
            "topic_arn": self._parts.topic.topic_arn,
            "primary": self._primary,
            "reason": sfn.JsonPath.string_at("$.failover.reason"),
        }
        alarm = self._tasks.ask("Tell that both Regions may run", self._parts.fence, payload, result_path="$.alarm")
        return story(alarm, sfn.Succeed(self, "People know that both Regions may run"))

    def _pause(self) -> Part:
        choice = sfn.Choice(self, "Choose the way to the web server")
        done = sfn.Succeed(self, "The primary is quiet")
        inside = self._pause_by(self._parts.dag_inside, "Pause all DAGs from inside the VPC")
        outside = self._pause_by(self._parts.dag_outside, "Pause all DAGs from outside the VPC")
        choice.when(sfn.Condition.string_equals("$.primary.web_server", "PRIVATE"), story(inside, done).first)
        choice.otherwise(story(outside, done).first)
        return Part(choice)

    def _pause_by(self, function: Function, name: str) -> Step:
        version = sfn.JsonPath.string_at("$.primary.version")
        payload = {"op": "pause_all", "environment": self._primary, "version": version}
        return self._tasks.ask(name, function, payload, result_path="$.paused")
