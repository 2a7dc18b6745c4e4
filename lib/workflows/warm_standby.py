"""Warm standby: the backup is restored into an environment that waits in the secondary Region.

The numbers are those of "WS Flow 2: Recovery" in the README.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import recovery
from lib.workflows.parts import RecoveryParts
from lib.workflows.recovery import RecoveryWorkflow
from lib.workflows.steps import Steps
from lib.workflows.story import Part, story


class WarmStandby(RecoveryWorkflow):
    """The workflow of the strategy WARM_STANDBY."""

    def __init__(self, scope: Construct, id_: str, *, parts: RecoveryParts) -> None:
        super().__init__(scope, id_, parts=parts, tell=warm_standby)


def warm_standby(steps: Steps) -> Part:
    """The story, from the health check to a standby that has taken over."""
    available = recovery.standing_by(steps)
    over = recovery.on_its_own(steps, success=steps.tell.the_secondary_has_taken_over())
    return story(
        recovery.found_failed(steps),  # 2.b and 2.c
        recovery.alone(steps, left_over=available),
        recovery.allowed(steps),
        steps.check_that_recovery_can_succeed(),
        available,
        recovery.airflow_reached(steps),
        recovery.unless_recorded(steps, over),
        _able_to_restore(steps),
        steps.tell.recovery_starts(),
        steps.disable_the_health_schedule(),  # 2.d
        _cleaned_up(steps),
        recovery.restored(steps),  # 2.e and 2.f
        recovery.taken_over(steps, over),
    )


def _able_to_restore(steps: Steps) -> sfn.CustomState:
    """Whether the standby could restore, before it is emptied; this, too, changes nothing."""
    dag = steps.config.recovery.import_dag_name
    return steps.web.wait_until_parsed("Check that the standby knows the restore DAG", dag)


def _cleaned_up(steps: Steps) -> Part:
    """Empty the standby, so that nothing is in the way of the restore."""
    recovery_config = steps.config.recovery
    cool_off = Duration.seconds(recovery_config.cleanup_cool_off_secs)
    return story(
        steps.web.wait_until_parsed("Wait until the cleanup DAG is parsed", recovery_config.cleanup_dag_name),
        steps.airflow.clean_up(),
        sfn.Wait(steps.scope, "Let the standby cool off", time=sfn.WaitTime.duration(cool_off)),
    )
