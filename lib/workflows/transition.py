"""What a stop, a start and a reactivation have in common, and the state machine that each runs in."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import fragments
from lib.workflows.fragments import is_
from lib.workflows.machine import machine_role, state_machine
from lib.workflows.story import Part, story, way
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.transition_steps import TransitionSteps

LEASE = "$.lease.outcome"
STATUS = "$.environment.status"


class TransitionWorkflow(Construct):
    """The state machine of one of the stories."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        parts: TransitionParts,
        what: str,
        tell: Callable[[TransitionSteps], Part],
        timeout: Duration,
    ) -> None:
        super().__init__(scope, id_)
        self.role = machine_role(self, topic_key=parts.key)
        self.state_machine = state_machine(
            self,
            name=parts.machine(what),
            told=tell(TransitionSteps(self, parts, role=self.role, what=what)),
            role=self.role,
            timeout=timeout,
            log_group=parts.log_group,
        )


def due(steps: TransitionSteps) -> Part:
    """Go on where a person or a schedule wants it, and nothing speaks against it."""
    choice = sfn.Choice(steps.scope, "Act on the decision")
    nothing = sfn.Succeed(steps.scope, f"The {steps.what} is not to be done now")
    left_out = story(steps.tell.the_decision("left out"), nothing)
    doubtful = steps.tell.the_decision("done all the same")
    choice.when(sfn.Condition.and_(_says("act", False), _says("notify", True)), left_out.first)
    choice.when(sfn.Condition.and_(_says("act", False), _says("notify", False)), nothing)
    choice.when(sfn.Condition.and_(_says("act", True), _says("notify", True)), doubtful.first)
    is_due = sfn.Condition.and_(_says("act", True), _says("notify", False))
    return Part(story(steps.decide(), Part(choice)).first, (way(choice, is_due), *doubtful.ways_on))


def alone(steps: TransitionSteps) -> Part:
    """Take the lease: of stop and start one acts on an environment at a time."""
    choice = sfn.Choice(steps.scope, "Act on the lease")
    held = story(steps.tell.another_is_running(), sfn.Succeed(steps.scope, "Another transition is running"))
    choice.when(is_(LEASE, "HELD"), held.first)
    return Part(story(steps.take_the_lease(), Part(choice)).first, (way(choice, is_(LEASE, "TAKEN")),))


def settled(steps: TransitionSteps, what: str, *, deadline_mins: int) -> Part:
    """Wait until what MWAA does to the environment has ended."""
    every_secs = steps.plan.schedules.poll_frequency_secs
    return fragments.settled(steps.environment, what, every_secs=every_secs, deadline_mins=deadline_mins)


def left(steps: TransitionSteps, *, again: sfn.State, deadline_mins: int) -> Part:
    """Wait until a deletion has ended that somebody else has begun."""
    every_secs = steps.plan.schedules.poll_frequency_secs
    return fragments.left(steps.environment, again=again, every_secs=every_secs, deadline_mins=deadline_mins)


def _says(field: str, value: bool) -> sfn.Condition:
    return sfn.Condition.boolean_equals(f"$.decision.{field}", value)
