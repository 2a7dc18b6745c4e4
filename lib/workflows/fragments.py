"""Groups of states that several workflows are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows.environment_steps import EnvironmentSteps
from lib.workflows.notices import ENDPOINTS_TOLD
from lib.workflows.payloads import REDRIVES
from lib.workflows.story import Part, Step, story, way
from lib.workflows.tasks import interval
from lib.workflows.web_server import WebServer

DELETION_SECS = 30

CREATION = "$.creation.outcome"
FOUND = "$.found.outcome"


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


def brought_up(
    environment: EnvironmentSteps, endpoints_are_needed: Callable[[], Part], *, every_secs: int, deadline_mins: int
) -> Part:
    """Create the environment, or go on with its creation, and wait until it is available."""
    scope, short = environment.scope, environment.target.short
    create = environment.create()
    created = sfn.Choice(scope, "Act on the creation")
    create.next(created)
    cleared = gone(
        environment,
        "the failed creation is gone",
        "$.creation",
        every_secs=DELETION_SECS,
        deadline_mins=deadline_mins,
    )
    there = WaitUntil.build(
        scope,
        environment.look_for(
            f"Look whether the {short} is available", "AVAILABLE", since="$.creation", deadline_mins=deadline_mins
        ),
        f"the {short} is available",
        every_secs=every_secs,
        deadline_mins=deadline_mins,
    )
    created.when(is_(CREATION, "DELETING"), cleared.look)
    created.when(is_(CREATION, "CREATING"), there.look)
    cleared.found.when(is_one_of(FOUND, "READY", "AGAIN"), create)
    cleared.found.when(is_(FOUND, "WAIT"), cleared.pause)
    there.found.when(is_(FOUND, "AGAIN"), create)
    there.found.when(is_(FOUND, "WAIT"), there.pause)
    _tell_of_endpoints_once(endpoints_are_needed, there)
    return Part(
        create,
        (way(created, is_(CREATION, "READY")), way(there.found, is_(FOUND, "READY"))),
    )


def settled(environment: EnvironmentSteps, what: str, *, every_secs: int, deadline_mins: int) -> Part:
    """Wait until what is there is available, as after an update."""
    begin = begin_to_wait(environment.scope, f"Begin to wait for the {what}", result_path="$.wait")
    wait = WaitUntil.build(
        environment.scope,
        environment.look_for(
            f"Look whether the {what} is available", "AVAILABLE", since="$.wait", deadline_mins=deadline_mins
        ),
        f"the {what} is available",
        every_secs=every_secs,
        deadline_mins=deadline_mins,
    )
    wait.found.when(is_one_of(FOUND, "WAIT", "PENDING_TOLD"), wait.pause)
    wait.found.when(is_(FOUND, "AGAIN"), begin)
    begin.next(wait.look)
    return Part(begin, (way(wait.found, is_(FOUND, "READY")),))


def left(environment: EnvironmentSteps, *, again: sfn.State, every_secs: int, deadline_mins: int) -> Part:
    """Wait until a deletion has ended that somebody else has begun; a redrive in another world begins `again`."""
    begin = begin_to_wait(environment.scope, "Begin to wait for the deletion of before", result_path="$.leaving")
    wait = gone(
        environment, "the deletion of before has ended", "$.leaving", every_secs=every_secs, deadline_mins=deadline_mins
    )
    wait.found.when(is_(FOUND, "WAIT"), wait.pause)
    wait.found.when(is_(FOUND, "AGAIN"), again)
    begin.next(wait.look)
    return Part(begin, (way(wait.found, is_(FOUND, "READY")),))


def gone(environment: EnvironmentSteps, what: str, since: str, *, every_secs: int, deadline_mins: int) -> WaitUntil:
    """Wait for the end of a deletion; who builds it says what the answers lead to."""
    return WaitUntil.build(
        environment.scope,
        environment.look_for(f"Look whether {what}", "DELETED", since=since, deadline_mins=deadline_mins),
        what,
        every_secs=every_secs,
        deadline_mins=deadline_mins,
    )


def begin_to_wait(scope: Construct, name: str, *, result_path: str) -> sfn.Pass:
    """Remember when a wait began, and in which redrive."""
    parameters = {
        "started_at": sfn.JsonPath.string_at("$$.State.EnteredTime"),
        "redrive_count": sfn.JsonPath.number_at(REDRIVES),
    }
    return sfn.Pass(scope, name, parameters=parameters, result_path=result_path)


def airflow_reached(environment: EnvironmentSteps, web: WebServer) -> Part:
    """From here on Airflow is asked from where its web server can be reached."""
    return story(environment.look(), way_to_airflow(environment, web))


def way_to_airflow(environment: EnvironmentSteps, web: WebServer) -> Part:
    """The same, once the environment has been looked at."""
    outside = web.reach_from_outside()
    if not web.may_be_private:
        return Part(outside, (outside.next,))
    choice, inside = sfn.Choice(environment.scope, "Choose the way to the web server"), web.reach_from_inside()
    found = f"{environment.target.seen}.web_server"
    choice.when(is_(found, "PRIVATE"), inside)
    choice.when(is_(found, "PUBLIC"), outside)
    return Part(choice, (inside.next, outside.next))


def _tell_of_endpoints_once(endpoints_are_needed: Callable[[], Part], wait: WaitUntil) -> None:
    """MWAA waits for endpoints of the customer for days; once is enough to tell."""
    is_pending = is_(FOUND, "PENDING_TOLD")
    is_told = sfn.Condition.is_present(ENDPOINTS_TOLD)
    wait.found.when(sfn.Condition.and_(is_pending, is_told), wait.pause)
    told = story(endpoints_are_needed(), wait.pause)
    wait.found.when(sfn.Condition.and_(is_pending, sfn.Condition.not_(is_told)), told.first)


def is_(path: str, word: str) -> sfn.Condition:
    """Whether a word stands at the path."""
    return sfn.Condition.string_equals(path, word)


def is_one_of(path: str, *words: str) -> sfn.Condition:
    """Whether one of these words does."""
    return sfn.Condition.or_(*(is_(path, word) for word in words))
