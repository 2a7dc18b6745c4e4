"""One DAG of an environment, or all: is it parsed, run it for a waiting task, pause, list.

Deployed twice, outside and inside the VPC of the environment. Permissions: airflow:CreateCliToken on the environment
(Airflow 2), airflow:InvokeRestApi on its role (`arn:...:role/<environment>/Admin`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lib.functions.airflow_client import Airflow, airflow_of
from lib.functions.errors import AirflowUnavailable, FunctionError, NotReady
from lib.functions.log import logger
from lib.functions.ops import chosen

PREFIX = "dr-"
"""How the ids of runs begin that a waiting task asked for."""

NAMED = 200
"""How many DAGs are named in a result: the data of a state machine ends at 256 KB."""

Event = Mapping[str, Any]
Result = dict[str, Any]

_log = logger(__name__)


def handler(event: Event, _: object) -> Result:
    """Do the `op` of the event; raises what `Airflow` says."""
    return chosen(OPERATIONS, event)(airflow_of(event["environment"], event["version"]), event)


def run_id_of(task_token: str) -> str:
    """The id of the run that answers a task token: the same token, the same run.

    Short, since a path of InvokeRestApi with the DAG's id in it ends at 64 characters; one-way, since ids are shown.

    >>> run_id_of("AQDEAAAA")
    'dr-68649421697d'
    """
    return PREFIX + hashlib.sha256(task_token.encode()).hexdigest()[:12]


def parsed(airflow: Airflow, event: Event) -> Result:
    """Whether the DAG can run, and why not; with `required` NotReady is raised instead, for a Retry that asks again.

    A web server that does not answer yet is a reason, not an error.
    """
    try:
        why = airflow.unready(event["dag_id"])
    except AirflowUnavailable as error:
        why = str(error)
    if why and event.get("required"):
        raise NotReady(why)
    return {"ready": not why, "why": why}


def trigger(airflow: Airflow, event: Event) -> Result:
    """Run the DAG for a task token, once, whatever is repeated; NotReady where it is not parsed.

    A run that holds another token is ended first: there is one run at a time, and nobody waits for that one any more.
    """
    with _hiding(event["task_token"]):
        return _trigger(airflow, event)


def _trigger(airflow: Airflow, event: Event) -> Result:
    dag_id, token = event["dag_id"], event["task_token"]
    run_id = run_id_of(token)
    known = airflow.runs(dag_id)
    for other in known:
        if other.is_active and other.run_id.startswith(PREFIX) and other.run_id != run_id:
            _log.warning("a run for an older task is ended", extra={"dag": dag_id, "run": other.run_id})
            airflow.fail(dag_id, other.run_id)
    airflow.set_paused(dag_id, False)
    if run_id not in {run.run_id for run in known}:
        told = {"task_token": token, "task_token_region": event["task_token_region"]}
        airflow.trigger(dag_id, run_id, {**event.get("conf", {}), **told})
        if run_id not in {run.run_id for run in airflow.runs(dag_id)}:
            raise AirflowUnavailable(f"DAG {dag_id} was triggered, but there is no run {run_id}")
    _log.info("the DAG runs", extra={"dag": dag_id, "run": run_id})
    return {"run_id": run_id}


@contextmanager
def _hiding(token: str) -> Iterator[None]:
    """Keep the token out of errors, which may quote what Airflow was sent, cut anywhere."""
    try:
        yield
    except FunctionError as error:
        shown = re.sub(re.escape(token[:16]) + r"[^\s'\"]*", "(the task token)", str(error))
        raise type(error)(shown) from None


def pause(airflow: Airflow, event: Event) -> Result:
    """Pause one DAG; NotReady where it is not parsed."""
    airflow.set_paused(event["dag_id"], True)
    return {"paused": [event["dag_id"]], "count": 1}


def pause_all(airflow: Airflow, _: Event) -> Result:
    """Pause every DAG, our own among them; tell which were active."""
    return _named("paused", airflow.pause_all())


def active(airflow: Airflow, _: Event) -> Result:
    """The DAGs that are not paused."""
    return _named("active", airflow.active_dags())


def _named(key: str, dag_ids: list[str]) -> Result:
    return {key: sorted(dag_ids)[:NAMED], "count": len(dag_ids)}


OPERATIONS: Mapping[str, Callable[[Airflow, Event], Result]] = {
    "parsed": parsed,
    "trigger": trigger,
    "pause": pause,
    "pause_all": pause_all,
    "active": active,
}
