"""Groups of states that several workflows are made of."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows.notices import ENDPOINTS_TOLD
from lib.workflows.payloads import REDRIVES
from lib.workflows.steps import Steps
from lib.workflows.story import Part, Step, story, way
from lib.workflows.tasks import interval

ANSWER_SECS = 15
STANDBY_SECS = 15
DELETION_SECS = 30


@dataclass(frozen=True)
class WaitUntil:
    """Look, act on what was found, pause, look again; that it ends is up to the function that looks."""

    look: Step
    found: sfn.Choice
    pause: sfn.Wait

    @classmethod
    def build(cls, scope: Construct, look: Step, what: str, *, every_secs: int, deadline_mins: int) -> WaitUntil:
        """Connect the three; `what` completes "go on once", who builds it says what the answers lead to."""
        every = Duration.seconds(interval(every_secs, deadline_mins))
        found = sfn.Choice(scope, f"Go on once {what}")
        pause = sfn.Wait(scope, f"Pause until {what}", time=sfn.WaitTime.duration(every))
        look.next(found)
        pause.next(look)
        return cls(look, found, pause)


def approved(steps: Steps) -> Part:
    """Go on once a person has said so; one who refuses ends it, and a deadline does."""
    wait = WaitUntil.build(
        steps.scope,
        steps.look_for_the_answer(),
        "somebody has approved",
        every_secs=ANSWER_SECS,
        deadline_mins=steps.config.recovery.approval_timeout_mins,
    )
    refused = story(steps.lease.give_back(), steps.tell.refused(), sfn.Succeed(steps.scope, "The recovery was refused"))
    wait.found.when(_is("$.answer.answer", "REFUSED"), refused.first)
    wait.found.when(_is("$.answer.answer", "WAITING"), wait.pause)
    asked = story(steps.ask_for_approval(), wait.look)
    return Part(asked.first, (way(wait.found, _is("$.answer.answer", "APPROVED")),))


def brought_up(steps: Steps) -> Part:
    """Create the secondary environment, or go on with its creation, and wait until it is available."""
    create = steps.secondary.create()
    created = sfn.Choice(steps.scope, "Act on the creation")
    create.next(created)
    deadline = steps.config.recovery.create_timeout_mins
    gone = WaitUntil.build(
        steps.scope,
        steps.secondary.look_for(
            "Look whether the failed creation is gone", "DELETED", since="$.creation", deadline_mins=deadline
        ),
        "the failed creation is gone",
        every_secs=DELETION_SECS,
        deadline_mins=deadline,
    )
    there = WaitUntil.build(
        steps.scope,
        steps.secondary.look_for(
            "Look whether the secondary is available", "AVAILABLE", since="$.creation", deadline_mins=deadline
        ),
        "the secondary is available",
        every_secs=steps.config.recovery.create_polling_interval_secs,
        deadline_mins=deadline,
    )
    created.when(_is("$.creation.outcome", "DELETING"), gone.look)
    created.when(_is("$.creation.outcome", "CREATING"), there.look)
    gone.found.when(_is_one_of("$.found.outcome", "READY", "AGAIN"), create)
    gone.found.when(_is("$.found.outcome", "WAIT"), gone.pause)
    there.found.when(_is("$.found.outcome", "AGAIN"), create)
    there.found.when(_is("$.found.outcome", "WAIT"), there.pause)
    _tell_of_endpoints_once(steps, there)
    return Part(
        create,
        (way(created, _is("$.creation.outcome", "READY")), way(there.found, _is("$.found.outcome", "READY"))),
    )


def standing_by(steps: Steps) -> Part:
    """Wait until the standby is available, as after an update."""
    deadline = steps.config.recovery.standby_ready_mins
    begin = sfn.Pass(
        steps.scope,
        "Begin to wait for the standby",
        parameters={
            "started_at": sfn.JsonPath.string_at("$$.State.EnteredTime"),
            "redrive_count": sfn.JsonPath.number_at(REDRIVES),
        },
        result_path="$.wait",
    )
    wait = WaitUntil.build(
        steps.scope,
        steps.secondary.look_for(
            "Look whether the standby is available", "AVAILABLE", since="$.wait", deadline_mins=deadline
        ),
        "the standby is available",
        every_secs=STANDBY_SECS,
        deadline_mins=deadline,
    )
    wait.found.when(_is_one_of("$.found.outcome", "WAIT", "PENDING_TOLD"), wait.pause)
    wait.found.when(_is("$.found.outcome", "AGAIN"), begin)
    begin.next(wait.look)
    return Part(begin, (way(wait.found, _is("$.found.outcome", "READY")),))


def airflow_reached(steps: Steps) -> Part:
    """From here on Airflow is asked from where its web server can be reached."""
    look = steps.secondary.look()
    choice = sfn.Choice(steps.scope, "Choose the way to the web server")
    inside, outside = steps.airflow.reach_from_inside(), steps.airflow.reach_from_outside()
    look.next(choice)
    choice.when(_is("$.standby.web_server", "PRIVATE"), inside)
    choice.when(_is("$.standby.web_server", "PUBLIC"), outside)
    return Part(look, (inside.next, outside.next))


def _tell_of_endpoints_once(steps: Steps, wait: WaitUntil) -> None:
    """MWAA waits for endpoints of the customer for days; once is enough to tell."""
    is_pending = _is("$.found.outcome", "PENDING_TOLD")
    is_told = sfn.Condition.is_present(ENDPOINTS_TOLD)
    wait.found.when(sfn.Condition.and_(is_pending, is_told), wait.pause)
    told = story(steps.tell.endpoints_are_needed(), wait.pause)
    wait.found.when(sfn.Condition.and_(is_pending, sfn.Condition.not_(is_told)), told.first)


def _is(path: str, word: str) -> sfn.Condition:
    return sfn.Condition.string_equals(path, word)


def _is_one_of(path: str, *words: str) -> sfn.Condition:
    return sfn.Condition.or_(*(_is(path, word) for word in words))
