"""An Airflow 3 in memory, as its REST API and the Task SDK show it: pages of a hundred, secrets masked by REST."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from mwaa_dr.framework.config_only.rest import Answer, Pace, RestApi
from mwaa_dr.framework.config_only.values import ConnectionValues, Reached

MOST = 100
SENSITIVE = ("password", "secret", "token", "private_key")

HISTORY = {
    "/dags/~/dagRuns": "dag_runs",
    "/dags/~/dagRuns/~/taskInstances": "task_instances",
    "/eventLogs": "event_logs",
    "/assets/events": "asset_events",
}
"""Path -> what its answer calls the rows."""

DAG = {
    "is_stale": False,
    "bundle_name": "dags-folder",
    "fileloc": "/dags/a.py",
    "relative_fileloc": "a.py",
    "description": None,
    "owners": ["airflow"],
    "max_active_tasks": 16,
    "max_active_runs": 16,
    "max_consecutive_failed_dag_runs": 0,
    "has_task_concurrency_limits": False,
}


def masked(value: Any, name: str = "") -> Any:
    """A value as Airflow's masker leaves it."""
    if any(word in name.lower() for word in SENSITIVE):
        return "***"
    if isinstance(value, dict):
        return {key: masked(inner, key) for key, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, list) else value


@dataclass
class MemoryAirflow:
    """Rows as REST would show them to somebody who may see secrets."""

    variables: dict[str, str] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    pools: dict[str, dict[str, Any]] = field(default_factory=dict)
    dags: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Path -> rows, as `/eventLogs`."""
    outranked: dict[str, str] = field(default_factory=dict)
    """Variables of a secrets backend."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    """Statuses with which the next calls are answered."""
    slept: float = 0.0
    name: str = "the memory"

    def __post_init__(self) -> None:
        self.pool("default_pool", 128)

    @property
    def reached(self) -> Reached:
        """As a task gets at it, in no time."""
        return Reached(RestApi(self, Pace(1e9), sleep=self.sleep), self, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Remember that somebody waited."""
        self.slept += seconds

    def pool(self, name: str, slots: int, description: str | None = None) -> None:
        """Add a pool."""
        self.pools[name] = {"name": name, "slots": slots, "description": description, "include_deferred": False}

    def dag(self, dag_id: str, *, paused: bool = False, **more: Any) -> None:
        """Add a DAG that is parsed."""
        self.dags[dag_id] = {
            **DAG,
            "dag_id": dag_id,
            "is_paused": paused,
            "dag_display_name": dag_id,
            "tags": [],
        } | more

    def connection_of(self, conn_id: str, **fields: Any) -> None:
        """Add a Connection."""
        names = ("description", "host", "login", "schema", "port", "password", "extra")
        self.connections[conn_id] = {"conn_type": "http", **dict.fromkeys(names), **fields}

    def active(self) -> list[str]:
        """The DAGs that are not paused."""
        return sorted(dag_id for dag_id, dag in self.dags.items() if not dag["is_paused"])

    # The Task SDK

    def variable(self, key: str) -> str | None:
        """The value, of the strongest place that has it."""
        return self.outranked.get(key, self.variables.get(key))

    def connection(self, conn_id: str) -> ConnectionValues | None:
        """All values."""
        found = self.connections.get(conn_id)
        names = ("conn_type", "host", "schema", "login", "port", "password", "extra")
        return ConnectionValues(*(found[name] for name in names)) if found else None

    def set_variable(self, key: str, value: str, description: str | None) -> None:
        """Set it."""
        self.variables[key] = value

    # The carrier

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]) -> Answer:
        """Answer a call."""
        self.calls.append((method, path, body))
        if self.failing:
            return Answer(self.failing.pop(0), {"detail": "not now"})
        collection, _, rest = path[1:].partition("/")
        if path in HISTORY:
            return _page(self.history.get(path, []), HISTORY[path], query)
        if method == "GET" or (path == "/dags" and method == "PATCH"):
            return self._collection(collection, query, body)
        return self._change(method, collection, unquote(rest), dict(body or {}))

    def _collection(self, name: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Answer:
        if name == "dags":
            pattern = str(query.get("dag_id_pattern", "~"))
            found = [dag for dag_id, dag in sorted(self.dags.items()) if pattern == "~" or pattern in dag_id]
            page = _page(found, name, query)
            for dag in page.body["dags"] if body else ():
                dag.update(body or {})
            return page
        rows = {"variables": self._variables(), "connections": self._connections(), "pools": [*self.pools.values()]}
        return _page(rows[name], name, query)

    def _variables(self) -> list[dict[str, Any]]:
        return [{"key": key, "value": _shown(value, key), "description": None} for key, value in self.variables.items()]

    def _connections(self) -> list[dict[str, Any]]:
        return [
            {"connection_id": i, **c, "password": c["password"] and "***", "extra": c["extra"] and _shown(c["extra"])}
            for i, c in self.connections.items()
        ]

    def _change(self, method: str, collection: str, name: str, body: dict[str, Any]) -> Answer:
        if collection == "dags":
            if name not in self.dags:
                return Answer(404, {"detail": "no such DAG"})
            self.dags[name] |= body
        elif collection == "connections":
            conn_id = body.pop("connection_id")
            if not conn_id.replace("_", "").replace("-", "").replace(".", "").isalnum():
                wrong = {"type": "string_pattern_mismatch", "loc": ["body", "connection_id"], "input": body["password"]}
                return Answer(422, {"detail": [wrong]})
            self.connections[conn_id] = {**self.connections.get(conn_id, {}), **body}
        elif name:
            self.pools[name] |= {key: value for key, value in body.items() if key != "pool"}
        else:
            self.pools |= {pool["name"]: pool for pool in body["actions"][0]["entities"]}
            return Answer(200, {"create": {"success": [], "errors": []}})
        return Answer(200, {})


def _page(rows: list[dict[str, Any]], key: str, query: Mapping[str, Any]) -> Answer:
    offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 50)), MOST)
    return Answer(200, {key: rows[offset : offset + limit], "total_entries": len(rows)})


def _shown(value: str, name: str = "") -> str:
    try:
        return json.dumps(masked(json.loads(value)))
    except ValueError:
        return str(masked(value, name))
