"""Stop and start of one environment: its workflows, its schedules, and what follows on a stop that fails."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from lib.constructs.acknowledge import acknowledge_workflow
from lib.constructs.failure_report import FailureReport, ended
from lib.constructs.schedule import Schedule
from lib.workflows.reactivate import Reactivate
from lib.workflows.start import Start
from lib.workflows.stop import Stop
from lib.workflows.transition_parts import TransitionParts

EVENT_AGE = Duration.hours(24)
"""DAGs must not stay paused because nobody could be asked for a while."""


class Transitions(Construct):
    """Everything that belongs to one environment alone."""

    def __init__(
        self, scope: Construct, id_: str, *, parts: TransitionParts, report: FailureReport, dead_letters: sqs.IQueue
    ) -> None:
        super().__init__(scope, id_)
        self._parts = parts
        self._dead_letters = dead_letters
        stop, start = Stop(self, "Stop", parts=parts), Start(self, "Start", parts=parts)
        reactivate = Reactivate(self, "Reactivate", parts=parts)
        functions = [*vars(parts.functions).values(), *(vars(parts.inside).values() if parts.inside else ())]
        for workflow in (stop, start, reactivate):
            acknowledge_workflow(workflow.role, [function.function for function in functions])
            name = workflow.node.id
            CfnOutput(self, f"{name}Workflow", value=workflow.state_machine.state_machine_arn)
        self._reactivate_after(stop, reactivate)
        statuses = [str(status) for status in parts.plan.schedules.notification_types]
        report.tell_of(f"Rule-{parts.environment.name}", *map(parts.machine, ("stop", "start")), statuses=statuses)
        # Told of whatever the notifications are about: the DAGs of this environment may be paused.
        report.tell_of(f"ReactivateRule-{parts.environment.name}", parts.machine("reactivate"))
        self._schedule(stop, parts.environment.stop_schedule.expression)
        self._schedule(start, parts.environment.start_schedule.expression)

    def _reactivate_after(self, stop: Stop, reactivate: Reactivate) -> None:
        """Neither a time-out nor an abort of an execution is seen by its own states."""
        target = targets.SfnStateMachine(
            reactivate.state_machine,
            input=events.RuleTargetInput.from_object({}),
            dead_letter_queue=self._dead_letters,
            max_event_age=EVENT_AGE,
        )
        name = self._parts.machine("stop")
        events.Rule(
            self,
            "StopHasFailed",
            description=f"Executions of {name} after which DAGs may be paused",
            event_pattern=ended([stop.state_machine.state_machine_arn]),
            targets=[target],
        )

    def _schedule(self, workflow: Stop | Start, expression: str) -> None:
        name = f"{workflow.node.id}Schedule"
        machine = self._parts.machine(workflow.node.id.lower())
        started = Schedule(self, name, state_machine=machine, arns=self._parts.arns).start_at(
            expression, time_zone=self._parts.environment.time_zone, dead_letters=self._dead_letters
        )
        started.node.add_dependency(workflow)
