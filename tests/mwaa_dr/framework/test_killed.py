"""Killed at any moment, the engine leaves what was there before, or all of its work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from drill.postgres import Postgres
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.repository import BackupRepository
from tests.support.engine import PIECE, PRIMARY, backup, cleanup, manifest_of, restore, storage, tables_of
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


def test_a_restore_killed_before_its_commit_changed_nothing_and_after_it_all(
    primary: Metadata, secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill_both(primary, secondary)
    backup(primary.url, tmp_path)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("restore", target.url, tmp_path).run()
    after = meaning(target)
    commit = calls.index("commit", calls.index("SAVEPOINT merge")) + 1
    for call in spread(commit, KILLS):
        target = clone()
        assert EngineProcess("restore", target.url, tmp_path).die_before(call) == calls[:call]
        settle(target)
        assert exact(target) == before, f"killed before call {call} of {commit}: {calls[call - 1]}"
    target = clone()
    EngineProcess("restore", target.url, tmp_path).die_before(commit + 1)
    settle(target)
    assert meaning(target) == after


def test_a_restore_killed_at_any_moment_happened_whole_or_not_at_all(
    primary: Metadata, secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill_both(primary, secondary)
    backup(primary.url, tmp_path)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("restore", target.url, tmp_path).run()
    after = meaning(target)
    for call, seconds in moments(len(calls), KILLS, seed=1):
        target = clone()
        EngineProcess("restore", target.url, tmp_path).kill_near(call, seconds)
        settle(target)
        assert exact(target) == before or meaning(target) == after, f"killed near call {call} of {len(calls)}"
        restore(target.url, tmp_path)
        assert meaning(target) == after, f"restored again after call {call} of {len(calls)}"


def test_a_backup_killed_before_its_manifest_is_stored_was_never_there_and_after_it_is_complete(
    primary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=40, logs=3_000)
    good = backup(primary.url, tmp_path / "1").backup_id
    process = EngineProcess("backup", primary.url, tmp_path / "1", {"connections": 1})
    calls = without_ids(process.run())
    manifest = calls.index("written ID/manifest.json") + 1
    repository = BackupRepository(storage(tmp_path / "1"))
    known = set(repository.backup_ids(PRIMARY.id))
    latest = repository.latest(PRIMARY.id).backup_id
    assert latest != good
    for call in spread(manifest, KILLS):
        assert without_ids(process.die_before(call)) == calls[:call]
        settle(primary)
        assert set(repository.backup_ids(PRIMARY.id)) == known, f"killed before call {call}: {calls[call - 1]}"
        assert repository.latest(PRIMARY.id).backup_id == latest
    for call, is_latest in ((manifest + 1, False), (calls.index("stored ID/latest.json") + 1, True)):
        process.die_before(call)
        settle(primary)
        [new] = set(repository.backup_ids(PRIMARY.id)) - known
        repository.verify_files(repository.manifest(PRIMARY.id, new))
        assert (repository.latest(PRIMARY.id).backup_id == new) is is_latest
        known.add(new)


def test_a_backup_killed_at_any_moment_is_complete_or_was_never_there(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=40, logs=3_000)
    split = {"piece_size": PIECE}
    calls = EngineProcess("backup", primary.url, tmp_path / "whole", split).run()
    assert len(manifest_of(tmp_path / "whole").files_of("log")) > 1
    repository = BackupRepository(storage(tmp_path))
    good = backup(primary.url, tmp_path).backup_id
    completed = {good}
    for call, seconds in moments(len(calls), KILLS, seed=2):
        EngineProcess("backup", primary.url, tmp_path, split).kill_near(call, seconds)
        settle(primary)
        killed = set(repository.backup_ids(PRIMARY.id)) - completed
        assert len(killed) <= 1
        assert repository.latest(PRIMARY.id).backup_id in {good, *killed}
        for backup_id in {good, *killed}:
            repository.verify_files(repository.manifest(PRIMARY.id, backup_id))
        good = backup(primary.url, tmp_path).backup_id
        assert repository.latest(PRIMARY.id).backup_id == good
        completed |= {good, *killed}
    restore(secondary.url, tmp_path)
    assert dangling(secondary, TABLES) == []


def test_what_a_killed_backup_left_goes_with_the_retention_of_a_later_day(primary: Metadata, tmp_path: Path) -> None:
    fill(primary, runs=2)
    process = EngineProcess("backup", primary.url, tmp_path, {"connections": 1})
    calls = without_ids(process.run())
    repository = BackupRepository(storage(tmp_path))
    process.die_before(calls.index("written ID/xcom.csv.gz") + 1)
    assert set(leftovers(tmp_path)) > set(named(repository))
    repository.expire(PRIMARY.id, Retention(0, 0), now=datetime.now(timezone.utc) + timedelta(hours=25))
    assert sorted(leftovers(tmp_path)) == sorted(named(repository))


def without_ids(calls: list[str]) -> list[str]:
    """Calls as every backup makes them."""
    return [re.sub(rf"{PRIMARY.id}/(\d{{8}}T[^/]*/)?", "ID/", call) for call in calls]


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


def test_a_cleanup_killed_before_its_commit_changed_nothing_and_after_it_all(
    secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill(secondary, runs=40, logs=3_000)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("cleanup", target.url, tmp_path, {"force": True}).run()
    after = exact(target)
    assert calls[-2:] == ["commit", "ended"]
    for call in [*spread(len(calls) - 1, KILLS), len(calls)]:
        target = clone()
        assert EngineProcess("cleanup", target.url, tmp_path, {"force": True}).die_before(call) == calls[:call]
        settle(target)
        assert exact(target) == (after if call == len(calls) else before), f"killed before call {call}"


def test_a_cleanup_killed_at_any_moment_happened_whole_or_not_at_all(
    secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill(secondary, runs=40, logs=3_000)
    before = exact(secondary)
    target = clone()
    calls = EngineProcess("cleanup", target.url, tmp_path, {"force": True}).run()
    after = exact(target)
    for call, seconds in moments(len(calls), KILLS, seed=3):
        target = clone()
        EngineProcess("cleanup", target.url, tmp_path, {"force": True}).kill_near(call, seconds)
        settle(target)
        assert exact(target) in (before, after), f"killed near call {call} of {len(calls)}"
        cleanup(target.url, force=True)
        assert exact(target) == after


def test_a_cleanup_in_batches_killed_around_each_commit_leaves_whole_runs_and_goes_on(
    secondary: Metadata, clone: Clone, tmp_path: Path
) -> None:
    fill(secondary, runs=40, logs=1_000)
    options: dict[str, Any] = {"force": True, "batch_runs": 7}
    target = clone()
    calls = EngineProcess("cleanup", target.url, tmp_path, options).run()
    after = exact(target)
    of_sessions = 2
    commits = [number for number, call in enumerate(calls, 1) if call == "commit"][of_sessions:]
    left = (41, 34, 27, 20, 13, 6, 0)
    assert len(commits) == len(left) - 1
    kills = [(commit + later, left[batch + later]) for batch, commit in enumerate(commits) for later in (0, 1)]
    for call, runs in kills:
        target = clone()
        EngineProcess("cleanup", target.url, tmp_path, options).die_before(call)
        settle(target)
        assert target.one("SELECT count(*) FROM dag_run") == runs
        assert target.one("SELECT count(*) FROM task_instance") == 3 * (runs - 1 if runs else 0)
        assert dangling(target, TABLES) == []
        assert (target.one("SELECT count(*) FROM dag WHERE NOT is_paused") > 0) is (runs == left[0])
        cleanup(target.url, **options)
        assert exact(target) == after


def spread(last: int, count: int) -> list[int]:
    """So many calls, or all if they are fewer, from the first to the last."""
    return sorted({1 + (last - 1) * number // (count - 1) for number in range(count)})


def meaning(db: Metadata) -> State:
    assert dangling(db, TABLES) == []
    return natural(db, TABLES)
