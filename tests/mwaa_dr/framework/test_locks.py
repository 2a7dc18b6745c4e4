"""What the scheduler and the parser may do, and may not do, while a merge holds its locks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

from mwaa_dr.framework.database.merge import Merger
from mwaa_dr.framework.database.runs import plan_runs
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from tests.support.amid_merge import amid_merge
from tests.support.engine import backup, restore
from tests.support.filled import fill
from tests.support.metadata import ONE_DAY, START, Metadata
from tests.support.state import exact
from tests.support.waiting import once_somebody_waits
from tests.support.watched import Watched, watched

Other = Callable[[Callable[[Metadata], None]], None]

DUE = (
    "SELECT dag_id FROM dag WHERE NOT is_paused AND is_active AND next_dagrun_create_after <= now()"
    " ORDER BY dag_id FOR UPDATE OF dag SKIP LOCKED"
)
"""The scheduler looks for runs to create."""


@pytest.fixture
def meanwhile(primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Other:
    """Restore, and let another session act in the middle of the merge."""

    def act(action: Callable[[Metadata], None]) -> None:
        amid_merge(monkeypatch, lambda: action(secondary))
        backup(primary.url, tmp_path)
        secondary.run_sql("SET lock_timeout = '60s'")
        restore(secondary.url, tmp_path)

    return act


def test_the_scheduler_passes_over_dags_that_are_being_restored(
    primary: Metadata, secondary: Metadata, meanwhile: Other
) -> None:
    primary.dag()
    primary.run_with_task()
    secondary.dag(next_dagrun_create_after=START)
    secondary.dag("other", next_dagrun_create_after=START)
    assert secondary.rows(DUE) == [("other",), ("sales",)]
    meanwhile(lambda scheduler: _is(scheduler.rows(DUE), []))


def test_the_scheduler_need_not_wait_to_say_what_is_due_after_a_run_that_ended(
    primary: Metadata, secondary: Metadata, meanwhile: Other
) -> None:
    primary.dag()
    primary.run_with_task()
    secondary.dag(next_dagrun_create_after=START)
    meanwhile(
        lambda scheduler: scheduler.run_sql("UPDATE dag SET next_dagrun = now(), next_dagrun_create_after = now()")
    )
    assert secondary.rows("SELECT next_dagrun, next_dagrun_create_after FROM dag") == [(None, None)]


def test_a_task_need_not_wait_to_feed_a_dag(primary: Metadata, secondary: Metadata, meanwhile: Other) -> None:
    primary.dag()
    primary.run_with_task()
    secondary.dag()
    secondary.insert("dataset", id=7, uri="s3://fed")
    meanwhile(lambda task: task.insert("dataset_dag_run_queue", dataset_id=7, target_dag_id="sales"))
    assert secondary.one("SELECT count(*) FROM dataset_dag_run_queue") == 1


def test_a_dag_that_is_first_parsed_meanwhile_waits(primary: Metadata, secondary: Metadata, meanwhile: Other) -> None:
    primary.dag()
    primary.run_with_task()

    def parse(parser: Metadata) -> None:
        parser.run_sql("SET lock_timeout = '500ms'")
        with pytest.raises(errors.LockNotAvailable):
            parser.dag(next_dagrun_create_after=START)

    meanwhile(parse)
    assert secondary.rows("SELECT dag_id, is_paused, is_active FROM dag") == [("sales", False, False)]


def test_a_dag_that_the_parser_is_writing_when_the_merge_begins_is_locked_too(
    primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary.dag()
    primary.run_with_task()
    backup(primary.url, tmp_path)
    parser = psycopg2.connect(secondary.url)
    with parser.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dag (dag_id, is_paused, is_active, max_active_tasks, has_task_concurrency_limits,"
            " max_consecutive_failed_dag_runs, next_dagrun_create_after)"
            " VALUES ('sales', false, true, 16, false, 0, now())"
        )
    phase = Merger._locked_phase
    seen: list[object] = []

    def phase_beside_the_parser(self: Merger) -> None:
        with once_somebody_waits(secondary.url, parser.commit):
            phase(self)

    monkeypatch.setattr(Merger, "_locked_phase", phase_beside_the_parser)
    amid_merge(monkeypatch, lambda: seen.extend([secondary.one("SELECT count(*) FROM dag"), secondary.rows(DUE)]))
    restore(secondary.url, tmp_path)
    parser.close()
    assert seen == [1, []]
    assert secondary.rows("SELECT is_paused, next_dagrun_create_after FROM dag") == [(False, None)]


def test_what_parser_and_tasks_add_meanwhile_does_not_wait(
    primary: Metadata, secondary: Metadata, meanwhile: Other
) -> None:
    primary.dag()
    primary.run_with_task()
    primary.insert("ab_view_menu", id=7, name="DAG:sales")
    primary.insert("variable", key="watermark", val="of the primary", is_encrypted=False)

    def add(other: Metadata) -> None:
        other.insert("ab_view_menu", id=99, name="DAG:sales")
        other.insert("variable", key="watermark", val="of a task", is_encrypted=False)

    meanwhile(add)
    assert secondary.rows("SELECT id FROM ab_view_menu WHERE name = 'DAG:sales'") == [(99,)]
    assert secondary.rows("SELECT val FROM variable") == [("of a task",)]


def _is(found: object, wanted: object) -> None:
    assert found == wanted


@pytest.mark.parametrize("day", [START, START + ONE_DAY], ids=["of the same date", "of the same id"])
def test_a_finished_run_that_is_to_be_replaced_cannot_be_cleared_any_more(
    primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: datetime
) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1", execution_date=START)
    secondary.dag()
    secondary.run_with_task(run_id="r1" if day > START else "theirs", execution_date=day)

    def plan_then_clear(work: Work, stage: Staged) -> list[tuple[object, ...]]:
        planned = plan_runs(work, stage)
        with pytest.raises(errors.LockNotAvailable):
            secondary.run_sql("UPDATE dag_run SET state = 'queued'")
        return planned

    monkeypatch.setattr("mwaa_dr.framework.database.merge.plan_runs", plan_then_clear)
    backup(primary.url, tmp_path)
    secondary.run_sql("SET lock_timeout = '500ms'")
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT run_id, state FROM dag_run") == [("r1", "success")]


def test_a_row_that_is_just_being_written_with_one_of_our_keys_does_not_stop_the_restore(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.insert("log", event="of the primary", dttm=START)
    backup(primary.url, tmp_path)
    web_server = psycopg2.connect(secondary.url)
    web_server.cursor().execute("INSERT INTO log (dttm, event) VALUES (now(), 'of the web server')")
    with once_somebody_waits(secondary.url, web_server.commit):
        restore(secondary.url, tmp_path)
    web_server.close()
    assert secondary.rows("SELECT event FROM log ORDER BY 1") == [("of the primary",), ("of the web server",)]


def test_a_dry_run_of_a_restore_locks_no_row_and_tells_the_same(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary)
    fill(secondary, "other")
    secondary.dag("sales", paused=True)
    for number in range(0, 6, 2):
        secondary.run_with_task("sales", f"r{number}", state="failed")
    backup(primary.url, tmp_path)
    before = exact(secondary)
    locked: dict[str, set[str]] = {}
    other = Metadata(secondary.url)
    other.run_sql("SET lock_timeout = '60s'")

    def write(connection: Watched, statement: str) -> None:
        if statement == "RELEASE SAVEPOINT merge":
            other.run_sql("UPDATE dag SET is_paused = is_paused")
            other.run_sql("UPDATE dag_run SET state = state")
            other.run_sql("UPDATE slot_pool SET slots = slots")
            other.run_sql("INSERT INTO variable (key, val) VALUES ('sales_plain', 'theirs')")
            other.run_sql("DELETE FROM variable WHERE key = 'sales_plain'")
            modes = (
                "SELECT DISTINCT mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.pid = %s AND c.relnamespace = 'public'::regnamespace"
            )
            locked[statement] = {mode for (mode,) in other.rows(modes, connection.info.backend_pid)}

    tried = restore(watched(secondary.url, write), tmp_path, dry_run=True)
    assert locked == {"RELEASE SAVEPOINT merge": {"AccessShareLock"}}
    assert exact(secondary) == before
    done = restore(secondary.url, tmp_path)
    assert [replace(t, seconds=0.0) for t in tried.tables] == [replace(t, seconds=0.0) for t in done.tables]
    assert tried.kept_runs == done.kept_runs
