"""The fast way of a restore, whose locks stop all of Airflow for a while; one story, told in order."""

from __future__ import annotations

import pytest

from mwaa_dr.framework.model.patience import Patience
from tests.living.conftest import World
from tests.living.environment import PATIENT, Living
from tests.living.holding import Held, restore_held
from tests.living.primary import OVERLAPPING, RUN

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

TAKEN_FOR_DEAD_SECONDS = 30.0
"""A scheduler by another one, unless it is heard of."""
AGES = (
    "SELECT extract(epoch FROM now() - latest_heartbeat)::float FROM job"
    " WHERE job_type = 'SchedulerJob' AND end_date IS NULL ORDER BY 1"
)


@pytest.fixture(scope="module")
def held(second: Living, world: World) -> Held:
    """The restore under two schedulers, while tasks run that are told to end in the middle of it."""
    second.set(**PATIENT)
    second.start("scheduler", "triggerer")
    second.start_second_scheduler()
    second.act(unpause=["overlapping", "private", "ticking"])
    second.wait("the second environment's own runs", lambda: _unready(second))
    return restore_held(
        second,
        world,
        seconds=_stopped_seconds(world),
        meanwhile=second.let_go,
        exclusive_rows=0,
        patience=Patience(scheduler=120),  # on a busy machine even this small backup may take longer than they bear
    )


def _stopped_seconds(world: World) -> float:
    """Where schedulers go on from heartbeats that were not theirs, longer than they bear; else about what they bear."""
    borne = Patience().of(world.version) == TAKEN_FOR_DEAD_SECONDS
    return 14.0 if borne else TAKEN_FOR_DEAD_SECONDS + 10


def _unready(second: Living) -> str:
    schedulers = second.query("SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'")[0][0]
    if schedulers < 2:
        return f"{schedulers} schedulers"
    for dag_id in ("overlapping", "private"):
        if list(second.tasks_of(dag_id).values()) != ["running"] * 2:
            return f"{dag_id}: {second.tasks_of(dag_id)}"
    return "" if "success" in second.runs("ticking").values() else "ticking has not run"


def test_the_tables_were_locked_beside_two_schedulers_at_work(held: Held, world: World) -> None:
    assert [note for note in held.report.notes if "the fast way" in note], held.report.notes
    assert held.report.locked_seconds is not None
    assert held.report.locked_seconds > _stopped_seconds(world)
    assert len(held.pulse.schedulers) == 2


def test_all_of_it_survives_and_every_heart_beats_again(held: Held, second: Living) -> None:
    assert held.after == held.before
    second.wait("two beating hearts", lambda: _faint(second))
    # What runs in them may say that its own heartbeat was late: none of it is lost, as the next part shows.
    assert second.dead() == []


def test_no_scheduler_takes_another_one_for_dead(held: Held, second: Living) -> None:
    assert held.pulse.oldest < TAKEN_FOR_DEAD_SECONDS
    second.rest(10)  # orphans are looked for every 4 seconds
    assert second.query("SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'") == [(2,)]


def _faint(second: Living) -> str:
    ages = [age for (age,) in second.query(AGES)]
    return "" if len(ages) == 2 and max(ages) < 10 else f"heartbeats are {ages} s old"


def test_no_run_is_lost_and_no_task_is_taken_for_dead(held: Held, second: Living, world: World) -> None:
    # A parse that met the locks may fail once, and Airflow 2.7 takes its DAGs for gone then; restored ones have their
    # next run from a parse on. It comes after 30 s where nobody sets it, but after 300 s here.
    second.parse("living.py")
    second.wait("the ends of its own runs", lambda: _unended(second))
    for dag_id in ("overlapping", "private"):
        tries = second.query("SELECT state, try_number FROM task_instance WHERE dag_id = %s", dag_id)
        assert {*tries} <= {("success", 1)}, dag_id
    assert len(second.lines("effects")) == len(set(second.lines("effects")))
    assert set(world.remains.kept) <= set(second.dates("hourly"))


def _unended(second: Living) -> str:
    found = {dag_id: second.runs(dag_id) for dag_id in ("overlapping", "private")}
    return "" if all({*runs.values()} == {"success"} for runs in found.values()) else str(found)


def test_what_comes_after_it_runs(held: Held, second: Living) -> None:
    ticks = len(second.lines("effects"))
    second.wait("the next tick", lambda: "" if len(second.lines("effects")) > ticks else "no tick")
    second.tell()
    second.act(trigger=[{"dag_id": "chatty", "run_id": f"after_{RUN}"}])
    second.wait_for_run("chatty", f"after_{RUN}")
    assert second.state("chatty", f"after_{RUN}") == "success"
    assert len(second.runs("overlapping")) >= OVERLAPPING
