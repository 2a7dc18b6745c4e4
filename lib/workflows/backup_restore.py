"""Backup and restore: the secondary environment is created from the primary's blueprint, then its backup restored.

The numbers are those of "BR Flow 2: Recovery" in the README.
"""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.workflows import recovery
from lib.workflows.lease_steps import FAILOVER
from lib.workflows.parts import RecoveryParts
from lib.workflows.recovery import RecoveryWorkflow
from lib.workflows.steps import Steps
from lib.workflows.story import Part, story


class BackupRestore(RecoveryWorkflow):
    """The workflow of the strategy BACKUP_RESTORE."""

    def __init__(self, scope: Construct, id_: str, *, parts: RecoveryParts) -> None:
        super().__init__(scope, id_, parts=parts, tell=backup_restore)


def backup_restore(steps: Steps) -> Part:
    """The story, from the health check to an environment that works in the secondary Region."""
    reached = recovery.airflow_reached(steps)
    over = recovery.on_its_own(
        steps,
        steps.secondary.let_new_dags_start_again(was=f"{FAILOVER}.paused_at_creation_was"),
        success=steps.tell.the_secondary_has_taken_over(" About new DAGs: {}.", "$.update.why"),
    )
    return story(
        recovery.found_failed(steps),  # 2.b to 2.e
        recovery.alone(steps, left_over=reached),
        recovery.allowed(steps),
        steps.check_that_recovery_can_succeed(),
        steps.tell.recovery_starts(),
        steps.disable_the_health_schedule(),  # 2.f
        recovery.brought_up(steps),  # 2.g to 2.j
        reached,
        recovery.unless_recorded(steps, over),
        recovery.restored(steps),  # 2.k and 2.l
        recovery.taken_over(
            steps, over, paused_at_creation_was=sfn.JsonPath.object_at("$.creation.paused_at_creation_was")
        ),
    )
