"""Start: an environment is created again as it was, its backup restored, and its DAGs go on."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import fragments, transition
from lib.workflows.fragments import is_, is_one_of
from lib.workflows.story import Part, story, way
from lib.workflows.transition import TransitionWorkflow
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.transition_steps import TransitionSteps

STOP = "$.stop.outcome"

FACTS = {
    "rows": "$.preflight.rows",
    "backup_id": "$.preflight.backup_id",
    "warnings": "$.preflight.warnings",
}


class Start(TransitionWorkflow):
    """The workflow of a start."""

    def __init__(self, scope: Construct, id_: str, *, parts: TransitionParts) -> None:
        timeout = Duration.minutes(parts.plan.schedules.resume_timeout_mins)
        super().__init__(scope, id_, parts=parts, what="start", tell=start, timeout=timeout)


def start(steps: TransitionSteps) -> Part:
    """The story, from the decision to an environment that works as before the stop."""
    restored = story(
        steps.environment.untag(),
        _updated(steps),
        steps.record_the_start(),
        steps.give_the_lease_back(),
        steps.say_what_happened(FACTS, stopped_at="$.stop.stopped_at"),
        sfn.Succeed(steps.scope, "The environment has started"),
    )
    return story(
        transition.due(steps),
        transition.alone(steps),
        _stopped(steps, restored),
        steps.check_that_it_can_start(),
        fragments.brought_up(
            steps.environment,
            steps.tell.endpoints_are_needed,
            every_secs=steps.plan.schedules.poll_frequency_secs,
            deadline_mins=_deadline(steps),
        ),
        fragments.airflow_reached(steps.environment, steps.web),
        steps.web.wait_until_parsed("Wait until the restore DAG is parsed", steps.plan.schedules.import_dag_name),
        steps.airflow.restore(),
        steps.record_the_restore(),
        restored,
    )


def _stopped(steps: TransitionSteps, restored: Part) -> Part:
    """Go on where it was stopped, or where a start before has begun; nothing is restored into what works."""
    back, choice = steps.look_back(), sfn.Choice(steps.scope, "Act on the stop")
    there = _there(steps)
    leaving = story(transition.left(steps, again=back, deadline_mins=_deadline(steps)), Part(back))
    back.next(choice)
    choice.when(is_(STOP, "THERE"), there.first)
    choice.when(is_(STOP, "LEAVING"), leaving.first)
    choice.when(is_(STOP, "FINISH"), story(_as_restored(steps), restored).first)
    return Part(back, (way(choice, is_one_of(STOP, "CREATE", "GO_ON")),))


def _as_restored(steps: TransitionSteps) -> sfn.Pass:
    """What the preflight would tell of the backup that a start before has restored."""
    rows, backup_id = sfn.JsonPath.object_at("$.stop.rows"), sfn.JsonPath.string_at("$.stop.backup_id")
    return sfn.Pass(
        steps.scope,
        "Go on with what is restored",
        parameters={"rows": rows, "backup_id": backup_id, "warnings": []},
        result_path="$.preflight",
    )


def _there(steps: TransitionSteps) -> Part:
    """Nothing is to be started; where a stop failed, and its reactivation too, that is tried once more."""
    choice, paused = sfn.Choice(steps.scope, "Act on the note"), "$.record.paused"
    told = story(steps.tell.it_is_there_already(), sfn.Succeed(steps.scope, "The environment is there already"))
    again = story(steps.begin_to_reactivate(), told)
    choice.when(sfn.Condition.boolean_equals(paused, True), again.first)
    choice.when(sfn.Condition.boolean_equals(paused, False), told.first)
    give_back = steps.give_the_lease_back("Give the lease back, since it is there")
    return story(steps.forget_the_stop(), give_back, Part(choice))


def _updated(steps: TransitionSteps) -> Part:
    """Give the environment its options back; with MWAA_UPDATE_AFTER_RESTORE wait until Airflow has started anew.

    Else nobody waits: it works meanwhile, and the limits of a start leave no time for a second wait.
    """
    is_wanted = steps.parts.environment.update_after_restore
    update = steps.environment.update(restart=is_wanted)
    settled = transition.settled(steps, "updated environment", deadline_mins=_deadline(steps)) if is_wanted else None
    return story(update, settled)


def _deadline(steps: TransitionSteps) -> int:
    return steps.plan.poll_mins(steps.plan.start(steps.parts.environment))
