"""Stop: an environment comes to rest, is backed up, proved to be restorable, and only then deleted."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import fragments, transition
from lib.workflows.fragments import FOUND, WaitUntil, is_, is_one_of
from lib.workflows.story import Part, story, way
from lib.workflows.transition import STATUS, TransitionWorkflow
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.transition_steps import BACKUP_ID, TransitionSteps

DELETION = "$.deletion.outcome"
REST = "$.rest.outcome"
LOOK_AGAIN_SECS = 15

FACTS = {
    "rows": "$.verified.rows",
    "backup_id": BACKUP_ID,
    "active": "$.note.active",
    "warnings": "$.verified.warnings",
}


class Stop(TransitionWorkflow):
    """The workflow of a stop; how long it waits for running work comes on top of its time."""

    def __init__(self, scope: Construct, id_: str, *, parts: TransitionParts) -> None:
        timeout = Duration.minutes(parts.plan.stop_timeout_mins(parts.environment))
        super().__init__(scope, id_, parts=parts, what="stop", tell=stop, timeout=timeout)


def stop(steps: TransitionSteps) -> Part:
    """The story, from the decision to an environment that is gone and can come back."""
    return story(
        transition.due(steps),
        transition.alone(steps),
        _well(steps),
        fragments.way_to_airflow(steps.environment, steps.web),
        _at_rest(steps),
        steps.web.wait_until_parsed("Wait until the backup DAG is parsed", steps.plan.schedules.export_dag_name),
        steps.airflow.back_up(),
        steps.store_the_blueprint(),
        steps.verify(),
        _taken_down(steps),
        steps.finish("End the note and give the lease back"),
        steps.say_what_happened(FACTS),
        sfn.Succeed(steps.scope, "The environment is stopped"),
    )


def _well(steps: TransitionSteps) -> Part:
    """Go on with what is whole; what is changing is waited for, what is gone leaves nothing to do."""
    look, choice = steps.environment.look(), sfn.Choice(steps.scope, "Act on what is there")
    changing = transition.settled(steps, "environment", deadline_mins=_deadline(steps))
    gone = story(
        steps.finish("End the note of what is gone"), sfn.Succeed(steps.scope, "The environment is gone already")
    )
    look.next(choice)
    choice.when(is_one_of(STATUS, "NOT_FOUND", "DELETED"), gone.first)
    leaving = transition.left(steps, again=look, deadline_mins=_deadline(steps))
    choice.when(is_(STATUS, "DELETING"), story(leaving, gone).first)
    choice.otherwise(story(changing, Part(look)).first)
    whole = steps.check_that_it_is_whole()
    choice.when(is_one_of(STATUS, "AVAILABLE", "UPDATE_FAILED"), whole)
    return Part(look, (whole.next,))


def _at_rest(steps: TransitionSteps) -> Part:
    """Note which DAGs are active, and pause each once nothing of it runs; a stop that is skipped undoes that."""
    note = steps.airflow.note_the_active_dags()
    rest = WaitUntil.build(
        steps.scope,
        steps.airflow.pause_what_is_idle(),
        "the environment is at rest",
        every_secs=LOOK_AGAIN_SECS,
        deadline_mins=steps.plan.stop_timeout_mins(steps.parts.environment),
    )
    busy = story(
        steps.airflow.make_the_dags_active_again(),
        steps.give_the_lease_back(),
        steps.tell.it_is_busy(),
        sfn.Succeed(steps.scope, "The environment is busy, it goes on"),
    )
    note.next(rest.look)
    rest.found.when(is_(REST, "WAIT"), rest.pause)
    rest.found.when(is_(REST, "AGAIN"), note)
    rest.found.when(is_(REST, "BUSY"), busy.first)
    return Part(note, (way(rest.found, is_(REST, "QUIET")),))


def _taken_down(steps: TransitionSteps) -> Part:
    """Delete it, as long as all that ever ran is in the backup; a redrive has to prove that anew."""
    check = steps.airflow.check_that_nothing_has_run()
    record, delete = steps.record_the_stop(), steps.delete(checked="$.quiet")
    begun = sfn.Choice(steps.scope, "Act on the deletion")
    gone = fragments.gone(
        steps.environment,
        "the environment is gone",
        "$.deletion",
        every_secs=steps.plan.schedules.poll_frequency_secs,
        deadline_mins=_deadline(steps),
    )
    story(check, record, delete, Part(begun))
    begun.when(is_(DELETION, "AGAIN"), check)
    begun.when(is_(DELETION, "DELETING"), gone.look)
    gone.found.when(is_(FOUND, "WAIT"), gone.pause)
    gone.found.when(is_(FOUND, "AGAIN"), delete)
    return Part(check, (way(begun, is_(DELETION, "GONE")), way(gone.found, is_(FOUND, "READY"))))


def _deadline(steps: TransitionSteps) -> int:
    return steps.plan.poll_mins(steps.plan.stop)
