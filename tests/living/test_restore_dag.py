"""The restore as the scheduler runs it: its task leaves Airflow alone while it holds Airflow's rows."""

from __future__ import annotations

import shutil

import pytest

from tests.living.conftest import World
from tests.living.environment import PATIENT, Living
from tests.living.primary import RUN

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def guarded(second: Living, world: World) -> Living:
    """An environment with the restore DAG under a guard, twice: one of them has a careless engine."""
    shutil.copytree(world.place, second.dags / "data")
    second.drop_in("guarded.py")
    second.set(**PATIENT)
    second.start("scheduler")
    return second


def _end_of(second: Living, dag_id: str) -> str:
    second.act(trigger=[{"dag_id": dag_id, "run_id": RUN}])
    second.wait(dag_id, lambda: "" if second.state(dag_id, RUN) in ("success", "failed") else "unfinished")
    return second.state(dag_id, RUN)


def test_the_guard_notices_an_engine_that_asks_airflow_between_begin_and_commit(guarded: Living) -> None:
    assert _end_of(guarded, "restore_careless") == "failed"
    assert "guard: Variable.get between BEGIN and COMMIT" in guarded.task_log("restore_careless")
    assert guarded.runs("hourly") == {}


def test_from_begin_to_commit_the_restoring_task_makes_no_airflow_call(guarded: Living, world: World) -> None:
    assert _end_of(guarded, "restore_guarded") == "success", guarded.task_log("restore_guarded")[-5000:]
    assert set(guarded.dates("hourly")) >= set(world.remains.kept)
    assert guarded.tasks("interrupted", RUN)["first"] == "success"


def test_the_fast_way_is_open_to_the_task_itself(guarded: Living) -> None:
    log = guarded.task_log("restore_guarded")
    assert "the fast way" in log, log[-5000:]


def test_the_run_that_restores_survives_and_leaves_its_result(guarded: Living) -> None:
    assert guarded.runs("restore_guarded") == {RUN: "success"}
    keys = guarded.query("SELECT key FROM xcom WHERE dag_id = 'restore_guarded'")
    assert ("result",) in keys


def test_the_cleanup_run_by_the_scheduler_survives_and_leaves_nothing_of_others(guarded: Living) -> None:
    guarded.query("UPDATE dag SET is_paused = true WHERE dag_id = ANY(%s)", ["contested", "ticking"])
    in_flight = "SELECT dag_id FROM dag_run WHERE state IN ('queued', 'running')"
    guarded.wait("runs of its own", lambda: " ".join(row[0] for row in guarded.query(in_flight)))
    assert _end_of(guarded, "cleanup_metadata") == "success", guarded.task_log("cleanup_metadata")[-5000:]
    others = "dag_id NOT IN ('restore_guarded', 'restore_careless', 'cleanup_metadata')"
    assert guarded.query(f"SELECT dag_id, run_id FROM dag_run WHERE {others}") == []
    assert guarded.query(f"SELECT dag_id FROM dag WHERE NOT is_paused AND {others}") == [("restore_metadata",)]
    assert guarded.runs("cleanup_metadata") == {RUN: "success"}
