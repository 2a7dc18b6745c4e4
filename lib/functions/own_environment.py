"""Make an environment our own: its DR_* Variables, and its backup DAG at work; or undo that.

Deployed twice, outside and inside the VPC of the environment, with the permissions of `dag`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.functions import lease
from lib.functions.airflow_client import Airflow, airflow_of
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.log import logger

SCHEDULE = "DR_BACKUP_SCHEDULE"
"""The Variable that the backup DAG reads its schedule from; without it, it runs when triggered."""

_log = logger(__name__)


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """`op` "own" (the default): set `variables`, delete those of `stale`, unpause the backup DAG if it has a schedule.

    `op` "disown": delete `variables` and pause the backup DAG. With an empty `backup_dag_id` the DAG and its schedule
    are left alone. Safe to repeat. Raises what `Airflow` says; NotReady, before anything is set, where the DAG has a
    schedule and is not parsed yet.
    """
    op = event.get("op", "own")
    if op not in ("own", "disown"):
        raise Misconfigured(f"unknown op {op!r}, allowed: own, disown")
    lease.check(event)
    airflow = airflow_of(event["environment"], event["version"])
    return own(airflow, event) if op == "own" else disown(airflow, event)


def own(airflow: Airflow, event: Mapping[str, Any]) -> dict[str, Any]:
    """Set what this environment has of its own."""
    dag_id, schedule = event["backup_dag_id"], event.get("schedule")
    if schedule and (why := airflow.unready(dag_id)):
        raise NotReady(why)
    wanted = {**event["variables"], **({SCHEDULE: schedule} if schedule else {})}
    for key in sorted({*_schedule_of(dag_id), *event.get("stale", ())} - wanted.keys()):
        airflow.delete_variable(key)
    for key, value in wanted.items():
        airflow.set_variable(key, str(value))
    if schedule:
        airflow.set_paused(dag_id, False)
    _log.info("the environment is its own", extra={"variables": sorted(wanted), "scheduled": bool(schedule)})
    return {"variables": sorted(wanted), "scheduled": bool(schedule)}


def disown(airflow: Airflow, event: Mapping[str, Any]) -> dict[str, Any]:
    """Pause the backup DAG, where there is one, then delete what `own` set."""
    dag_id = event["backup_dag_id"]
    if dag_id:
        try:
            airflow.set_paused(dag_id, True)
        except NotReady:
            _log.info("the backup DAG is gone already")
    keys = sorted({*_schedule_of(dag_id), *event["variables"]})
    for key in keys:
        airflow.delete_variable(key)
    return {"variables": keys, "scheduled": False}


def _schedule_of(dag_id: str) -> tuple[str, ...]:
    """The Variable with the schedule, where the backup DAG is ours to run."""
    return (SCHEDULE,) if dag_id else ()
