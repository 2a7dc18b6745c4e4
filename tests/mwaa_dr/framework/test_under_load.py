"""A backup that is taken while Airflow writes shows one moment, and is restored whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.repository import BackupRepository
from tests.conftest import Database
from tests.support.engine import ADDED_TO, PIECE, PRIMARY, VERSION, backup, restore, rows_of, storage, tables_of
from tests.support.live_scheduler import UNTOLD, broken_promises, live_scheduler
from tests.support.metadata import Metadata
from tests.support.state import dangling
from tests.support.waiting import until

BACKUPS = 20
KINDS_OF: dict[str, dict[str, Any]] = {"full": {}, "chain": ADDED_TO}
KINDS = list(KINDS_OF)
TABLES = tables_of()


@pytest.mark.slow
def test_twenty_backups_under_load_are_each_restored_whole(
    primary: Metadata, database: Database, tmp_path: Path
) -> None:
    with live_scheduler(primary.url, seed=1) as hundreds:
        for number in range(BACKUPS):
            before = len(hundreds)
            kind = KINDS[number % 2]
            backup(primary.url, tmp_path / kind, piece_size=1 << 30 if number % 4 < 2 else PIECE, **KINDS_OF[kind])
            until(lambda: len(hundreds) > before, "the next steps of the scheduler")  # noqa: B023 - called at once
    taken = [(tmp_path / kind, manifest) for kind in KINDS for manifest in all_of(tmp_path / kind)]
    manifests = [manifest for _, manifest in taken]
    assert len(manifests) == BACKUPS
    for number, (place, manifest) in enumerate(taken):
        in_flight = list(InFlight)[number % 2]
        target = Metadata(database(VERSION))
        restore(target.url, place, backup_id=manifest.backup_id, in_flight=in_flight)
        as_failed = [run for run in manifest.interrupted if run.becomes.startswith("restored as failed")]
        assert broken_promises(target) == []
        assert target.one(UNTOLD) == (0 if in_flight is InFlight.RESUME else len(as_failed))
        assert dangling(target, TABLES) == []
        counts = {t.name: target.one(f'SELECT count(*) FROM "{t.name}"') for t in TABLES}
        assert counts == {**rows_of(manifest), **left_out(manifest, target, in_flight)}
        target.close()
    assert any(manifest.interrupted for manifest in manifests)
    assert sum(bool(manifest.references) for manifest in manifests) == BACKUPS // 2 - 1
    assert any(file.parts > 1 for manifest in manifests for file in manifest.tables)
    assert primary.one("SELECT count(*) FROM log WHERE event = 'cleaned'") > 0


def all_of(place: Path) -> list[Manifest]:
    repository = BackupRepository(storage(place))
    return [repository.manifest(PRIMARY.id, name) for name in repository.backup_ids(PRIMARY.id)]


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
