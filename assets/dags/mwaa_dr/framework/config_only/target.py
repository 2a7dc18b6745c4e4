"""What a restore changes in an Airflow by REST and the Task SDK; each change can be made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from mwaa_dr.framework.config_only.rest import LONGEST_PATH, PAGE, RestApi
from mwaa_dr.framework.config_only.values import Reached
from mwaa_dr.framework.errors import ApiError

Row = Mapping[str, str | None]

DEFAULT_POOL = "default_pool"
_CONN_FIELDS = ("conn_type", "description", "host", "login", "schema", "password", "extra")


@dataclass(frozen=True)
class Target:
    """The Airflow that is restored into."""

    reached: Reached

    @property
    def api(self) -> RestApi:
        """Its REST API."""
        return self.reached.api

    def variables(self) -> set[str]:
        """The keys of the Variables in its database."""
        return {row["key"] for row in self.api.pages("/variables", "variables", {"order_by": "id"})}

    def connections(self) -> set[str]:
        """The ids of the Connections in its database."""
        return {row["connection_id"] for row in self.api.pages("/connections", "connections", {"order_by": "id"})}

    def pools(self) -> set[str]:
        """The names of its pools."""
        return {row["name"] for row in self.api.pages("/pools", "pools", {"order_by": "id"})}

    def dags(self) -> dict[str, bool]:
        """Its DAGs, and whether they are paused."""
        return {row["dag_id"]: row["is_paused"] for row in self._dag_rows({})}

    def set_variable(self, row: Row) -> None:
        """Set a Variable: by the Task SDK, since REST would write its value into the audit log."""
        self.reached.values.set_variable(str(row["key"]), row["val"] or "", row["description"])

    def set_connection(self, row: Row, *, is_there: bool) -> str:
        """Set a Connection; return why it cannot be, in words.

        One by one: the audit log masks the password of one Connection, and nothing of many in one call.
        """
        path = _path("connections", str(row["conn_id"]))
        if is_there and len(path) > LONGEST_PATH:
            return f"its path of REST has {len(path)} of {LONGEST_PATH} characters"
        body: dict[str, Any] = {"connection_id": row["conn_id"], **{name: row[name] for name in _CONN_FIELDS}}
        body["port"] = int(row["port"]) if row["port"] else None
        if is_there:
            # Airflow merges an extra with the one that is there; without that one the new one stays as it is.
            self.api.call("PATCH", path, {**body, "extra": None})
            refused = self.api.call("PATCH", path, body, allowed=(422,)).status == 422 if body["extra"] else False
        else:
            status = self.api.call("POST", "/connections", body, allowed=(409, 422)).status
            if status == 409:  # a call that seemed lost, and was not
                return self.set_connection(row, is_there=True)
            refused = status == 422
        return "REST takes no such id, or no extra that is no JSON object" if refused else ""

    def set_pools(self, rows: Iterable[Row]) -> int:
        """Create or replace pools, a hundred in each call; return their number."""
        count, rows = 0, iter(rows)
        while batch := [_pool(row) for row in islice(rows, PAGE)]:
            count += len(batch)
            for pool in batch:
                if pool["name"] == DEFAULT_POOL:
                    self._set_default_pool(pool)
            if others := [pool for pool in batch if pool["name"] != DEFAULT_POOL]:
                self._create_pools(others)
        return count

    def set_paused(self, dag_id: str, paused: bool) -> str:
        """Pause a DAG that is there, or make it active; return why it cannot be, in words."""
        path = _path("dags", dag_id)
        if len(path) <= LONGEST_PATH:
            answer = self.api.call("PATCH", path, {"is_paused": paused}, allowed=(404,))
            return "it is gone" if answer.status == 404 else ""
        # A pattern means every DAG that has this text in its id: those must be so already.
        matching = {row["dag_id"]: row["is_paused"] for row in self._dag_rows({"dag_id_pattern": dag_id})}
        others = sorted(other for other, state in matching.items() if other != dag_id and state is not paused)
        if others:
            return f"its id is too long for a path of REST, and as a pattern it would mean {others[0]}, too"
        for _ in self._dag_rows({"dag_id_pattern": dag_id}, {"is_paused": paused}):
            pass
        return ""

    def _dag_rows(self, query: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        return self.api.pages("/dags", "dags", {"exclude_stale": False, "order_by": "dag_id", **query}, body)

    def _set_default_pool(self, pool: Mapping[str, Any]) -> None:
        """Only these two of its fields may be changed, and each call names one: a query of MWAA has no lists."""
        for name in ("slots", "include_deferred"):
            body = {"pool": DEFAULT_POOL, name: pool[name]}
            self.api.call("PATCH", _path("pools", DEFAULT_POOL), body, query={"update_mask": name})

    def _create_pools(self, pools: list[dict[str, Any]]) -> None:
        action = {"action": "create", "action_on_existence": "overwrite", "entities": pools}
        found = self.api.call("PATCH", "/pools", {"actions": [action]}).body
        if errors := (found.get("create") or {}).get("errors"):
            raise ApiError(f"cannot restore {len(errors)} pools: Airflow refuses them")


def _path(collection: str, name: str) -> str:
    return f"/{collection}/{quote(name, safe='')}"


def _pool(row: Row) -> dict[str, Any]:
    return {
        "name": row["pool"],
        "slots": int(row["slots"] or 0),
        "description": row["description"],
        "include_deferred": is_true(row["include_deferred"]),
    }


def is_true(text: str | None) -> bool:
    """A truth value as Postgres writes it, short or long."""
    return text in ("t", "true")
