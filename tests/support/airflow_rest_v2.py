"""The REST API of Airflow 3, as its routes of 3.0.6 answer: what is unknown in a body is refused, missing keys too.

https://airflow.apache.org/docs/apache-airflow/3.0.6/stable-rest-api-ref.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.airflow_front import AirflowFront

Answer = tuple[int, Any]
MOST = 100
"""Rows of an answer, however many are asked for."""

RUN_STATES = ("queued", "success", "failed")


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(str(detail))
        self.answer: Answer = status, {"detail": detail}


@dataclass(frozen=True)
class Asked:
    """One request."""

    words: tuple[str, ...]
    """What its path names."""
    query: Mapping[str, list[str]]
    body: Mapping[str, Any]

    def page(self, rows: list[Any]) -> list[Any]:
        """The rows that are asked for."""
        limit, offset = (
            int(self.query.get(name, [default])[0]) for name, default in (("limit", "50"), ("offset", "0"))
        )
        return rows[offset : offset + min(limit, MOST)]

    def strictly(self, *needed: str, also: tuple[str, ...] = ()) -> None:
        """Refuse a body that lacks a field, or has another one."""
        wrong = [
            *({"type": "missing", "loc": ["body", name]} for name in needed if name not in self.body),
            *({"type": "extra_forbidden", "loc": ["body", name]} for name in self.body.keys() - {*needed, *also}),
        ]
        if wrong:
            raise RefusedError(422, wrong)


def answer(airflow: AirflowFront, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> Answer:
    """Status and answer of one call; the path is without /api/v2."""
    for verb, pattern, route in ROUTES:
        match = re.fullmatch(pattern, path)
        if verb == method and match:
            try:
                return route(airflow, Asked(match.groups(), query, body))
            except RefusedError as refused:
                return refused.answer
    return 404, {"detail": "Not Found"}


def _dag(airflow: AirflowFront, dag_id: str) -> dict[str, Any]:
    if dag_id not in airflow.paused:
        raise RefusedError(404, f"Dag with id {dag_id} was not found")
    paused = airflow.paused[dag_id]
    return {"dag_id": dag_id, "is_paused": paused, "is_stale": False, "has_import_errors": False}


def _get_dag(airflow: AirflowFront, asked: Asked) -> Answer:
    return 200, _dag(airflow, asked.words[0])


def _patch_dag(airflow: AirflowFront, asked: Asked) -> Answer:
    asked.strictly("is_paused")
    (dag_id,) = asked.words
    _dag(airflow, dag_id)
    airflow.paused[dag_id] = asked.body["is_paused"]
    return 200, _dag(airflow, dag_id)


def _get_dags(airflow: AirflowFront, asked: Asked) -> Answer:
    found = asked.page(sorted(airflow.paused))
    return 200, {"dags": [_dag(airflow, dag_id) for dag_id in found], "total_entries": len(airflow.paused)}


def _patch_dags(airflow: AirflowFront, asked: Asked) -> Answer:
    """Without a pattern no DAG is meant; `~` means all."""
    asked.strictly("is_paused")
    if asked.query.get("dag_id_pattern") != ["~"]:
        return 200, {"dags": [], "total_entries": 0}
    airflow.paused |= dict.fromkeys(asked.page(sorted(airflow.paused)), asked.body["is_paused"])
    return _get_dags(airflow, asked)


def _run(airflow: AirflowFront, dag_id: str, run_id: str) -> dict[str, Any]:
    return {"dag_run_id": run_id, "dag_id": dag_id, "state": airflow.runs[dag_id][run_id], "run_type": "manual"}


def _get_runs(airflow: AirflowFront, asked: Asked) -> Answer:
    (dag_id,) = asked.words
    _dag(airflow, dag_id)
    states, is_newest_first = asked.query.get("state"), asked.query.get("order_by") == ["-id"]
    found = [run_id for run_id, state in airflow.runs[dag_id].items() if not states or state in states]
    page = asked.page(found[::-1] if is_newest_first else found)
    return 200, {"dag_runs": [_run(airflow, dag_id, run_id) for run_id in page], "total_entries": len(found)}


def _get_runs_of_all(airflow: AirflowFront, asked: Asked) -> Answer:
    return _listed("dag_runs", airflow, asked)


def _get_tasks_of_all(airflow: AirflowFront, asked: Asked) -> Answer:
    return _listed("task_instances", airflow, asked)


def _listed(key: str, airflow: AirflowFront, asked: Asked) -> Answer:
    found = airflow.runs_of_all({name: values[0] for name, values in asked.query.items()})
    return 200, {key: asked.page(found), "total_entries": len(found)}


def _trigger(airflow: AirflowFront, asked: Asked) -> Answer:
    asked.strictly("logical_date", also=("dag_run_id", "conf", "note", "run_after"))
    (dag_id,) = asked.words
    _dag(airflow, dag_id)
    moment, run_id = asked.body["logical_date"], asked.body["dag_run_id"]
    if moment is not None and datetime.fromisoformat(moment).tzinfo is None:
        raise RefusedError(422, [{"type": "timezone_aware", "loc": ["body", "logical_date"]}])
    if run_id in airflow.runs[dag_id]:
        raise RefusedError(409, {"reason": "Unique constraint violation", "statement": "hidden"})
    airflow.start(dag_id, run_id, dict(asked.body.get("conf", {})))
    return 200, _run(airflow, dag_id, run_id)


def _patch_run(airflow: AirflowFront, asked: Asked) -> Answer:
    asked.strictly("state", also=("note",))
    dag_id, run_id = asked.words
    if run_id not in airflow.runs.get(dag_id, {}):
        raise RefusedError(404, f"The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found")
    if asked.body["state"] not in RUN_STATES:
        raise RefusedError(422, [{"type": "enum", "loc": ["body", "state"]}])
    airflow.runs[dag_id][run_id] = asked.body["state"]
    return 200, _run(airflow, dag_id, run_id)


def _variable(airflow: AirflowFront, key: str) -> dict[str, Any]:
    if key not in airflow.variables:
        raise RefusedError(404, f"The Variable with key: `{key}` was not found")
    return {"key": key, "value": airflow.variables[key], "is_encrypted": True}


def _patch_variable(airflow: AirflowFront, asked: Asked) -> Answer:
    asked.strictly("key", "value", also=("description",))
    (key,) = asked.words
    if asked.body["key"] != key:
        raise RefusedError(400, "Invalid body, key from request body doesn't match uri parameter")
    _variable(airflow, key)
    airflow.variables[key] = asked.body["value"]
    return 200, _variable(airflow, key)


def _post_variable(airflow: AirflowFront, asked: Asked) -> Answer:
    asked.strictly("key", "value", also=("description",))
    key = asked.body["key"]
    if key in airflow.variables:
        raise RefusedError(409, f"The Variable with key: `{key}` already exists")
    airflow.variables[key] = asked.body["value"]
    return 201, _variable(airflow, key)


def _delete_variable(airflow: AirflowFront, asked: Asked) -> Answer:
    (key,) = asked.words
    _variable(airflow, key)
    del airflow.variables[key]
    return 204, None


ROUTES: tuple[tuple[str, str, Callable[[AirflowFront, Asked], Answer]], ...] = (
    ("GET", r"/dags", _get_dags),
    ("PATCH", r"/dags", _patch_dags),
    ("GET", r"/dags/([^/]+)", _get_dag),
    ("PATCH", r"/dags/([^/]+)", _patch_dag),
    ("GET", r"/dags/~/dagRuns", _get_runs_of_all),
    ("GET", r"/dags/~/dagRuns/~/taskInstances", _get_tasks_of_all),
    ("GET", r"/dags/([^/]+)/dagRuns", _get_runs),
    ("POST", r"/dags/([^/]+)/dagRuns", _trigger),
    ("PATCH", r"/dags/([^/]+)/dagRuns/([^/]+)", _patch_run),
    ("POST", r"/variables", _post_variable),
    ("PATCH", r"/variables/(.+)", _patch_variable),
    ("DELETE", r"/variables/(.+)", _delete_variable),
)
