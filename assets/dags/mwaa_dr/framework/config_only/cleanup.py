"""Clean up without the database: pause what is active; everything else stays, since a restore by REST fills nothing."""

from __future__ import annotations

import time

from mwaa_dr.framework.config_only.target import Target
from mwaa_dr.framework.config_only.values import Reached
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.model.options import CleanupOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report

NOTE = "CONFIG_ONLY: all DAGs but those of mwaa_dr were paused; runs, history and pools stay as they are"


def clean_up_config(
    reached: Reached, tables: Tables, options: CleanupOptions, progress: Progress | None = None
) -> Report:
    """Pause every DAG but our own; the report names those that were active."""
    started, progress = time.monotonic(), progress or Progress()
    target = Target(reached)
    if "dag" not in tables.names:
        return Report(
            "cleanup", "", notes=["no DAG was paused: table 'dag' is not chosen"], mode=Mode.CONFIG_ONLY.value
        )
    ours = {*options.own_dags, *([options.own_run.dag_id] if options.own_run else [])}
    active = sorted(dag_id for dag_id, paused in target.dags().items() if not paused and dag_id not in ours)
    notes = [NOTE]
    if active:
        # Said before it is done: were we killed after it, nobody could tell any more.
        progress.phase(f"pause what is active: {', '.join(active)}")
    left = {dag_id: target.set_paused(dag_id, True) for dag_id in (() if options.dry_run else active)}
    notes += [f"dag '{dag_id}' was not paused: {why}" for dag_id, why in left.items() if why]
    return Report(
        operation="cleanup",
        environment="",
        notes=notes,
        active_dags=active,
        seconds=round(time.monotonic() - started, 3),
        dry_run=options.dry_run,
        mode=Mode.CONFIG_ONLY.value,
    )
