"""What the workflows ask of one DAG, or of all."""

from __future__ import annotations

from typing import Any

import pytest

from lib.functions import dag
from lib.functions.errors import AirflowUnavailable, Misconfigured, NotReady
from tests.support.mwaa import NAME, REGION, Mwaa, Reply, RestCall, printed
from tests.support.remembering_airflow import RememberingAirflow

TOKEN = "AQDEAAAA" + "x" * 500
RUN = dag.run_id_of(TOKEN)


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> RememberingAirflow:
    remembering = RememberingAirflow()
    monkeypatch.setattr(dag, "airflow_of", lambda environment, version: remembering)
    return remembering


def event(op: str, **more: Any) -> dict[str, Any]:
    return {
        "op": op,
        "environment": {"name": NAME, "region": REGION},
        "version": "2.10.3",
        "dag_id": "restore_metadata",
        "task_token": TOKEN,
        "task_token_region": "us-west-2",
        "conf": {"backup_id": "B"},
        **more,
    }


def test_a_parsed_dag_is_ready(airflow: RememberingAirflow) -> None:
    assert dag.handler(event("parsed"), None) == {"ready": True, "why": ""}


def test_a_dag_that_is_not_parsed_is_not_ready_and_says_why(airflow: RememberingAirflow) -> None:
    airflow.paused.clear()
    assert dag.handler(event("parsed"), None) == {"ready": False, "why": "DAG restore_metadata is not parsed yet"}


def test_a_web_server_that_is_starting_is_waited_for(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: Reply(503)
    told = dag.handler(event("parsed"), None)
    assert told["ready"] is False
    assert "503" in told["why"]


def test_a_run_is_triggered_with_the_token_and_the_conf(airflow: RememberingAirflow) -> None:
    assert dag.handler(event("trigger"), None) == {"run_id": RUN}
    assert airflow.changes == ["unpause restore_metadata", f"trigger {RUN}"]
    assert airflow.confs[RUN] == {"backup_id": "B", "task_token": TOKEN, "task_token_region": "us-west-2"}


def test_the_same_token_is_the_same_run(airflow: RememberingAirflow) -> None:
    assert dag.handler(event("trigger"), None) == dag.handler(event("trigger"), None)
    assert airflow.changes.count(f"trigger {RUN}") == 1


def test_another_token_is_another_run_and_the_older_one_is_failed_first(airflow: RememberingAirflow) -> None:
    dag.handler(event("trigger", task_token="older"), None)
    airflow.changes.clear()
    dag.handler(event("trigger"), None)
    older = dag.run_id_of("older")
    assert airflow.changes == [f"fail {older}", "unpause restore_metadata", f"trigger {RUN}"]
    assert airflow.states == {older: "failed", RUN: "queued"}


def test_runs_that_ended_and_runs_of_people_are_left_alone(airflow: RememberingAirflow) -> None:
    airflow.states = {"dr-0123456789ab": "success", "manual__2026-11-22": "running", "scheduled__1": "queued"}
    dag.handler(event("trigger"), None)
    assert not [change for change in airflow.changes if change.startswith("fail")]


def test_a_run_that_does_not_come_to_be_is_an_error(airflow: RememberingAirflow) -> None:
    airflow.loses_runs = True
    with pytest.raises(AirflowUnavailable, match=f"there is no run {RUN}"):
        dag.handler(event("trigger"), None)


def test_a_dag_that_is_not_parsed_is_not_triggered(airflow: RememberingAirflow) -> None:
    airflow.paused.clear()
    with pytest.raises(NotReady):
        dag.handler(event("trigger"), None)
    assert airflow.changes == []


def test_a_run_id_shows_nothing_of_the_token_and_fits_into_a_path() -> None:
    assert len(f"/dags/restore_metadata/dagRuns/{RUN}") <= 64
    assert RUN.removeprefix("dr-") not in TOKEN


def test_every_dag_is_paused_and_what_was_active_is_named(airflow: RememberingAirflow) -> None:
    airflow.paused = {"b": False, "a": False, "off": True}
    assert dag.handler(event("active"), None) == {"active": ["a", "b"], "count": 2}
    assert dag.handler(event("pause_all"), None) == {"paused": ["a", "b"], "count": 2}
    assert all(airflow.paused.values())


def test_a_result_stays_small_however_many_dags_there_are(airflow: RememberingAirflow) -> None:
    airflow.paused = {f"dag_{n}": False for n in range(5000)}
    told = dag.handler(event("pause_all"), None)
    assert (len(told["paused"]), told["count"]) == (200, 5000)


def test_one_dag_is_paused(airflow: RememberingAirflow) -> None:
    airflow.paused["restore_metadata"] = False
    dag.handler(event("pause"), None)
    assert airflow.paused == {"restore_metadata": True}


def test_an_unknown_op_is_refused_in_words(airflow: RememberingAirflow) -> None:
    with pytest.raises(Misconfigured, match="unknown op 'stop', allowed: parsed, trigger"):
        dag.handler(event("stop"), None)


def test_airflow_2_is_reached_by_commands(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: printed("[]")
    assert dag.handler(event("parsed"), None)["ready"] is True
    assert (len(mwaa.commands), mwaa.calls) == (1, [])


def test_airflow_3_is_reached_by_rest(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (200, {"is_stale": False})
    assert dag.handler(event("parsed", version="3.2.1"), None)["ready"] is True
    assert (mwaa.commands, len(mwaa.calls)) == ([], 1)


def test_no_task_token_is_logged(mwaa: Mwaa, capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[dict[str, str]] = []

    def rest(call: RestCall) -> tuple[int, Any]:
        if call.method == "POST" and call.body:
            runs.append({"dag_run_id": call.body["dag_run_id"], "state": "queued"})
        return 200, {"dag_runs": runs, "total_entries": len(runs)}

    mwaa.rest = rest
    dag.handler(event("trigger", version="3.2.1"), None)
    logged = capsys.readouterr().out
    assert RUN in logged
    assert TOKEN not in logged
