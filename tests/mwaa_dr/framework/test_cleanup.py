"""Cleanup empties what a restore fills, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mwaa_dr.framework.cleanup import _Cleanup, clean_up
from mwaa_dr.framework.database.emptying import Emptying
from mwaa_dr.framework.errors import BusyError, RunsInProgressError
from mwaa_dr.framework.model.options import CleanupOptions, OwnRun
from mwaa_dr.framework.progress import Progress
from tests.support.engine import backup, cleanup, reached, restore, tables_of
from tests.support.metadata import START, Metadata
from tests.support.state import exact
from tests.support.watched import Hook, Watched, unwatched, watched

OWN = OwnRun("cleanup_metadata", "now")


def fill(metadata: Metadata) -> None:
    metadata.dag()
    metadata.dag("idle", paused=True)
    metadata.dag("cleanup_metadata")
    for number in range(5):
        metadata.run_with_task(run_id=f"r{number}")
    metadata.run_with_task("cleanup_metadata", "now", state="running")
    metadata.insert("log", event="e", dttm=START)
    metadata.insert("job", job_type="SchedulerJob", state="running", start_date=START)
    metadata.insert("job", job_type="LocalTaskJob", state="success", start_date=START, end_date=START)
    metadata.insert("variable", key="k", val="v", is_encrypted=False)
    metadata.insert("connection", conn_id="c", conn_type="t")
    metadata.insert("ab_role", id=9, name="r")
    metadata.insert("slot_pool", pool="default_pool", slots=1, include_deferred=False)
    metadata.insert("slot_pool", pool="etl", slots=1, include_deferred=False)


def test_history_goes_and_what_keeps_the_environment_alive_stays(primary: Metadata) -> None:
    fill(primary)
    report = cleanup(primary.url, own_run=OWN)
    assert primary.rows("SELECT dag_id, run_id FROM dag_run") == [("cleanup_metadata", "now")]
    assert primary.one("SELECT count(*) FROM task_instance") == 1
    assert primary.one("SELECT count(*) FROM xcom") == 1
    assert primary.rows("SELECT job_type FROM job") == [("SchedulerJob",)]
    assert primary.one("SELECT count(*) FROM log") == 0
    assert primary.rows("SELECT pool FROM slot_pool") == [("default_pool",)]
    assert [primary.one(f"SELECT count(*) FROM {t}") for t in ("variable", "connection", "ab_role")] == [1, 1, 1]
    removed = {entry.table: entry.removed for entry in report.tables}
    assert (removed["dag_run"], removed["task_instance"], removed["log"], removed["job"]) == (5, 5, 1, 1)


def test_every_dag_but_our_own_is_paused_and_the_active_ones_are_named(primary: Metadata) -> None:
    fill(primary)
    report = cleanup(primary.url, own_run=OWN)
    assert report.active_dags == ["sales"]
    assert primary.rows("SELECT dag_id FROM dag WHERE NOT is_paused") == [("cleanup_metadata",)]


def test_it_refuses_while_other_runs_are_in_flight(primary: Metadata) -> None:
    fill(primary)
    primary.run_with_task(run_id="busy", state="running")
    before = [primary.content(t) for t in ("dag_run", "dag", "log")]
    with pytest.raises(RunsInProgressError, match="sales busy"):
        cleanup(primary.url, own_run=OWN)
    assert [primary.content(t) for t in ("dag_run", "dag", "log")] == before
    cleanup(primary.url, own_run=OWN, force=True)
    assert primary.one("SELECT count(*) FROM dag_run") == 1


def test_batches_commit_whole_runs(primary: Metadata) -> None:
    fill(primary)
    cleanup(primary.url, own_run=OWN, batch_runs=2)
    assert primary.one("SELECT count(*) FROM dag_run") == 1
    assert primary.one("SELECT count(*) FROM log") == 0


def test_a_dry_run_changes_nothing(primary: Metadata) -> None:
    fill(primary)
    report = cleanup(primary.url, own_run=OWN, dry_run=True, batch_runs=2)
    assert primary.one("SELECT count(*) FROM dag_run") == 6
    assert report.dry_run


def test_a_restore_after_a_cleanup_gives_the_backup_back(primary: Metadata, tmp_path: Path) -> None:
    fill(primary)
    before = primary.rows("SELECT dag_id, run_id, state FROM dag_run WHERE dag_id = 'sales' ORDER BY 2")
    backup(primary.url, tmp_path)
    cleanup(primary.url, own_run=OWN)
    restore(primary.url, tmp_path, own_run=OWN)
    assert primary.rows("SELECT dag_id, run_id, state FROM dag_run WHERE dag_id = 'sales' ORDER BY 2") == before
    assert primary.rows("SELECT pool FROM slot_pool ORDER BY 1") == [("default_pool",), ("etl",)]
    assert ("sales",) in primary.rows("SELECT dag_id FROM dag WHERE NOT is_paused")


EXAMINED = "SELECT run_id FROM dag_run WHERE state IN ('queued', 'running', 'success') FOR UPDATE SKIP LOCKED"
"""The scheduler looks for runs to go on with, and then updates their task instances."""


def test_the_scheduler_passes_over_runs_that_are_being_deleted(
    primary: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(primary)
    seen: list[object] = []
    delete = Emptying.delete_runs

    def look_then_delete(self: Emptying) -> dict[str, int]:
        seen.append(primary.rows(EXAMINED))
        return delete(self)

    monkeypatch.setattr(Emptying, "delete_runs", look_then_delete)
    cleanup(primary.url, own_run=OWN)
    assert seen == [[("now",)]]


def test_a_run_that_is_triggered_meanwhile_stays(primary: Metadata, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(primary)
    refuse = _Cleanup._refuse_while_running

    def refuse_then_trigger(self: _Cleanup, emptying: Emptying) -> None:
        refuse(self, emptying)
        primary.run_with_task(run_id="triggered", state="queued")

    monkeypatch.setattr(_Cleanup, "_refuse_while_running", refuse_then_trigger)
    cleanup(primary.url, own_run=OWN)
    assert primary.rows("SELECT run_id FROM dag_run ORDER BY 1") == [("now",), ("triggered",)]
    assert primary.rows("SELECT run_id FROM task_instance ORDER BY 1") == [("now",), ("triggered",)]


class Killed(Progress):
    """Hears what a cleanup says, and ends it after its first commit."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def phase(self, text: str) -> None:
        if text.startswith("removed"):
            raise KeyboardInterrupt
        self.said.append(text)


def test_a_batched_cleanup_that_is_killed_has_said_which_dags_were_active(primary: Metadata) -> None:
    for name in ("sales", "stock"):
        primary.dag(name)
        primary.run_with_task(name)
    progress = Killed()
    with pytest.raises(KeyboardInterrupt):
        clean_up(reached(primary.url), tables_of(), CleanupOptions(batch_runs=1), progress)
    assert primary.one("SELECT count(*) FROM dag WHERE is_paused") == 2
    assert progress.said == ["pause what is active: sales, stock"]


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"], ids=["deadlock", "serialization", "lock"])
def test_a_race_that_is_lost_to_the_living_airflow_is_run_again(primary: Metadata, code: str) -> None:
    fill(primary)
    report = cleanup(watched(primary.url, losing(code, times=2)), own_run=OWN)
    assert primary.one("SELECT count(*) FROM dag_run") == 1
    assert report.active_dags == ["sales"]
    removed = {entry.table: entry.removed for entry in report.tables}
    assert (removed["dag_run"], removed["task_instance"], removed["log"], removed["job"]) == (5, 5, 1, 1)


def test_a_cleanup_that_loses_every_race_says_so_and_changed_nothing(primary: Metadata) -> None:
    fill(primary)
    before = exact(primary)
    with pytest.raises(BusyError, match="nothing was changed"):
        cleanup(watched(primary.url, losing("40P01", times=3)), own_run=OWN)
    assert exact(primary) == before


def losing(code: str, times: int) -> Hook:
    """A hook by which the server refuses the last deletion so many times, with an error of this code."""
    lost: list[str] = []

    def lose(connection: Watched, statement: str) -> None:
        if statement.startswith('DELETE FROM "slot_pool"') and len(lost) < times:
            lost.append(statement)
            unwatched(connection).execute(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{code}'; END $$")

    return lose
