"""Reactivate: however a stop ends before its deletion has begun, the DAGs that it paused become active again.

A Catch sees neither a time-out nor an abort, so a rule on the end of a stop starts this.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import fragments, transition
from lib.workflows.fragments import is_, is_one_of
from lib.workflows.story import Part, story, way
from lib.workflows.transition import LEASE, STATUS, TransitionWorkflow
from lib.workflows.transition_airflow import RESUME
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.transition_steps import TransitionSteps

LONGEST = Duration.hours(8)
"""Six hours of asking Airflow, and the wait for an environment that is changing."""

SETTLED_MINS = 90


class Reactivate(TransitionWorkflow):
    """The workflow that a rule starts."""

    def __init__(self, scope: Construct, id_: str, *, parts: TransitionParts) -> None:
        super().__init__(scope, id_, parts=parts, what="reactivate", tell=reactivate, timeout=LONGEST)


def reactivate(steps: TransitionSteps) -> Part:
    """The story: whoever acts on the environment now has the last word."""
    return story(
        _alone(steps),
        _there(steps),
        fragments.way_to_airflow(steps.environment, steps.web),
        steps.airflow.make_the_dags_active_again(patience=RESUME),
        _told(steps),
    )


def _alone(steps: TransitionSteps) -> Part:
    """A stop that was redriven, or another transition, goes on by itself."""
    choice = sfn.Choice(steps.scope, "Act on the lease")
    choice.when(is_(LEASE, "HELD"), sfn.Succeed(steps.scope, "Another transition is running"))
    first = story(steps.take_the_lease(is_first=True), Part(choice)).first
    return Part(first, (way(choice, is_(LEASE, "TAKEN")),))


def _there(steps: TransitionSteps) -> Part:
    """Go on where there is an environment that stays, as soon as it does not change any more."""
    look, choice = steps.environment.look(), sfn.Choice(steps.scope, "Act on what is there")
    gone = story(
        steps.give_the_lease_back("Give the lease back, since it is gone"),
        sfn.Succeed(steps.scope, "The environment is gone"),
    )
    look.next(choice)
    choice.when(is_one_of(STATUS, "NOT_FOUND", "DELETED", "DELETING"), gone.first)
    changing = transition.settled(steps, "environment", deadline_mins=SETTLED_MINS)
    choice.otherwise(story(changing, Part(look)).first)
    return Part(look, (way(choice, is_one_of(STATUS, "AVAILABLE", "UPDATE_FAILED")),))


def _told(steps: TransitionSteps) -> Part:
    """Give the lease back; people hear of it where DAGs were paused."""
    choice, noted = sfn.Choice(steps.scope, "Act on the note"), "$.resumed.note"
    active = story(
        steps.record_the_start("Forget the stop that did not happen"),
        steps.give_the_lease_back("Give the lease back, since they are active"),
        steps.tell.the_dags_are_active_again(),
        sfn.Succeed(steps.scope, "The DAGs are active again"),
    )
    nothing = story(steps.give_the_lease_back(), sfn.Succeed(steps.scope, "No DAG was paused"))
    choice.when(sfn.Condition.boolean_equals(noted, True), active.first)
    choice.when(sfn.Condition.boolean_equals(noted, False), nothing.first)
    return Part(choice)
