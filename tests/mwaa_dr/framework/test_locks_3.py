"""What the scheduler of Airflow 3 may do, and may not do, while a merge holds its locks: it locks FOR NO KEY UPDATE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.conftest import Database
from tests.support.amid_merge import amid_merge
from tests.support.engine import backup, restore, tables_of
from tests.support.metadata import START, Metadata
from tests.support.waiting import once_somebody_waits
from tests.support.watched import Watched, watched

DUE = (
    "SELECT dag_id FROM dag WHERE NOT is_paused AND NOT is_stale AND next_dagrun_create_after <= now()"
    " ORDER BY dag_id FOR NO KEY UPDATE OF dag SKIP LOCKED"
)
"""The scheduler looks for runs to create."""
AT_WORK = (
    "SELECT run_id FROM dag_run JOIN dag USING (dag_id) WHERE state IN ('queued', 'running') AND NOT is_paused"
    " ORDER BY 1 FOR NO KEY UPDATE OF dag_run SKIP LOCKED"
)
"""The scheduler looks for runs to start and to examine."""

END_RUN = "UPDATE dag SET next_dagrun = now() WHERE dag_id = 'sales'"
"""The scheduler says what is due after a run that ended."""


@pytest.fixture(params=["3.0.6", "3.3.1"])
def secondary(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Metadata]:
    """A living environment with a run at work; a backup has another run of the DAG."""
    version: str = request.param
    primary, target = (Metadata(database(version), version) for _ in range(2))
    primary.dag()
    primary.run_with_task()
    backup(primary.url, tmp_path, version=version)
    primary.close()
    target.dag(next_dagrun_create_after=START)
    target.run_with_task(run_id="at work", state="running")
    target.run_sql("SET lock_timeout = '60s'")
    yield target
    target.close()


Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Restore, and let another session act in the middle of the merge."""

    def act(action: Callable[[], object]) -> None:
        amid_merge(monkeypatch, action)
        restore(secondary.url, tmp_path, version=secondary.version)

    return act


def test_the_scheduler_makes_no_run_beside_ours_and_need_not_wait_to_end_one(
    secondary: Metadata, meanwhile: Meanwhile
) -> None:
    assert secondary.rows(DUE) == [("sales",)]
    assert secondary.rows(AT_WORK) == [("at work",)]
    seen: list[object] = []
    meanwhile(lambda: seen.extend([secondary.rows(DUE), secondary.rows(AT_WORK)]))
    assert seen == [[], []]
    assert secondary.rows("SELECT run_id, state FROM dag_run ORDER BY 1") == [("at work", "running"), ("r1", "success")]


def test_a_task_need_not_wait_to_end_and_to_feed_a_dag(secondary: Metadata, meanwhile: Meanwhile) -> None:
    secondary.insert("asset", id=7, uri="s3://fed")

    def end() -> None:
        secondary.run_sql("UPDATE task_instance SET state = 'success' WHERE run_id = 'at work'")
        secondary.insert("asset_dag_run_queue", asset_id=7, target_dag_id="sales")

    meanwhile(end)
    assert secondary.one("SELECT count(*) FROM asset_dag_run_queue") == 1


def test_the_run_of_a_paused_dag_may_end_meanwhile(secondary: Metadata, meanwhile: Meanwhile) -> None:
    secondary.dag("paused", paused=True)
    secondary.run_with_task("paused", "at work", state="running")
    meanwhile(lambda: secondary.run_sql("UPDATE dag_run SET state = 'success' WHERE dag_id = 'paused'"))
    assert secondary.one("SELECT state FROM dag_run WHERE dag_id = 'paused'") == "success"


def test_a_scheduler_that_is_just_ending_a_run_is_waited_for(
    secondary: Metadata, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scheduler = psycopg2.connect(secondary.url)
    cursor = scheduler.cursor()
    cursor.execute(AT_WORK)
    ended: list[str] = []

    def end() -> None:
        cursor.execute(END_RUN)
        scheduler.commit()
        ended.append("at work")

    with once_somebody_waits(secondary.url, end):
        restore(secondary.url, tmp_path, version=secondary.version)
    scheduler.close()
    assert ended == ["at work"]
    assert "merge repeated" not in caplog.messages


def test_a_run_that_the_scheduler_takes_while_we_wait_for_its_dag_is_not_waited_for(
    secondary: Metadata, tmp_path: Path
) -> None:
    scheduler = psycopg2.connect(secondary.url)
    tries: list[str] = []

    def begin_one_more(connection: Watched, statement: str) -> None:
        if "NOWAIT" in statement and not tries:
            secondary.run_with_task(run_id="new", state="running")
            scheduler.cursor().execute(AT_WORK)
        if "NOWAIT" in statement:
            tries.append(statement)
        if statement.startswith("ROLLBACK TO"):
            scheduler.rollback()

    restore(watched(secondary.url, begin_one_more), tmp_path, version=secondary.version)
    scheduler.close()
    assert len(tries) == 3  # one that lost, one that did not, and once more after all DAGs have a row
    assert secondary.rows("SELECT run_id FROM dag_run ORDER BY 1") == [("at work",), ("new",), ("r1",)]


def test_a_dry_run_without_runs_holds_none(secondary: Metadata, tmp_path: Path) -> None:
    asked: list[str] = []

    def update(connection: Watched, statement: str) -> None:
        if statement == "RELEASE SAVEPOINT merge":
            secondary.run_sql("UPDATE dag_run SET state = state")
            asked.append(statement)

    variables = tables_of(secondary.version).only({"variable"})
    restore(watched(secondary.url, update), tmp_path, version=secondary.version, tables=variables, dry_run=True)
    assert asked
