"""Builders of metadata rows: name what a test is about, the rest is filled in from the live catalogue."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class by its use

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
ONE_DAY = timedelta(days=1)

FILLERS: dict[str, Any] = {
    "int": 0,
    "big": 0,
    "dou": 0.0,
    "boo": False,
    "cha": "",
    "tex": "",
    "jso": "{}",
    "tim": START,
    "byt": b"",
}
"""First letters of a type -> the value of a NOT NULL column that a test does not name."""


def _filler(kind: str) -> Any:
    return str(uuid.uuid4()) if kind == "uuid" else FILLERS[kind[:3]]


FERNET = "81HqDtbqAywKSOumSha3BhWNOdQ26slT6K0YaZeZyPs="
OTHER_FERNET = "rOaH3aYnHUVYDsQ3C9dOJEKiLVLbOZDjaFL2lGyVZvM="


_days = itertools.count()


class Metadata:
    """One metadata database, written and read directly, as no engine under test would."""

    def __init__(self, url: str, version: str = "") -> None:
        self.url = url
        self.version = version
        self.connection: Connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self._known: dict[str, tuple[list[str], dict[str, str]]] = {}

    def close(self) -> None:
        self.connection.close()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]

    def run_sql(self, statement: str, *values: Any) -> None:
        self._known.clear()  # it may have changed a table
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def columns(self, table: str) -> list[str]:
        return self._shape(table)[0]

    def _shape(self, table: str) -> tuple[list[str], dict[str, str]]:
        """The columns of a table; of those that are NOT NULL without a default, the type."""
        if table not in self._known:
            found = self.rows(
                "SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL"
                " FROM information_schema.columns WHERE table_schema = 'public'"
                " AND table_name = %s ORDER BY ordinal_position",
                table,
            )
            self._known[table] = [name for name, *_ in found], {name: kind for name, kind, must in found if must}
        return self._known[table]

    def insert(self, table: str, **values: Any) -> Any:
        """Insert a row; NOT NULL columns without a default that are not named get a plain value."""
        needed = self._shape(table)[1]
        whole = {**{name: _filler(kind) for name, kind in needed.items()}, **values}
        known = [name for name in whole if name in self.columns(table)]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, known)),
            sql.SQL(", ").join([sql.Placeholder()] * len(known)),
        )
        with self.connection.cursor() as cursor:
            cursor.execute(statement, [whole[name] for name in known])
            inserted = dict(zip(self.columns(table), cursor.fetchone() or (), strict=True))
        return inserted.get("id", inserted)

    def dag(self, dag_id: str = "sales", *, paused: bool = False, active: bool = True, **values: Any) -> str:
        if self.columns("dag_bundle"):
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO dag_bundle (name, active) VALUES ('dags-folder', true) ON CONFLICT DO NOTHING"
                )
        whole = {"is_paused": paused, "is_active": active, "is_stale": not active, "max_active_tasks": 16}
        self.insert("dag", **{"dag_id": dag_id, "bundle_name": "dags-folder", **whole, **values})
        return dag_id

    def dag_run(self, dag_id: str = "sales", run_id: str = "", *, state: str = "success", **values: Any) -> int:
        day = START + ONE_DAY * next(_days)
        whole = {
            "dag_id": dag_id,
            "run_id": run_id or f"scheduled__{day.isoformat()}",
            "state": state,
            "execution_date": day,
            "logical_date": day,
            "run_after": day,
            "data_interval_start": day,
            "data_interval_end": day + ONE_DAY,
            "run_type": "scheduled",
            "external_trigger": False,
            "queued_at": day,
            "start_date": day,
            "end_date": day + timedelta(minutes=5) if state in ("success", "failed") else None,
            **values,
        }
        return int(self.insert("dag_run", **whole))

    def task(
        self, dag_id: str, run_id: str, task_id: str = "load", *, state: str | None = "success", **values: Any
    ) -> None:
        whole = {
            "dag_id": dag_id,
            "run_id": run_id,
            "task_id": task_id,
            "map_index": -1,
            "state": state,
            "try_number": 1,
            "max_tries": 0,
            "pool": "default_pool",
            "pool_slots": 1,
            **values,
        }
        self.insert("task_instance", **whole)

    def xcom(self, dag_id: str, run_id: str, task_id: str = "load", key: str = "return_value", **values: Any) -> None:
        run = self.one("SELECT id FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id)
        whole = {
            "dag_run_id": run,
            "dag_id": dag_id,
            "run_id": run_id,
            "task_id": task_id,
            "key": key,
            "map_index": -1,
            "value": '"done"' if self.columns("dag_version") else b'"done"',
            "timestamp": START,
        }
        self.insert("xcom", **{**whole, **values})

    def run_with_task(self, dag_id: str = "sales", run_id: str = "r1", *, state: str = "success", **values: Any) -> int:
        """A DAG run with one task instance in the same state and its XCom."""
        number = self.dag_run(dag_id, run_id, state=state, **values)
        self.task(dag_id, run_id, state=state if state not in ("queued",) else None)
        self.xcom(dag_id, run_id)
        return number

    def skip_keys(self, table: str, count: int) -> None:
        """Let a table's sequence start later, as after `airflow db clean`."""
        self.run_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {count})")

    def content(self, table: str, *, without: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """All rows of a table as text, sorted, some columns left out."""
        chosen = [c for c in sorted(self.columns(table)) if c not in without]
        names = ", ".join(f'"{c}"::text' for c in chosen)
        return sorted(self.rows(f'SELECT {names} FROM "{table}"'), key=repr)
