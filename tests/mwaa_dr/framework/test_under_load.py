"""A backup that is taken while Airflow writes shows one moment, and is restored whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.repository import BackupRepository
from tests.conftest import Database
from tests.support.engine import PIECE, PRIMARY, VERSION, backup, restore, rows_of, storage, tables_of
from tests.support.live_scheduler import UNTOLD, broken_promises, live_scheduler
from tests.support.metadata import Metadata
from tests.support.state import dangling
from tests.support.waiting import until

BACKUPS = 20
TABLES = tables_of()


@pytest.mark.slow
def test_twenty_backups_under_load_are_each_restored_whole(
    primary: Metadata, database: Database, tmp_path: Path
) -> None:
    with live_scheduler(primary.url, seed=1) as hundreds:
        for number in range(BACKUPS):
            before = len(hundreds)
            backup(primary.url, tmp_path, piece_size=PIECE if number % 2 else 1 << 30)
            until(lambda: len(hundreds) > before, "the next steps of the scheduler")  # noqa: B023 - called at once
    repository = BackupRepository(storage(tmp_path))
    manifests = [repository.manifest(PRIMARY.id, name) for name in repository.backup_ids(PRIMARY.id)]
    assert len(manifests) == BACKUPS
    for number, manifest in enumerate(manifests):
        in_flight = list(InFlight)[number % 2]
        target = Metadata(database(VERSION))
        restore(target.url, tmp_path, backup_id=manifest.backup_id, in_flight=in_flight)
        as_failed = [run for run in manifest.interrupted if run.becomes.startswith("restored as failed")]
        assert broken_promises(target) == []
        assert target.one(UNTOLD) == (0 if in_flight is InFlight.RESUME else len(as_failed))
        assert dangling(target, TABLES) == []
        counts = {t.name: target.one(f'SELECT count(*) FROM "{t.name}"') for t in TABLES}
        assert counts == {**rows_of(manifest), **left_out(manifest, target, in_flight)}
        target.close()
    assert any(manifest.interrupted for manifest in manifests)
    assert any(file.parts > 1 for manifest in manifests for file in manifest.tables)
    assert primary.one("SELECT count(*) FROM log WHERE event = 'cleaned'") > 0


def left_out(manifest: Manifest, target: Metadata, in_flight: InFlight) -> dict[str, int]:
    """The tables that hold something else than the backup by rule, with the rows that they must have."""
    if in_flight is InFlight.RESUME:
        gone = ["task_reschedule", "task_instance_history"]
        return {name: target.one(f"SELECT count(*) FROM {name}") for name in gone}
    runs = [run for run in manifest.interrupted if run.becomes.startswith("left out")]
    rows = rows_of(manifest)
    return {
        "dag_run": rows["dag_run"] - len(runs),
        "task_instance": rows["task_instance"] - sum(run.unfinished_tasks for run in runs),
        "dag_run_note": rows["dag_run_note"] + len(manifest.interrupted) - len(runs),
        "task_reschedule": target.one("SELECT count(*) FROM task_reschedule"),
        "task_fail": target.one("SELECT count(*) FROM task_fail"),
    }
