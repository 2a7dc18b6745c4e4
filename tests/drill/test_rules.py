"""The promised differences, and that nothing else passes as one."""

from __future__ import annotations

import pytest

from drill import rules
from drill.compare import Difference, compare
from drill.snapshot import Row, Rows, resolve

MOMENT = "2026-01-02 00:00:00+00"


def run(run_id: str = "r", state: str = "success", key: str = "7", **more: str | None) -> Row:
    return {
        "id": key,
        "dag_id": "d",
        "run_id": run_id,
        "state": state,
        "end_date": None if state == "running" else "2026-01-01 00:00:00+00",
        "creating_job_id": None,
        "log_template_id": None,
        "last_scheduling_decision": "2026-01-01 00:00:00+00",
        **more,
    }


def task(task_id: str = "t", state: str | None = "success", run_id: str = "r", **more: str | None) -> Row:
    return {
        "dag_id": "d",
        "task_id": task_id,
        "run_id": run_id,
        "state": state,
        "end_date": None if state in (None, "running", "deferred") else "2026-01-01 00:00:00+00",
        "job_id": None,
        "queued_by_job_id": None,
        "trigger_id": None,
        "trigger_timeout": None,
        "next_method": None,
        "next_kwargs": None,
        "external_executor_id": None,
        **more,
    }


def environment(**tables: list[Row]) -> Rows:
    names = ("ab_user", "ab_user_role", "dag", "dag_run", "job", "log", "log_template", "task_instance", "variable")
    return {name: tables.get(name, []) for name in dict.fromkeys((*names, *tables))}


def differences(primary: Rows, actual: Rows, there: Rows | None = None) -> list[Difference]:
    expected = rules.expected(resolve(primary), resolve(there or environment()), MOMENT)
    return compare(expected, rules.seen(resolve(actual), expected), rules.is_own_activity)


def test_renumbered_runs_do_not_differ_when_what_points_at_them_follows() -> None:
    primary = environment(dag_run=[run(key="7")], xcom=[{"dag_id": "d", "run_id": "r", "dag_run_id": "7"}])
    actual = environment(dag_run=[run(key="91")], xcom=[{"dag_id": "d", "run_id": "r", "dag_run_id": "91"}])
    assert differences(primary, actual) == []


@pytest.mark.parametrize("key", ["7", "92"])
def test_an_xcom_that_points_at_another_run_or_at_none_differs(key: str) -> None:
    primary = environment(dag_run=[run(key="7")], xcom=[{"dag_id": "d", "run_id": "r", "dag_run_id": "7"}])
    others = [run(key="91"), run("other", dag_id="restore_metadata", key="92")]
    actual = environment(dag_run=others, xcom=[{"dag_id": "d", "run_id": "r", "dag_run_id": key}])
    assert [difference.table for difference in differences(primary, actual)] == ["xcom"]


def test_a_task_that_lost_its_job_differs() -> None:
    named = {"job_type": "LocalTaskJob", "hostname": "h", "unixname": "u", "start_date": "1", "dag_id": "d"}
    finished: Row = {"id": "3", **named, "end_date": "2", "state": "success"}
    primary = environment(dag_run=[run()], task_instance=[task(job_id="3")], job=[finished])
    actual = environment(dag_run=[run()], task_instance=[task(job_id=None)], job=[finished])
    assert [difference.table for difference in differences(primary, actual)] == ["task_instance"]


def test_an_interrupted_run_with_finished_tasks_comes_back_as_failed() -> None:
    primary = environment(
        dag_run=[run(state="running")], task_instance=[task("a"), task("b", "running"), task("c", None)]
    )
    failed = run(state="failed", end_date=MOMENT, last_scheduling_decision="later")
    ended = [task("b", "failed", end_date=MOMENT), task("c", "upstream_failed", end_date=MOMENT)]
    assert differences(primary, environment(dag_run=[failed], task_instance=[task("a"), *ended])) == []


def test_a_run_that_comes_back_as_running_differs() -> None:
    primary = environment(dag_run=[run(state="running")], task_instance=[task("a"), task("b", "running")])
    assert {difference.table for difference in differences(primary, primary)} == {"dag_run", "task_instance"}


def test_an_interrupted_run_without_a_finished_task_is_left_out_with_its_children() -> None:
    primary = environment(dag_run=[run(state="queued")], task_instance=[task(state=None)], xcom=[])
    assert differences(primary, environment()) == []


def test_a_finished_run_that_is_left_out_differs() -> None:
    primary = environment(dag_run=[run()], task_instance=[task(state="running")])
    assert {difference.table for difference in differences(primary, environment())} == {"dag_run", "task_instance"}


def test_a_variable_of_the_target_stays_and_a_new_one_comes() -> None:
    primary = environment(variable=[{"id": "1", "key": "a", "val": "1"}, {"id": "2", "key": "b", "val": "1"}])
    there = environment(variable=[{"id": "1", "key": "a", "val": "2"}])
    kept = environment(variable=[{"id": "1", "key": "a", "val": "2"}, {"id": "5", "key": "b", "val": "1"}])
    assert differences(primary, kept, there) == []
    assert [d.table for d in differences(primary, primary, there)] == ["variable"]


def test_what_the_target_had_alone_must_still_be_there() -> None:
    there = environment(dag_run=[run("mine")], task_instance=[task(run_id="mine")])
    assert {d.table for d in differences(environment(), environment(), there)} == {"dag_run", "task_instance"}


def test_the_target_may_write_the_end_of_the_span_of_its_own_task_but_not_its_state() -> None:
    there = environment(
        dag_run=[run("own")], task_instance=[task(run_id="own", map_index="-1", span_status="not_started")]
    )
    ended = task(run_id="own", map_index="-1", span_status="ended")
    for actual, found in ((ended, 0), ({**ended, "state": "failed"}, 1)):
        after = environment(dag_run=[run("own")], task_instance=[actual])
        assert len(differences(environment(), after, there)) == found


def test_a_dag_that_is_active_though_it_was_paused_differs() -> None:
    paused, active = (environment(dag=[{"dag_id": "d", "is_paused": value}]) for value in ("true", "false"))
    assert [difference.kind for difference in differences(paused, active)] == ["changed"]


def test_a_table_that_no_rule_knows_is_refused() -> None:
    with pytest.raises(LookupError, match="no rule says how the rows of 'novelty' meet"):
        differences(environment(), environment(), environment(novelty=[{"a": "1"}]))


def test_only_versions_of_dags_are_wanted_that_a_run_which_is_carried_refers_to() -> None:
    dags = {"1": "d", "2": "backup_metadata"}
    primary = environment(
        dag_run=[run(dag_id=dag, key=key, created_dag_version_id=key) for key, dag in dags.items()],
        dag_version=[{"id": key, "dag_id": dag} for key, dag in dags.items()],
        serialized_dag=[{"dag_id": dag, "dag_version_id": key, "dag_hash": f"of {dag}"} for key, dag in dags.items()],
    )
    expected = rules.expected(resolve(primary), resolve(environment()), MOMENT)
    assert [row["dag_id"] for row in expected["dag_version"]] == ["d"]
    assert [row["dag_id"] for row in expected["serialized_dag"]] == ["d"]
