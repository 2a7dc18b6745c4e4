"""A restore into an Airflow that is at work, and what becomes of both; one story, told in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.living.conftest import World
from tests.living.environment import Living
from tests.living.holding import HELD_SECONDS, Held, restore_held
from tests.living.primary import OVERLAPPING, RUN, kinds_of_alarm, miss

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

AFTER = "after+1"
OWN_MISS = "2020-01-01T00:00:00+00:00"
"""An SLA that the second environment missed itself."""

TASKS = "SELECT to_jsonb(t)::text FROM task_instance t WHERE dag_id = ANY(%s) AND run_id <> ALL(%s) ORDER BY 1"


@pytest.fixture(scope="module")
def held(second: Living, world: World) -> Held:
    """The restore, in the middle of the second environment's life; a new file appears meanwhile."""
    second.start("scheduler", "triggerer")
    second.act(unpause=["contested", "overlapping", "private", "ticking"])
    second.wait("the second environment's own runs", lambda: _unfinished(second))

    def meanwhile() -> None:
        second.drop_in("newcomer.py")
        second.let_go()

    return restore_held(second, world, meanwhile=meanwhile)


def _unfinished(second: Living) -> str:
    if len(second.dates("contested")) < 5:
        return "contested has not begun"
    for dag_id in ("overlapping", "private"):
        if list(second.tasks_of(dag_id).values()) != ["running"] * 2:
            return f"{dag_id}: {second.tasks_of(dag_id)}"
    return "" if "success" in second.runs("ticking").values() else "ticking has not run"


@pytest.fixture(scope="module")
def restored_tasks(held: Held, second: Living) -> list[tuple[Any, ...]]:
    """The restored task instances, as they are right after the restore."""
    return second.query(TASKS, RESTORED, [AFTER])


RESTORED = ["hourly", "hourly_paused", "yearly", "alarming", "interrupted", "late_active", "late_paused"]


@pytest.fixture(scope="module")
def later(second: Living, restored_tasks: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Everything is parsed, what came late too, and has had time to go wrong."""
    second.tell()
    if second.version < (3,):
        miss(second, OWN_MISS)
    second.drop_in("late.py")
    second.parse("living.py", "newcomer.py", "late.py")
    second.act(
        trigger=[
            {"dag_id": "chatty", "run_id": AFTER},
            {"dag_id": "producing", "run_id": AFTER},
            {"dag_id": "alarming", "run_id": AFTER, "conf": {"fail": True}},
        ]
    )
    second.wait("the runs after the restore", lambda: _behind(second))
    return restored_tasks


def _behind(second: Living) -> str:
    found = {dag_id: second.runs(dag_id).get(AFTER) for dag_id in ("chatty", "alarming")}
    return "" if found == {"chatty": "success", "alarming": "failed"} else str(found)


def test_the_schedulers_heart_beats_while_the_locks_are_held_for_a_minute(held: Held) -> None:
    assert held.report.locked_seconds is not None
    assert held.report.locked_seconds > HELD_SECONDS
    assert held.pulse.schedulers
    assert held.pulse.oldest < 10


def test_scheduler_parser_and_triggerer_survive(held: Held, second: Living) -> None:
    assert held.after == held.before
    assert len(held.before) == (3 if second.version < (3,) else 4)
    assert second.tracebacks("scheduler") == 0


def test_nothing_of_the_past_runs_before_the_next_parse(held: Held, second: Living, world: World) -> None:
    second.rest(10)
    assert set(world.remains.kept) <= set(second.dates("hourly")) <= set(world.remains.wanted())
    assert second.dates("hourly_paused") == world.remains.kept


def test_the_next_parse_makes_exactly_what_is_due(later: object, second: Living, world: World) -> None:
    second.wait_for_dates("hourly", world.remains.wanted)
    assert second.dates("hourly_paused") == world.remains.kept


def test_a_dag_that_is_parsed_only_later_goes_on_from_its_history(later: object, second: Living, world: World) -> None:
    second.wait_for_dates("late_active", world.remains.wanted)
    assert second.dates("late_paused") == world.remains.kept
    assert dict(
        second.query(f"SELECT dag_id, is_paused FROM dag WHERE {second.is_parsed} AND dag_id LIKE 'late%%'")
    ) == {
        "late_active": False,
        "late_paused": True,
    }


def test_a_dag_that_is_first_parsed_in_the_middle_of_the_restore_goes_on_from_its_history(
    later: object, second: Living, world: World
) -> None:
    second.wait_for_dates("newcomer", world.remains.wanted)


def test_what_is_not_due_is_not_run(later: object, second: Living, world: World) -> None:
    assert len(second.dates("yearly")) == (1 if second.version < (3,) else 2)


def test_the_dags_that_were_at_work_go_on(later: object, second: Living, world: World) -> None:
    ticks = len(second.lines("effects"))
    second.wait("the next tick", lambda: "" if len(second.lines("effects")) > ticks else "no tick")
    second.wait("contested", lambda: _contested(second, world.remains.contested))


def _contested(second: Living, there: int) -> str:
    dates = second.dates("contested")
    assert len(dates) == len(set(dates))
    return "" if len(dates) > there else f"{len(dates)} runs, {there} were restored"


def test_no_run_is_run_twice(later: object, second: Living, world: World) -> None:
    ticks = [line.split()[1] for line in second.lines("effects") if line.startswith("ticking ")]
    assert len(ticks) == len(set(ticks))
    assert not {*ticks} & {*world.remains.ticked}
    assert {*world.remains.ticked} <= {*second.runs("ticking")}


def test_a_run_of_its_own_that_ends_meanwhile_stays_its_own(held: Held, second: Living) -> None:
    second.wait("the ends of its own runs", lambda: _unended(second.runs("overlapping")))
    assert len(second.dates("overlapping")) == OVERLAPPING
    assert len([line for line in second.lines("effects") if line.startswith("overlapping ")]) == OVERLAPPING - 1
    assert len(held.report.kept_runs) >= OVERLAPPING - 1


def test_a_dag_that_only_this_environment_ran_is_paused_as_in_the_backup(held: Held, second: Living) -> None:
    second.wait("the ends of its own tasks", lambda: _unended(second.tasks_of("private")))
    assert len(second.dates("private")) == OVERLAPPING - 1
    assert second.query("SELECT is_paused FROM dag WHERE dag_id = 'private'") == [(True,)]


def test_what_such_a_dag_was_doing_ends_once_it_is_active_again(held: Held, second: Living) -> None:
    # Up to 2.9 a task that ends writes back when its row was changed before, and the scheduler passes over the run of
    # a paused DAG that it looked at since: such a run goes on when somebody activates the DAG, not always before.
    second.act(unpause=["private"])
    second.wait("the ends of its own runs", lambda: _unended(second.runs("private")))


def _unended(states: dict[str, Any]) -> str:
    return "" if {*states.values()} == {"success"} else str(states)


def test_new_runs_push_and_pull_xcoms(later: object, second: Living) -> None:
    rows = second.query(
        "SELECT x.task_id, x.key, x.dag_run_id = r.id FROM xcom x JOIN dag_run r USING (dag_id, run_id)"
        " WHERE dag_id = 'chatty' AND run_id = %s ORDER BY 1, 2",
        AFTER,
    )
    assert rows == [("first", "return_value", True), ("second", "pushed", True), ("second", "return_value", True)]


def test_a_new_run_feeds_the_dag_that_waits_for_its_dataset(later: object, second: Living) -> None:
    second.wait("a run for the dataset", lambda: "" if second.consumed() == 2 else "not yet")
    assert len([line for line in second.lines("effects") if line.startswith("consuming ")]) == 1


def test_nothing_restored_sends_a_mail_or_calls_a_callback(later: object, second: Living) -> None:
    second.wait("this environment's own alarms", lambda: _silent(second))
    alarms = second.lines("alarms")
    assert [line for line in alarms if AFTER not in line and OWN_MISS not in line] == []
    assert [line for line in alarms if RUN in line or "scheduled__" in line] == []


def _silent(second: Living) -> str:
    kinds = [line.split()[0] for line in second.lines("alarms")]
    missing = kinds_of_alarm(second) - {*kinds}
    if second.version < (3,) and ("sla_missed" not in kinds or kinds.count("mail") < 2):
        # One mail for the task that failed, one for the SLA that this environment missed itself.
        return f"only {kinds}"
    return f"only {kinds}" if missing else ""


@pytest.mark.before(3)
def test_missed_slas_come_back_as_sent(later: object, second: Living, world: World) -> None:
    rows = second.query(
        "SELECT email_sent, notification_sent FROM sla_miss WHERE execution_date = %s", world.remains.begin
    )
    assert rows == [(True, True)]


def test_interrupted_work_is_failed_with_a_note(later: object, second: Living) -> None:
    assert second.runs("interrupted") == {RUN: "failed"}
    states = second.tasks("interrupted", RUN)
    assert {task for task, state in states.items() if state == "success"} == {"first", "stay_for[0]"}
    if second.version >= (2, 5):
        notes = second.query(
            "SELECT content FROM dag_run_note n JOIN dag_run r ON r.id = n.dag_run_id WHERE dag_id = 'interrupted'"
        )
        assert [note[:14] for (note,) in notes] == ["Interrupted at"]


def test_maintenance_leaves_restored_tasks_alone(later: list[tuple[Any, ...]], second: Living) -> None:
    second.rest(10)  # orphans and zombies are looked for every 4 seconds
    assert set(later) <= set(second.query(TASKS, RESTORED, [AFTER]))


def test_clearing_failed_tasks_runs_the_rest_and_nothing_else(later: object, second: Living) -> None:
    second.clear("interrupted", "--only-failed")
    second.wait_for_run("interrupted", RUN)
    assert set(second.tasks("interrupted", RUN).values()) == {"success"}
    effects = [line.split()[2:] for line in second.lines("effects") if line.startswith("interrupted ")]
    assert sorted(task for task, _ in effects) == ["deferring", "last", "looking", "retrying", "stay_for", "staying"]


def test_a_restored_run_can_be_cleared_and_runs_again(later: object, second: Living) -> None:
    second.clear("chatty")
    second.wait_for_run("chatty", RUN)
    ran = [line for line in second.lines("effects") if line.startswith(f"chatty {RUN} ")]
    assert len(ran) == 1


@pytest.mark.since(3)
def test_the_run_of_a_backfill_comes_back_with_it(held: Held, second: Living) -> None:
    assert second.filled_back() == [("refilled", "success")]


def test_a_cleaned_interval_can_be_filled_back(later: object, second: Living, world: World) -> None:
    cleaned = world.remains.hour(1)
    second.fill_back("hourly", cleaned)
    second.wait("the backfill", lambda: "" if cleaned in second.dates("hourly") else "no such run")
    second.parse("living.py")
    second.rest(5)
    second.wait_for_dates("hourly", lambda: [cleaned, *world.remains.wanted()])


LOG_PATHS = """
from airflow.models import TaskInstance
from airflow.utils.log.file_task_handler import FileTaskHandler
from airflow.utils.session import create_session
import sys
handler = FileTaskHandler(sys.argv[1])
with create_session() as session:
    tis = session.query(TaskInstance).filter(TaskInstance.run_id == sys.argv[2], TaskInstance.dag_id == "alarming")
    answer = [handler._render_filename(ti, 1) for ti in tis if ti.task_id == "fails"]
"""


def test_the_log_of_a_restored_task_is_where_the_primary_wrote_it(later: object, second: Living, world: World) -> None:
    (path,) = second.ask(LOG_PATHS, str(second.folder / "logs"), RUN)
    assert path in world.remains.logs
    (new,) = second.ask(LOG_PATHS, str(second.folder / "logs"), AFTER)
    assert (second.folder / "logs" / new).exists()


NEWEST = (
    "SELECT v.version_number > max(o.version_number), v.created_at > max(o.created_at)"
    " FROM task_instance t JOIN dag_version v ON v.id = t.dag_version_id"
    " JOIN dag_version o ON o.dag_id = v.dag_id AND o.id <> v.id"
    " WHERE t.run_id = %s AND t.task_id = %s GROUP BY v.id"
)


@pytest.mark.since(3)
def test_a_dag_that_is_changed_after_the_restore_gets_a_newer_version_and_runs(later: object, second: Living) -> None:
    file = second.dags / "living.py"
    file.write_text(file.read_text().replace('task_id="second"', 'task_id="changed"'))
    told = "SELECT 1 FROM serialized_dag WHERE dag_id = 'chatty' AND data::text LIKE '%changed%'"
    second.wait("the changed file", lambda: "" if second.query(told) else "not parsed yet")
    second.act(trigger=[{"dag_id": "chatty", "run_id": "changed+1"}])
    second.wait_for_run("chatty", "changed+1")
    assert second.query(NEWEST, "changed+1", "changed") == [(True, True)]
