"""A living environment is cleaned and restored with what the primary was doing; one story, told in order."""

from __future__ import annotations

from typing import Any

import pytest

from drill.postgres import Postgres
from mwaa_dr.framework.errors import RunsInProgressError
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.report import Report
from tests.living.conftest import World
from tests.living.environment import INTERVALS, Living
from tests.living.holding import Held, restore_held
from tests.living.primary import OVERLAPPING, RUN, run_after_clearing, tasks_after_clearing
from tests.support import engine

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

SHORTER_SECONDS = 20.0
"""How long the locks are held here; a minute, which outlasts the patience of a parser, is for the other story."""

PROCESSES = 5
"""Two schedulers with their parsers and a triggerer; in Airflow 3 one parser and an API server."""

OWN = [("cleanup_metadata",), ("restore_metadata",)]
"""The DAGs of this package that are active from the beginning."""


@pytest.fixture(scope="module")
def at_work(second: Living) -> Living:
    """A living environment: one DAG has caught up, another has runs in flight."""
    second.start("scheduler", "triggerer")
    second.act(unpause=["hourly", "private"])
    second.wait("the second environment's own runs", lambda: _unfinished(second))
    return second


def _unfinished(second: Living) -> str:
    hourly = list(second.runs("hourly").values())
    if len(hourly) < INTERVALS or set(hourly) != {"success"}:
        return f"hourly: {hourly}"
    return "" if list(second.tasks_of("private").values()) == ["running"] * 2 else "private does not run"


@pytest.fixture(scope="module")
def cleaned(at_work: Living, world: World) -> Report:
    """The cleanup, once nothing is in flight."""
    at_work.let_go()
    at_work.wait("the runs in flight", lambda: _in_flight(at_work))
    return engine.cleanup(at_work.url, version=world.version)


def _in_flight(second: Living) -> str:
    private = list(second.runs("private").values())
    hourly = set(second.runs("hourly").values())
    return "" if private == ["success"] * OVERLAPPING and hourly == {"success"} else f"private: {private}"


def test_cleanup_refuses_while_runs_are_in_flight(at_work: Living, world: World) -> None:
    before = at_work.query("SELECT dag_id, run_id FROM dag_run")
    with pytest.raises(RunsInProgressError, match=r"private scheduled__.*running"):
        engine.cleanup(at_work.url, version=world.version)
    assert set(before) <= set(at_work.query("SELECT dag_id, run_id FROM dag_run"))
    assert at_work.query("SELECT is_paused FROM dag WHERE dag_id = 'hourly'") == [(False,)]


def test_cleanup_names_and_pauses_every_active_dag_but_our_own(cleaned: Report, at_work: Living) -> None:
    assert cleaned.active_dags == ["hourly", "private"]
    assert at_work.query("SELECT dag_id FROM dag WHERE NOT is_paused ORDER BY 1") == OWN


def test_nothing_catches_up_after_a_cleanup(cleaned: Report, at_work: Living) -> None:
    at_work.parse("living.py")
    at_work.rest(10)
    assert at_work.query("SELECT dag_id, run_id FROM dag_run") == []
    assert at_work.tracebacks("scheduler") == 0


@pytest.fixture(scope="module")
def held(cleaned: Report, at_work: Living, world: World) -> Held:
    """The restore under two schedulers; `contested` is catching up again, so that its runs are due."""
    at_work.tell()
    at_work.start_second_scheduler()
    at_work.act(unpause=["contested", "ticking"])
    at_work.wait("two schedulers", lambda: _alone(at_work))
    return restore_held(
        at_work, world, InFlight.RESUME, seconds=SHORTER_SECONDS, meanwhile=lambda: at_work.drop_in("late.py")
    )


def _alone(second: Living) -> str:
    running = second.query("SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'")[0][0]
    if running < 2:
        return f"{running} schedulers"
    if len(second.pids()) < PROCESSES:
        return "not all processes are there"
    ticked = "success" in second.runs("ticking").values()
    return "" if ticked and len(second.dates("contested")) >= 5 else "nothing runs yet"


def test_two_schedulers_live_on_while_the_locks_are_held(held: Held, at_work: Living) -> None:
    assert held.report.locked_seconds is not None
    assert held.report.locked_seconds > SHORTER_SECONDS
    assert len(held.pulse.schedulers) == 2
    assert held.pulse.oldest < 10
    assert held.after == held.before
    assert len(held.before) == PROCESSES
    for scheduler in ("scheduler", "scheduler-2"):
        assert at_work.tracebacks(scheduler) == 0


def test_after_the_cleanup_the_history_comes_back_and_only_what_is_due_runs(
    held: Held, at_work: Living, world: World
) -> None:
    at_work.parse("living.py", "late.py")
    for dag_id in ("hourly", "late_active"):
        at_work.wait_for_dates(dag_id, world.remains.wanted)
    for dag_id in ("hourly_paused", "late_paused"):
        assert at_work.dates(dag_id) == world.remains.kept


def test_two_schedulers_run_nothing_twice(held: Held, at_work: Living, world: World) -> None:
    ticks = len(at_work.lines("effects"))
    at_work.wait("the next tick", lambda: "" if len(at_work.lines("effects")) > ticks else "no tick")
    lines = [line for line in at_work.lines("effects") if line.startswith(("ticking ", "overlapping "))]
    assert len(lines) == len(set(lines))
    assert not {line.split()[1] for line in lines} & {*world.remains.ticked}


def test_the_scheduler_goes_on_with_the_interrupted_run(held: Held, at_work: Living) -> None:
    at_work.wait_for_run("interrupted", RUN)
    assert set(at_work.tasks("interrupted", RUN).values()) == {"success"}


def test_finished_tasks_are_not_run_again_and_others_once(held: Held, at_work: Living) -> None:
    at_work.wait_for_run("interrupted", RUN)
    ran = [line.split()[2] for line in at_work.lines("effects") if line.startswith("interrupted ")]
    assert sorted(ran) == ["deferring", "last", "looking", "retrying", "stay_for", "staying"]


@pytest.mark.since(3, 1)
def test_deadlines_of_the_past_call_nobody_and_new_ones_do(held: Held, at_work: Living) -> None:
    at_work.act(unpause=["hasty"], trigger=[{"dag_id": "hasty", "run_id": RUN}])
    for dag_id in ("deadlined", "hasty"):
        at_work.wait_for_run(dag_id, RUN)
    assert [line for line in at_work.lines("alarms") if line.startswith("deadline_missed")] == ["deadline_missed hasty"]


def test_what_was_interrupted_is_cleared_as_airflow_itself_does(
    world: World, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"cleared_{world.version}"
    url = postgres.create(name, world.template)
    asleep = Living("asleep", world.venv, tmp_path_factory.mktemp("asleep") / "home", url, world.remains.begin)
    engine.restore(url, world.place, version=world.version, in_flight=InFlight.RESUME)
    assert _plain(tasks_after_clearing(asleep)) == _plain(world.remains.cleared_tasks)
    assert run_after_clearing(asleep) == world.remains.cleared_run
    postgres.drop(name)


def _plain(rows: list[list[Any]]) -> list[list[Any]]:
    """Leave out what means nothing: JSON's null, a record of a try that never began, and -1 further tries.

    The latter are what Airflow 2.4 gives a deferred task, since it takes its number of tries for one too many.
    """
    return [
        [*row[:4], max(row[4], 0), *row[5:-2], None if row[-2] == "null" else row[-2], row[-1] if row[3] else 0]
        for row in rows
    ]
