"""While the fast way of a restore holds its locks, nobody takes a scheduler for dead that waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mwaa_dr.framework.database import hearts
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.database.fast_load import FastLoad
from mwaa_dr.framework.database.hearts import Hearts
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.report import Report
from tests.support.engine import backup, restore
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.waiting import until

JOBS = {
    "the scheduler": ("SchedulerJob", "running", 5, False),
    "the triggerer": ("TriggererJob", "running", 29, False),
    "one that is dead": ("SchedulerJob", "running", 31, False),
    "one that was found dead": ("SchedulerJob", "failed", 5, False),
    "one that has ended": ("SchedulerJob", "running", 5, True),
    "a task's": ("LocalTaskJob", "running", 5, False),
}
"""Name -> type, state, age of its last heartbeat in seconds, whether it has ended."""
ALIVE = {"the scheduler", "the triggerer"}


@pytest.fixture
def target(primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Metadata:
    """An environment with these jobs, and a backup to restore into it; hearts beat fast."""
    monkeypatch.setattr(hearts, "RHYTHM_SECONDS", 0.01)
    fill(primary, runs=3)
    backup(primary.url, tmp_path)
    for name, (kind, state, age, ended) in JOBS.items():
        beat = secondary.one(f"SELECT now() - interval '{age} s'")
        secondary.insert(
            "job", job_type=kind, state=state, hostname=name, latest_heartbeat=beat, end_date=beat if ended else None
        )
    return secondary


def beats(url: str) -> dict[str, Any]:
    """Who has beaten when, as another session sees it."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT hostname, latest_heartbeat FROM job WHERE hostname = ANY(%s)", (list(JOBS),))
        return dict(cursor.fetchall())


def changed(url: str, since: dict[str, Any]) -> set[str]:
    return {name for name, beat in beats(url).items() if beat > since[name]}


def restored(target: Metadata, place: Path) -> Report:
    return restore(target.url, place, exclusive_rows=0)


def way_of(report: Report) -> str:
    [way] = [note for note in report.notes if " way" in note]
    return way


def amid_load(monkeypatch: pytest.MonkeyPatch, step: Callable[[FastLoad], None]) -> None:
    """Do something while tables are locked and have no indexes."""
    load = FastLoad.load

    def stopped(self: FastLoad, merge: Callable[[Staged], None]) -> None:
        step(self)
        load(self, merge)

    monkeypatch.setattr(FastLoad, "load", stopped)


def test_who_lives_beats_on_while_tables_are_locked_and_nobody_else(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def look(_: FastLoad) -> None:
        first = beats(target.url)
        until(lambda: changed(target.url, first) >= ALIVE)
        seen.append(changed(target.url, first))

    before = beats(target.url)
    amid_load(monkeypatch, look)
    assert "the fast way" in way_of(restored(target, tmp_path))
    assert seen == [ALIVE]
    assert changed(target.url, before) == ALIVE


def test_nobody_beats_after_the_restore(target: Metadata, tmp_path: Path) -> None:
    restored(target, tmp_path)
    after = beats(target.url)
    time.sleep(0.1)
    assert beats(target.url) == after


def test_a_job_that_somebody_holds_is_passed_over(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler that holds it may itself wait for the locks."""
    theirs = psycopg2.connect(target.url)

    def hold(_: FastLoad) -> None:
        with theirs.cursor() as cursor:
            cursor.execute("SELECT 1 FROM job WHERE hostname = 'the scheduler' FOR UPDATE")
        first = beats(target.url)
        until(lambda: "the triggerer" in changed(target.url, first))

    amid_load(monkeypatch, hold)
    try:
        assert "the fast way" in way_of(restored(target, tmp_path))
    finally:
        theirs.close()


def test_hearts_that_stand_still_end_the_fast_way(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(self: FastLoad) -> None:
        with psycopg2.connect(target.url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (self.hearts._connection.info.backend_pid,))
        until(lambda: bool(self.hearts.trouble))

    amid_load(monkeypatch, kill)
    assert "the merging way, with all indexes in place: nobody could say" in way_of(restored(target, tmp_path))
    assert target.one("SELECT count(*) FROM dag_run WHERE dag_id = 'sales'") == 3


def test_hearts_that_get_no_answer_end_it_too(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearts, "SILENT_SECONDS", 0)
    assert "no answer for" in way_of(restored(target, tmp_path))


def test_without_a_second_connection_tables_are_merged(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = iter((1,))
    build = MetadataDb.__init__

    def limited(self: MetadataDb, connect: Callable[[], Any]) -> None:
        def first_only() -> Any:
            if next(places, None) is None:
                raise psycopg2.OperationalError("remaining connection slots are reserved")
            return connect()

        build(self, first_only)

    monkeypatch.setattr(MetadataDb, "__init__", limited)
    assert "remaining connection slots are reserved" in way_of(restored(target, tmp_path))


def test_a_restore_that_may_not_lock_needs_no_second_connection(
    target: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hearts, "at_hand", lambda *_: pytest.fail("a connection is opened"))
    restore(target.url, tmp_path, exclusive_seconds=0)
