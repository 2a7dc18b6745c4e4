"""A restore into a database whose scheduler goes on: neither fails because of the other."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg2
import pytest

from mwaa_dr.framework.errors import BusyError, DatabaseError
from tests.support.engine import backup, restore, tables_of
from tests.support.filled import fill
from tests.support.live_scheduler import LiveScheduler, broken_promises, live_scheduler
from tests.support.metadata import START, Metadata
from tests.support.state import dangling, exact
from tests.support.waiting import until
from tests.support.watched import Watched, unwatched, watched

TABLES = tables_of()
STEPS = 5
"""Hundreds of steps that the scheduler takes while the merge holds its locks."""


@pytest.mark.slow
def test_a_scheduler_writes_on_while_a_restore_is_repeated(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    history = LiveScheduler(primary.url, seed=1, dag_id="history")
    for _ in range(3000):
        history.step()
    backup(primary.url, tmp_path)
    secondary.insert("slot_pool", pool="default_pool", slots=128, include_deferred=False)
    with live_scheduler(secondary.url, seed=2):
        for _ in range(5):
            restore(secondary.url, tmp_path)
    assert broken_promises(secondary) == []
    assert dangling(secondary, TABLES) == []
    kept = secondary.one("SELECT count(*) FROM dag_run WHERE dag_id = 'history'")
    assert kept >= primary.one("SELECT count(*) FROM dag_run WHERE state IN ('success', 'failed')")
    assert secondary.one("SELECT count(*) FROM dag_run WHERE dag_id = 'live'") > 0


@pytest.mark.slow
def test_a_scheduler_does_not_wait_while_a_merge_holds_its_locks(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary)
    primary.insert("slot_pool", pool="default_pool", slots=7, include_deferred=False)
    secondary.insert("slot_pool", pool="default_pool", slots=128, include_deferred=False)
    backup(primary.url, tmp_path)

    held: list[int] = []

    with live_scheduler(secondary.url, seed=3) as hundreds:

        def hold(connection: Watched, statement: str) -> None:
            if statement == "commit" and is_merged(connection):
                held.append(len(hundreds))
                until(lambda: len(hundreds) > held[0] + STEPS, "the next steps of the scheduler")

        restore(watched(secondary.url, hold), tmp_path)
        after = len(hundreds)
        until(lambda: len(hundreds) > after + 1, "the steps afterwards")
    assert len(held) == 1
    assert secondary.one("SELECT slots FROM slot_pool WHERE pool = 'default_pool'") == 7


def is_merged(connection: Watched) -> bool:
    """Whether it is the transaction of a restore: the staged tables are gone after it."""
    with unwatched(connection) as cursor:
        cursor.execute("SELECT to_regclass('mwaa_dr_stage_dag') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def trigger(db: Metadata, run_id: str, state: str = "queued") -> None:
    """As somebody who triggers a run by hand: that locks no DAG."""
    db.run_sql(
        "INSERT INTO dag_run (dag_id, run_id, run_type, state, execution_date) VALUES ('sales', %s, 'manual', %s,"
        " (SELECT COALESCE(max(execution_date), '2025-01-01') + interval '1 s' FROM dag_run))",
        run_id,
        state,
    )


def test_a_run_that_is_triggered_between_planning_and_inserting_is_kept(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=2)
    backup(primary.url, tmp_path)
    attempts: list[str] = []

    def trigger_r1(connection: Watched, statement: str) -> None:
        if statement.startswith("INSERT INTO dag_run"):
            attempts.append(statement)
            if len(attempts) == 1:
                trigger(secondary, "r1")

    report = restore(watched(secondary.url, trigger_r1), tmp_path)
    assert len(attempts) == 2
    assert report.kept_runs == [{"dag_id": "sales", "run_id": "r1", "state": "queued"}]
    assert secondary.rows("SELECT run_id, state FROM dag_run ORDER BY 1") == [
        ("by_hand", "success"),
        ("r0", "success"),
        ("r1", "queued"),
    ]
    assert secondary.rows("SELECT DISTINCT run_id FROM task_instance") == [("r0",)]
    assert dangling(secondary, TABLES) == []


def test_a_restore_that_loses_every_race_says_so_and_changed_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=6)
    backup(primary.url, tmp_path)
    fill(secondary, "theirs", runs=2)
    waiting = ["r0", "r1", "r3", "r4"]
    triggered: list[str] = []

    def trigger_next(connection: Watched, statement: str) -> None:
        if statement.startswith("INSERT INTO dag_run"):
            triggered.append(waiting.pop())
            trigger(secondary, triggered[-1])

    before = exact(secondary)
    with pytest.raises(BusyError, match="nothing was changed"):
        restore(watched(secondary.url, trigger_next), tmp_path)
    assert len(triggered) == 3
    secondary.run_sql("DELETE FROM dag_run WHERE dag_id = 'sales'")
    assert exact(secondary) == before


def test_a_merge_that_waits_too_long_gives_up_and_changed_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=2)
    backup(primary.url, tmp_path)
    before = exact(secondary)
    other = psycopg2.connect(secondary.url)
    other.cursor().execute(
        "INSERT INTO dag_run (dag_id, run_id, run_type, state, execution_date)"
        " VALUES ('sales', 'r1', 'manual', 'queued', now())"
    )
    with pytest.raises(DatabaseError, match="held its locks for more than 2 s"):
        restore(secondary.url, tmp_path, lock_seconds=2)
    other.rollback()
    other.close()
    assert exact(secondary) == before
    restore(secondary.url, tmp_path)


def test_a_merge_that_works_too_long_gives_up_and_changed_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=2)
    backup(primary.url, tmp_path)
    before = exact(secondary)

    def work(connection: Watched, statement: str) -> None:
        if statement.startswith("INSERT INTO dag_run"):
            time.sleep(1.2)

    with pytest.raises(DatabaseError, match="held its locks for more than 1 s"):
        restore(watched(secondary.url, work), tmp_path, lock_seconds=1)
    assert exact(secondary) == before


def test_dags_that_somebody_else_holds_are_waited_for_and_then_given_up(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=2)
    backup(primary.url, tmp_path)
    secondary.dag("theirs", next_dagrun=START)
    before = exact(secondary)
    other = psycopg2.connect(secondary.url)
    other.cursor().execute("SELECT * FROM dag FOR UPDATE")

    def hurry(connection: Watched, statement: str) -> None:
        if "lock_timeout" in statement:
            unwatched(connection).execute("SET LOCAL lock_timeout = '200ms'")

    with pytest.raises(BusyError, match="nothing was changed"):
        restore(watched(secondary.url, after=hurry), tmp_path)
    other.close()
    assert exact(secondary) == before
