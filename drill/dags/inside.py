"""Runs inside an Airflow's own Python: reads one JSON request, and does through Airflow what a person would do.

The request may have `variables`, `connections`, `pools`, `unpause` and `trigger`; DAGs are waited for until they
are parsed.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timezone
from typing import Any

PARSE_SECONDS = 180


def main() -> None:
    """Carry out the request on standard input."""
    request = json.load(sys.stdin)
    for variable in request.get("variables", []):
        set_variable(variable)
    add_connections(request.get("connections", []))
    add_pools(request.get("pools", []))
    triggers = request.get("trigger", [])
    await_dags({*request.get("unpause", []), *(trigger["dag_id"] for trigger in triggers)})
    unpause(request.get("unpause", []))
    for trigger in triggers:
        start_run(trigger)


def set_variable(variable: dict[str, Any]) -> None:
    """Set one Variable."""
    from airflow.models import Variable

    Variable.set(variable["key"], variable["val"], description=variable.get("description"))


def add_connections(connections: list[dict[str, Any]]) -> None:
    """Add Connections; those of the same name are replaced."""
    from airflow.models import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        for connection in connections:
            session.query(Connection).filter(Connection.conn_id == connection["conn_id"]).delete()
            session.add(Connection(**connection))


def add_pools(pools: list[dict[str, Any]]) -> None:
    """Add pools, which from Airflow 2.7 on say whether deferred tasks count."""
    from airflow.models import Pool
    from airflow.utils.session import create_session

    counts_deferred = {"include_deferred": True} if hasattr(Pool, "include_deferred") else {}
    with create_session() as session:
        for pool in pools:
            session.add(Pool(**pool, **counts_deferred))


def await_dags(dag_ids: set[str]) -> None:
    """Return as soon as all these DAGs are parsed and serialized."""
    from airflow.models import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from sqlalchemy import text

    give_up = time.monotonic() + PARSE_SECONDS
    while True:
        with create_session() as session:
            serialized = {row[0] for row in session.query(SerializedDagModel.dag_id)}
            missing = dag_ids - ({row[0] for row in session.query(DagModel.dag_id)} & serialized)
            broken = [row[0] for row in session.execute(text("SELECT stacktrace FROM import_error"))]
        if not missing:
            return
        if broken:
            sys.exit("\n".join(broken))
        if time.monotonic() > give_up:
            sys.exit(f"not parsed within {PARSE_SECONDS} s: {', '.join(sorted(missing))}")
        time.sleep(0.3)


def unpause(dag_ids: list[str]) -> None:
    """Make DAGs active."""
    from airflow.models import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        chosen = session.query(DagModel).filter(DagModel.dag_id.in_(dag_ids))
        chosen.update({"is_paused": False}, synchronize_session=False)


def start_run(trigger: dict[str, Any]) -> None:
    """Trigger a run by hand."""
    import airflow
    from airflow.api.common.trigger_dag import trigger_dag

    more: dict[str, Any] = {}
    if airflow.__version__.startswith("3"):
        from airflow.utils.types import DagRunTriggeredByType

        moment = None if trigger.get("undated") else datetime.now(timezone.utc)
        more = {"triggered_by": DagRunTriggeredByType.TEST, "logical_date": moment}
    trigger_dag(trigger["dag_id"], run_id=trigger["run_id"], conf=trigger.get("conf"), **more)


if __name__ == "__main__":
    main()
