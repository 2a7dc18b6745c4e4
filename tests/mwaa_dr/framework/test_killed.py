"""Killed at any moment, the engine leaves what was there before, or all of its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from drill.postgres import Postgres
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.repository import BackupRepository
from tests.support.engine import PRIMARY, backup, cleanup, restore, storage, tables_of
from tests.support.engine_process import EngineProcess, moments
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.state import State, dangling, exact, natural, settle

pytestmark = pytest.mark.slow
KILLS = 20
TABLES = tables_of()

Clone = Callable[[], Metadata]


@pytest.fixture
def clone(postgres: Postgres, secondary: Metadata) -> Iterator[Clone]:
    """A factory of databases like the secondary is at its first call; only the last one is kept."""
    name = secondary.one("SELECT current_database()")
    copies: list[Metadata] = []

    def drop_last() -> None:
        if copies:
            last = copies.pop()
            last.close()
            postgres.drop(f"{name}_copy")

    def create() -> Metadata:
        secondary.close()
        drop_last()
        copies.append(Metadata(postgres.create(f"{name}_copy", name)))
        return copies[0]

    yield create
    drop_last()


def fill_both(primary: Metadata, secondary: Metadata) -> None:
    """The secondary has rows of its own under the same keys, and some of the same runs."""
    fill(primary, runs=40, logs=3_000)
    fill(secondary, "other", runs=20, logs=1_000)
    secondary.dag("sales", paused=True)
    for number in range(0, 30, 3):
        secondary.run_with_task("sales", f"r{number}", state="failed")


def test_a_restore_killed_at_any_moment_happened_whole_or_not_at_all(
    primary: Metadata, secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill_both(primary, secondary)
    backup(primary.url, tmp_path)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("restore", target.url, tmp_path).run()
    after = meaning(target)
    commit = calls.index("commit", calls.index("SAVEPOINT merge")) + 1
    at_work = unchanged = 0
    for call, seconds in [*moments(len(calls) - 1, KILLS, seed=1), (commit, 0.0), (commit, 0.001)]:
        target = clone()
        at_work += EngineProcess("restore", target.url, tmp_path).kill_at(call, seconds)
        settle(target)
        if exact(target) == before:
            unchanged += 1
        else:
            assert meaning(target) == after, f"killed at call {call} of {len(calls)}"
        restore(target.url, tmp_path)
        assert meaning(target) == after, f"restored again after call {call} of {len(calls)}"
    assert at_work >= KILLS // 2
    assert unchanged >= KILLS // 2


def test_a_backup_killed_at_any_moment_is_complete_or_was_never_there(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=40, logs=3_000)
    calls = EngineProcess("backup", primary.url, tmp_path / "whole").run()
    repository = BackupRepository(storage(tmp_path))
    good = backup(primary.url, tmp_path).backup_id
    at_work, completed = 0, {good}
    for call, seconds in moments(len(calls) - 1, KILLS, seed=2):
        at_work += EngineProcess("backup", primary.url, tmp_path).kill_at(call, seconds)
        settle(primary)
        killed = set(repository.backup_ids(PRIMARY.id)) - completed
        assert len(killed) <= 1
        assert repository.latest(PRIMARY.id).backup_id in {good, *killed}
        for backup_id in {good, *killed}:
            repository.verify_files(repository.manifest(PRIMARY.id, backup_id))
        good = backup(primary.url, tmp_path).backup_id
        assert repository.latest(PRIMARY.id).backup_id == good
        completed |= {good, *killed}
    assert at_work >= KILLS // 2
    assert set(leftovers(tmp_path)) - set(named(repository))
    repository.expire(PRIMARY.id, Retention(0, 0), now=datetime.now(timezone.utc) + timedelta(hours=25))
    assert sorted(leftovers(tmp_path)) == sorted(named(repository))
    restore(secondary.url, tmp_path)
    assert dangling(secondary, TABLES) == []


def leftovers(folder: Path) -> Iterator[str]:
    """All files of the environment but the reports."""
    top = folder / PRIMARY.id
    return (str(p.relative_to(top)) for p in top.rglob("*") if p.is_file() and p.name != "report.json")


def named(repository: BackupRepository) -> Iterator[str]:
    """The files that belong to complete backups."""
    yield "latest.json"
    for backup_id in repository.backup_ids(PRIMARY.id):
        yield f"{backup_id}/manifest.json"
        yield from (f"{backup_id}/{f.file}" for f in repository.manifest(PRIMARY.id, backup_id).tables)


def test_a_cleanup_killed_at_any_moment_happened_whole_or_not_at_all(
    secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill(secondary, runs=40, logs=3_000)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("cleanup", target.url, tmp_path, {"force": True}).run()
    after = exact(target)
    unchanged = 0
    for call, seconds in moments(len(calls) - 1, KILLS, seed=3):
        target = clone()
        EngineProcess("cleanup", target.url, tmp_path, {"force": True}).kill_at(call, seconds)
        settle(target)
        found = exact(target)
        assert found in (before, after), f"killed at call {call} of {len(calls)}"
        unchanged += found == before
        cleanup(target.url, force=True)
        assert exact(target) == after
    assert unchanged >= KILLS // 2


def test_a_cleanup_in_batches_killed_at_any_moment_leaves_whole_runs_and_goes_on(
    secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill(secondary, runs=40, logs=1_000)
    options: dict[str, Any] = {"force": True, "batch_runs": 7}
    target = clone()
    calls = EngineProcess("cleanup", target.url, tmp_path, options).run()
    after = exact(target)
    runs_left = set()
    for call, seconds in moments(len(calls) - 1, KILLS, seed=4):
        target = clone()
        EngineProcess("cleanup", target.url, tmp_path, options).kill_at(call, seconds)
        settle(target)
        left = target.one("SELECT count(*) FROM dag_run")
        runs_left.add(left)
        assert left in (41, 34, 27, 20, 13, 6, 0)
        assert target.one("SELECT count(*) FROM task_instance") == 3 * (left - 1 if left else 0)
        assert dangling(target, TABLES) == []
        assert left == 41 or target.one("SELECT count(*) FROM dag WHERE NOT is_paused") == 0
        cleanup(target.url, **options)
        assert exact(target) == after
    assert len(runs_left) > 3


def meaning(db: Metadata) -> State:
    assert dangling(db, TABLES) == []
    return natural(db, TABLES)
