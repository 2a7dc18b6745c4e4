"""Airflow by InvokeRestApi: its limits, its errors, its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lib.functions.airflow_client import Changed, DagRun, Run, airflow_of, each
from lib.functions.airflow_client.by_rest import AirflowByRest
from lib.functions.errors import AirflowRefused, AirflowUnavailable, FunctionError, Misconfigured, NotReady
from tests.support.mwaa import NAME, REGION, Mwaa, Reply, RestCall, printed

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


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each, "PAUSE", 0)


LONG = "pipeline_" + "x" * 60


class Patterns:
    """An Airflow whose DAGs are found and changed by a part of their ids, all of them in one request as in 3.3."""

    def __init__(self, **paused: bool) -> None:
        self.paused = paused
        self.is_deaf = False

    def __call__(self, call: RestCall) -> tuple[int, Any]:
        if call.path != "/dags":
            dag_id = call.path.rpartition("/")[2]
            known = dag_id in self.paused
            self.paused |= {dag_id: bool((call.body or {})["is_paused"])} if known else {}
            return (200, {}) if known else (404, {})
        found = sorted(dag_id for dag_id in self.paused if call.query["dag_id_pattern"].lower() in dag_id.lower())
        if call.body and not self.is_deaf:
            self.paused |= dict.fromkeys(found, bool(call.body["is_paused"]))
        rows = [{"dag_id": dag_id, "is_paused": self.paused[dag_id]} for dag_id in found]
        return 200, {"dags": rows[call.query["offset"] :], "total_entries": len(rows)}


@pytest.mark.parametrize("paused", [True, False])
def test_some_dags_are_changed_and_those_that_are_gone_are_told(mwaa: Mwaa, fast: None, paused: bool) -> None:
    mwaa.rest = airflow = Patterns(a=not paused, b=not paused, other=not paused)
    assert AIRFLOW.set_each(["a", "gone", "b"], paused, seconds=60) == Changed(("a", "b"), ("gone",))
    assert airflow.paused == {"a": paused, "b": paused, "other": not paused}


def test_what_there_is_no_time_for_is_left(mwaa: Mwaa, fast: None) -> None:
    assert AIRFLOW.set_each(["a", "b"], True, seconds=-1) == Changed(left=("a", "b"))
    assert mwaa.calls == []


@pytest.mark.parametrize("paused", [True, False])
def test_a_dag_whose_path_would_be_too_long_is_changed_by_a_pattern(mwaa: Mwaa, fast: None, paused: bool) -> None:
    mwaa.rest = airflow = Patterns(**{LONG: not paused, "other": not paused})
    assert AIRFLOW.set_each([LONG, LONG + "_gone"], paused, seconds=60) == Changed((LONG,), (LONG + "_gone",))
    assert airflow.paused == {LONG: paused, "other": not paused}
    assert mwaa.commands == []


def test_a_pattern_that_would_change_another_dag_is_not_sent_but_a_command(mwaa: Mwaa, fast: None) -> None:
    mwaa.rest = airflow = Patterns(**{LONG: True, LONG + "_by_hand": True, "y" + LONG.upper(): False})

    def unpause(command: str) -> Reply:
        airflow.paused[command.removeprefix("dags unpause ")] = False
        return printed()

    mwaa.cli = unpause
    AIRFLOW.set_paused(LONG, False)
    assert airflow.paused == {LONG: False, LONG + "_by_hand": True, "y" + LONG.upper(): False}
    assert not [call for call in mwaa.calls if call.method == "PATCH"]


def test_a_pattern_may_mean_others_that_are_so_already(mwaa: Mwaa, fast: None) -> None:
    mwaa.rest = airflow = Patterns(**{LONG: True, LONG + "_active": False})
    AIRFLOW.set_paused(LONG, False)
    assert airflow.paused == {LONG: False, LONG + "_active": False}


def test_a_pattern_that_changed_nothing_is_told(mwaa: Mwaa, fast: None) -> None:
    mwaa.rest = airflow = Patterns(**{LONG: True})
    airflow.is_deaf = True
    with pytest.raises(AirflowUnavailable, match="was unpaused, and is not"):
        AIRFLOW.set_paused(LONG, False)


def runs_of(
    *rows: tuple[str, str, str], started: str | None = "2026-11-23T00:00:00Z"
) -> Callable[[RestCall], tuple[int, Any]]:
    """Runs of all DAGs, a hundred at once: DAG, run, state."""

    def answer(call: RestCall) -> tuple[int, Any]:
        assert call.path == "/dags/~/dagRuns"
        found = [row for row in rows if row[2] == call.query.get("state", row[2])]
        page = found[call.query["offset"] :][:100]
        names = ("dag_id", "dag_run_id", "state")
        told = [{**dict(zip(names, row, strict=True)), "start_date": started} for row in page]
        return 200, {"dag_runs": told, "total_entries": len(found)}

    return answer


def test_the_unfinished_runs_of_all_dags_are_found(mwaa: Mwaa) -> None:
    running = [("sales", f"r{n}", "running") for n in range(150)]
    mwaa.rest = runs_of(*running, ("stock", "q", "queued"), ("stock", "done", "success"))
    found = AIRFLOW.unfinished_runs()
    assert len(found) == 151
    assert DagRun("stock", "q") in found


def test_the_runs_of_all_dags_since_a_moment_are_asked_for(mwaa: Mwaa) -> None:
    mwaa.rest = runs_of(("sales", "r", "success"))
    assert AIRFLOW.runs_since("2026-11-22T21:10:00.000007+01:00") == [DagRun("sales", "r")]
    assert mwaa.calls[0].query["start_date_gte"] == "2026-11-22T20:10:00.000007Z"


def test_a_run_that_was_ended_before_it_started_has_not_run_since(mwaa: Mwaa) -> None:
    mwaa.rest = runs_of(("sales", "refused", "failed"), ("sales", "waits", "queued"), started=None)
    assert AIRFLOW.runs_since("2026-11-22T20:10:00+00:00") == [DagRun("sales", "waits")]


def test_the_dags_with_a_task_at_work_are_found(mwaa: Mwaa) -> None:
    tasks = {"running": "sales", "deferred": "stock"}

    def answer(call: RestCall) -> tuple[int, Any]:
        assert call.path == "/dags/~/dagRuns/~/taskInstances"
        rows = [{"dag_id": dag_id} for state, dag_id in tasks.items() if state == call.query["state"]]
        return 200, {"task_instances": rows, "total_entries": len(rows)}

    mwaa.rest = answer
    assert AIRFLOW.working_dags() == {"sales", "stock"}


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
