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
    gone = WaitUntil.build(
        scope,
        environment.look_for(
            "Look whether the failed creation is gone", "DELETED", since="$.creation", deadline_mins=deadline_mins
        ),
        "the failed creation is gone",
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
    created.when(is_(CREATION, "DELETING"), gone.look)
    created.when(is_(CREATION, "CREATING"), there.look)
    gone.found.when(is_one_of(FOUND, "READY", "AGAIN"), create)
    gone.found.when(is_(FOUND, "WAIT"), gone.pause)
    there.found.when(is_(FOUND, "AGAIN"), create)
    there.found.when(is_(FOUND, "WAIT"), there.pause)
    _tell_of_endpoints_once(endpoints_are_needed, there)
    return Part(
        create,
        (way(created, is_(CREATION, "READY")), way(there.found, is_(FOUND, "READY"))),
    )


def settled(environment: EnvironmentSteps, what: str, *, every_secs: int, deadline_mins: int) -> Part:
    """Wait until what is there is available, as after an update."""
    begin = sfn.Pass(
        environment.scope,
        f"Begin to wait for the {what}",
        parameters={
            "started_at": sfn.JsonPath.string_at("$$.State.EnteredTime"),
            "redrive_count": sfn.JsonPath.number_at(REDRIVES),
        },
        result_path="$.wait",
    )
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
