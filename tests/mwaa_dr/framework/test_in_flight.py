"""What becomes of interrupted work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mwaa_dr.framework.model.options import InFlight
from tests.support.engine import backup, manifest_of, restore
from tests.support.metadata import START, Metadata
from tests.support.waiting import until

OPEN = ["running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule", "restarting", None]


def test_nothing_comes_back_as_running(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running")
    primary.task("sales", "r1", "first")
    for number, state in enumerate(OPEN):
        primary.task("sales", "r1", f"t{number}", state=state, external_executor_id="x")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT state FROM dag_run") == [("failed",)]
    states = dict(secondary.rows("SELECT task_id, state FROM task_instance"))
    assert states == {
        "first": "success",
        "t0": "failed",
        "t1": "upstream_failed",
        "t2": "upstream_failed",
        "t3": "failed",
        "t4": "failed",
        "t5": "failed",
        "t6": "failed",
        "t7": "upstream_failed",
    }
    assert secondary.one("SELECT count(external_executor_id) FROM task_instance") == 0
    assert "Clear its failed tasks" in secondary.one("SELECT content FROM dag_run_note")


def test_a_run_without_finished_tasks_is_left_out(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "begun", state="running")
    primary.task("sales", "begun", state="running")
    primary.dag_run("sales", "waiting", state="queued")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT run_id FROM dag_run") == []
    assert secondary.rows("SELECT task_id FROM task_instance") == []


def test_an_empty_state_in_a_finished_run_stays_empty(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="failed")
    primary.task("sales", "r1", "never", state=None)
    primary.task("sales", "r1", "stuck", state="running")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT task_id, state FROM task_instance ORDER BY 1") == [
        ("never", None),
        ("stuck", "failed"),
    ]


def test_a_note_of_the_user_is_kept_beside_ours(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    run = primary.run_with_task(run_id="r1", state="running")
    primary.task("sales", "r1", "first")
    primary.insert("dag_run_note", dag_run_id=run, content="a" * 990)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    note = secondary.one("SELECT content FROM dag_run_note")
    assert note.startswith("a" * 990 + "\nInterru")
    assert len(note) == 1000


def test_the_manifest_names_each_run_and_what_becomes_of_it(primary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag("paused", paused=True)
    primary.dag("backup_metadata")
    primary.run_with_task(run_id="done")
    primary.dag_run("sales", "some", state="running")
    primary.task("sales", "some", "first")
    primary.task("sales", "some", "second", state="running")
    primary.dag_run("sales", "last", state="queued")
    primary.dag_run("sales", "by_hand", state="queued", run_type="manual")
    primary.dag_run("paused", "p", state="queued")
    primary.dag_run("backup_metadata", "own", state="running")
    backup(primary.url, tmp_path)
    told = {
        (r.dag_id, r.run_id): (r.finished_tasks, r.unfinished_tasks, r.becomes)
        for r in manifest_of(tmp_path).interrupted
    }
    assert told == {
        ("sales", "some"): (1, 1, "restored as failed: clear its failed tasks by hand to run what was not finished"),
        ("sales", "last"): (0, 0, "left out: runs again by itself"),
        ("sales", "by_hand"): (0, 0, "left out: trigger it again"),
        ("paused", "p"): (0, 0, "left out: trigger it again"),
    }


def test_a_run_overtaken_by_a_finished_one_must_be_triggered(primary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "slow", state="queued")
    primary.run_with_task(run_id="fast")
    backup(primary.url, tmp_path)
    assert [r.becomes for r in manifest_of(tmp_path).interrupted] == ["left out: trigger it again"]


def test_resume_clears_what_was_not_finished_and_queues_the_run(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running", clear_number=1, last_scheduling_decision=START)
    primary.task("sales", "r1", "first", try_number=1, max_tries=2)
    primary.task("sales", "r1", "second", state="running", try_number=2, max_tries=2, start_date=START)
    primary.task("sales", "r1", "third", state=None, try_number=0, max_tries=2)
    primary.task("sales", "r1", "poke", state="up_for_reschedule", try_number=1, max_tries=0)
    primary.insert("task_reschedule", dag_id="sales", run_id="r1", task_id="poke", map_index=-1, try_number=1)
    primary.dag_run("sales", "r2", state="queued")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, in_flight=InFlight.RESUME)
    assert secondary.rows(
        "SELECT run_id, state, start_date, end_date, last_scheduling_decision, clear_number FROM dag_run ORDER BY 1"
    ) == [("r1", "queued", None, None, None, 2), ("r2", "queued", None, None, None, 1)]
    assert secondary.rows("SELECT task_id, state, try_number, max_tries FROM task_instance ORDER BY 1") == [
        ("first", "success", 1, 2),
        ("poke", None, 1, 1),
        ("second", None, 2, 4),
        ("third", None, 0, 2),
    ]
    assert secondary.one("SELECT count(*) FROM task_reschedule") == 0
    assert secondary.rows("SELECT task_id, try_number, state FROM task_instance_history ORDER BY 1") == [
        ("poke", 1, "failed"),
        ("second", 2, "failed"),
    ]


@pytest.mark.parametrize("in_flight", list(InFlight))
def test_a_second_restore_gives_the_same_state(
    primary: Metadata, secondary: Metadata, tmp_path: Path, in_flight: InFlight
) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running")
    primary.task("sales", "r1", "first")
    primary.task("sales", "r1", "second", state="running")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, in_flight=in_flight)
    watched = ("dag_run", "task_instance", "dag_run_note", "task_instance_history")
    once = [secondary.content(table) for table in watched]
    restore(secondary.url, tmp_path, in_flight=in_flight)
    assert [secondary.content(table) for table in watched] == once


def test_a_restored_end_lies_at_the_snapshot(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running")
    primary.task("sales", "r1", "first")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    late = secondary.one("SELECT now() - end_date FROM dag_run")
    assert timedelta() <= late < timedelta(minutes=1)


def test_a_finished_run_with_an_open_task_is_not_said_to_be_queued(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task(run_id="finished")
    primary.task("sales", "finished", "open", state="running")
    backup(primary.url, tmp_path)
    report = restore(secondary.url, tmp_path, in_flight=InFlight.RESUME)
    assert [run["becomes"] for run in report.interrupted] == ["its open tasks are restored as failed"]
    assert secondary.rows("SELECT state FROM task_instance WHERE task_id = 'open'") == [("failed",)]


@pytest.mark.parametrize("in_flight", list(InFlight))
def test_interrupted_work_that_was_finished_since_is_not_undone_by_a_second_restore(
    primary: Metadata, secondary: Metadata, tmp_path: Path, in_flight: InFlight
) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running")
    primary.task("sales", "r1", "first")
    primary.task("sales", "r1", "second", state="running")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, in_flight=in_flight)
    secondary.run_sql("UPDATE dag_run SET state = 'success'; UPDATE task_instance SET state = 'success'")
    report = restore(secondary.url, tmp_path, in_flight=in_flight)
    assert secondary.rows("SELECT state FROM dag_run") == [("success",)]
    assert secondary.rows("SELECT state FROM task_instance") == [("success",)] * 2
    assert report.kept_runs == [{"dag_id": "sales", "run_id": "r1", "state": "success"}]


def test_a_finished_run_with_a_task_at_work_is_told_whatever_the_state_is_called(
    primary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    states = ["success", "failed", "skipped", "upstream_failed", "removed", None, "running", "of_tomorrow", "Awaited"]
    for state in states:
        primary.dag_run("sales", f"r_{state}", state="success")
        primary.task("sales", f"r_{state}", state=state)
    backup(primary.url, tmp_path)
    told = {run.run_id for run in manifest_of(tmp_path).interrupted}
    assert told == {"r_running", "r_of_tomorrow", "r_Awaited"}


def test_the_tasks_at_work_are_found_without_reading_every_task(primary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "r1")
    primary.run_sql(
        "INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, pool, pool_slots)"
        " SELECT 'sales', 'r1', 't', n, 'success', 'default_pool', 1 FROM generate_series(1, 20000) n"
    )
    primary.run_sql("ANALYZE task_instance")
    backup(primary.url, tmp_path)
    read = "SELECT pg_stat_get_tuples_returned('task_instance'::regclass)"
    until(lambda: primary.one(read) >= 20000, "a session that ends counts what it read after its last answer")
    assert primary.one(read) == 20000, "read once, to copy them"
