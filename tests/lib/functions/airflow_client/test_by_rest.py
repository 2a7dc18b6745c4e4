"""Airflow by InvokeRestApi: its limits, its errors, its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lib.functions.airflow_client import Run, airflow_of
from lib.functions.airflow_client.by_rest import AirflowByRest
from lib.functions.errors import AirflowRefused, AirflowUnavailable, FunctionError, Misconfigured, NotReady
from tests.support.mwaa import NAME, REGION, Mwaa, RestCall

AIRFLOW = airflow_of({"name": NAME, "region": REGION}, "3.2.1")


class Dags:
    """An Airflow with DAGs, which gives at most 100 rows, as Airflow 3 does."""

    def __init__(self, number: int, paused: int) -> None:
        self.paused = {f"dag_{n:03}": n < paused for n in range(number)}
        self.queries: list[Mapping[str, Any]] = []

    def __call__(self, call: RestCall) -> tuple[int, Any]:
        self.queries.append(call.query)
        offset, limit = int(call.query["offset"]), min(100, int(call.query["limit"]))
        page = sorted(self.paused)[offset : offset + limit]
        if call.method == "PATCH":
            assert call.body == {"is_paused": True}
            self.paused |= dict.fromkeys(page, True)
        rows = [{"dag_id": dag_id, "is_paused": self.paused[dag_id]} for dag_id in page]
        return 200, {"dags": rows, "total_entries": len(self.paused)}


def test_all_pages_are_read(mwaa: Mwaa) -> None:
    mwaa.rest = Dags(250, paused=30)
    assert len(AIRFLOW.active_dags()) == 220


def test_every_dag_is_paused_a_page_at_a_time(mwaa: Mwaa) -> None:
    mwaa.rest = dags = Dags(250, paused=30)
    assert len(AIRFLOW.pause_all()) == 220
    assert all(dags.paused.values())
    assert [call.method for call in mwaa.calls].count("PATCH") == 3


def test_dags_whose_file_is_gone_for_now_are_paused_too(mwaa: Mwaa) -> None:
    mwaa.rest = dags = Dags(1, paused=0)
    AIRFLOW.pause_all()
    assert all(query["exclude_stale"] is False for query in dags.queries)
    dags.queries.clear()
    AirflowByRest(NAME, REGION, api=1).active_dags()
    assert all(query["only_active"] is False and "exclude_stale" not in query for query in dags.queries)


def test_nothing_is_changed_where_nothing_is_active(mwaa: Mwaa) -> None:
    mwaa.rest = Dags(3, paused=3)
    assert AIRFLOW.pause_all() == []
    assert {call.method for call in mwaa.calls} == {"GET"}


def test_a_dag_that_stays_active_is_told(mwaa: Mwaa) -> None:
    page = {"dags": [{"dag_id": "stubborn", "is_paused": False}], "total_entries": 1}
    mwaa.rest = lambda call: (200, page)
    with pytest.raises(AirflowUnavailable, match="still active after all DAGs were paused: stubborn"):
        AIRFLOW.pause_all()


PARSED = {"is_paused": True, "is_stale": False, "has_import_errors": False}
READINESS = [
    (200, PARSED, ""),
    (200, {"is_paused": True, "is_active": True}, ""),
    (404, {"detail": "not found"}, "DAG restore is not parsed yet"),
    (200, {**PARSED, "has_import_errors": True}, "the file of DAG restore cannot be imported"),
    (200, {**PARSED, "is_stale": True}, "the file of DAG restore is gone, or not parsed again yet"),
    (200, {"is_paused": True, "is_active": False}, "the file of DAG restore is gone, or not parsed again yet"),
]


@pytest.mark.parametrize(("status", "body", "why"), READINESS)
def test_a_dag_is_ready_when_its_file_is_parsed(mwaa: Mwaa, status: int, body: Any, why: str) -> None:
    mwaa.rest = lambda call: (status, body)
    assert AIRFLOW.unready("restore") == why


def test_old_runs_that_have_not_ended_are_found_behind_a_hundred_newer_ones(mwaa: Mwaa) -> None:
    newest = [{"dag_run_id": f"r{n}", "state": "success"} for n in range(100)]
    old = {"queued": [], "running": [{"dag_run_id": "old", "state": "running"}]}

    def runs(call: RestCall) -> tuple[int, Any]:
        rows = old[call.query["state"]] if "state" in call.query else newest
        return 200, {"dag_runs": rows, "total_entries": 500 if rows is newest else len(rows)}

    mwaa.rest = runs
    assert AIRFLOW.runs("restore")[-1] == Run("old", "running")


def test_a_run_that_is_there_is_no_error(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (409, {"detail": "DAGRun with DAG ID restore and DAGRun ID dr-1 already exists"})
    AIRFLOW.trigger("restore", "dr-1", {"backup_id": "B"})
    [call] = mwaa.calls
    assert call.body
    assert call.body["conf"] == {"backup_id": "B"}
    assert "logical_date" in call.body


def test_a_variable_that_is_not_there_is_created(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (404 if call.method == "PATCH" else 201, {})
    AIRFLOW.set_variable("DR_X", "ü")
    assert [(call.method, call.path) for call in mwaa.calls] == [("PATCH", "/variables/DR_X"), ("POST", "/variables")]
    assert mwaa.calls[1].body == {"key": "DR_X", "value": "ü"}


def test_a_variable_that_is_not_there_is_deleted_already(mwaa: Mwaa) -> None:
    mwaa.rest = lambda call: (404, {})
    AIRFLOW.delete_variable("DR_X")


def test_a_path_that_mwaa_would_refuse_is_refused_in_words(mwaa: Mwaa) -> None:
    with pytest.raises(AirflowRefused, match="the path has 70 of 64 characters"):
        AIRFLOW.fail("backup_metadata", "manual__2026-11-21T00:00:00.000000+00:00")
    assert mwaa.calls == []


@pytest.mark.parametrize("dag_id", ["restore_metadata", "a" * 50])
def test_a_dag_of_any_name_that_the_configuration_allows_is_triggered(mwaa: Mwaa, dag_id: str) -> None:
    mwaa.rest = lambda call: (200, {"dag_runs": [], "total_entries": 0})
    AIRFLOW.trigger(dag_id, "dr-123456789abc", {})
    AIRFLOW.runs(dag_id)
    assert all(len(call.path) <= 64 for call in mwaa.calls)


ACTS: list[Callable[[], object]] = [
    lambda: AIRFLOW.set_paused("restore", False),
    lambda: AIRFLOW.runs("restore"),
    lambda: AIRFLOW.trigger("restore", "dr-1", {}),
]


@pytest.mark.parametrize("act", ACTS)
def test_an_unknown_dag_is_not_ready(mwaa: Mwaa, act: Callable[[], object]) -> None:
    mwaa.rest = lambda call: (404, {"detail": "The Dag with ID: `restore` was not found"})
    with pytest.raises(NotReady, match="DAG restore is not parsed yet"):
        act()


OF_AIRFLOW = [
    (400, {"detail": "bad"}, AirflowRefused, "Airflow answers 400 bad"),
    (401, {"title": "Unauthorized"}, Misconfigured, "401 Unauthorized. HINT"),
    (403, {"detail": "Forbidden"}, Misconfigured, "403 Forbidden"),
    (409, {"detail": "conflict"}, AirflowRefused, "409"),
    (422, {"detail": [{"loc": ["body"], "msg": "Field required"}]}, AirflowRefused, "422 .*Field required"),
    (429, None, AirflowUnavailable, "429"),
    (500, {"detail": "oops"}, AirflowUnavailable, "500 oops"),
    (503, "text", AirflowUnavailable, "503 text"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), OF_AIRFLOW)
def test_what_airflow_refuses_has_a_name(
    mwaa: Mwaa, status: int, body: Any, kind: type[FunctionError], words: str
) -> None:
    mwaa.rest = lambda call: (status, body)
    with pytest.raises(kind, match=words):
        AIRFLOW.delete_variable("DR_X")


OF_MWAA = [
    ((403, "AccessDeniedException", "no"), Misconfigured, "needs airflow:InvokeRestApi on role/"),
    ((400, "ValidationException", "Update your environment to use InvokeRestApi"), AirflowRefused, "Update your"),
    ((500, "InternalServerException", "oops"), AirflowUnavailable, "InternalServerException"),
]


@pytest.mark.parametrize(("error", "kind", "words"), OF_MWAA)
def test_what_mwaa_refuses_has_a_name(
    mwaa: Mwaa, error: tuple[int, str, str], kind: type[FunctionError], words: str
) -> None:
    mwaa.error = error
    with pytest.raises(kind, match=words):
        AIRFLOW.unready("restore")
