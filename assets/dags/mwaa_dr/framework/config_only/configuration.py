"""What people set in an environment, as rows of the tables that hold it: names by REST, secrets by the Task SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mwaa_dr.framework.config_only.values import Reached, agrees, is_masked
from mwaa_dr.framework.errors import SecretError

Row = dict[str, str | None]

DAG_COLUMNS = (
    "dag_id",
    "is_paused",
    "is_stale",
    "bundle_name",
    "fileloc",
    "relative_fileloc",
    "dag_display_name",
    "description",
    "owners",
    "timetable_summary",
    "timetable_description",
    "max_active_tasks",
    "max_active_runs",
    "max_consecutive_failed_dag_runs",
    "has_task_concurrency_limits",
)
"""Columns of `dag` that REST gives under their own names: all that a row of a DAG that is not parsed yet needs."""

OWN_TAG = "mwaa_dr"


@dataclass(frozen=True)
class Section:
    """One table of the configuration."""

    table: str
    columns: tuple[str, ...]
    rows: Callable[[Configuration], Iterator[Row]]
    confidential: bool = False


@dataclass
class Configuration:
    """Reads the configuration; remembers what a person should hear of."""

    reached: Reached
    skip_unreadable: bool = False
    active_dags: tuple[str, ...] | None = None
    """Those that the backup has as active, and no others; None: those that are."""
    paused_by_stop: tuple[str, ...] = ()
    """Those that it has as active, too."""
    notes: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    _dags: list[dict[str, Any]] | None = None

    @property
    def dags(self) -> list[dict[str, Any]]:
        """Every DAG, those too whose file is gone for now; asked once."""
        if self._dags is None:
            self._dags = list(self.reached.api.pages("/dags", "dags", {"exclude_stale": False, "order_by": "dag_id"}))
        return self._dags

    @property
    def own_dags(self) -> tuple[str, ...]:
        """Those with this package's tag."""
        tagged = (dag["dag_id"] for dag in self.dags if OWN_TAG in {tag.get("name") for tag in dag.get("tags") or ()})
        return tuple(sorted(tagged))

    def is_paused(self, dag: Mapping[str, Any]) -> bool:
        """Whether the backup has the DAG as paused."""
        if self.active_dags is not None:
            return dag["dag_id"] not in self.active_dags
        return bool(dag["is_paused"]) and dag["dag_id"] not in self.paused_by_stop

    def bundles(self) -> Iterator[Row]:
        """Where the files of the DAGs come from."""
        for name in sorted({str(dag["bundle_name"]) for dag in self.dags if dag.get("bundle_name")}):
            yield {"name": name}

    def dag_rows(self) -> Iterator[Row]:
        """Which DAGs are active."""
        for dag in self.dags:
            owners = ", ".join(dag.get("owners") or ())
            yield {**_texts(dag, DAG_COLUMNS), "owners": owners, "is_paused": _text(self.is_paused(dag))}

    def pools(self) -> Iterator[Row]:
        """The pools."""
        for number, pool in enumerate(self.reached.api.pages("/pools", "pools", {"order_by": "id"}), start=1):
            self._say_team(f"pool '{pool['name']}'", pool)
            columns = ("slots", "description", "include_deferred")
            yield {"id": str(number), "pool": str(pool["name"]), **_texts(pool, columns)}

    def variables(self) -> Iterator[Row]:
        """The Variables, in plain text."""
        for number, shown in enumerate(self.reached.api.pages("/variables", "variables", {"order_by": "id"}), start=1):
            key = str(shown["key"])
            value = self._read(f"variable '{key}'", lambda key=key: self.reached.values.variable(key), shown)  # type: ignore[misc]
            if value is not None and self._is_of_the_database(f"variable '{key}'", agrees(shown["value"], value)):
                more = {"description": shown.get("description"), "is_encrypted": _text(bool(value))}
                yield {"id": str(number), "key": key, "val": value, **more}

    def connections(self) -> Iterator[Row]:
        """The Connections, their passwords and extras in plain text."""
        pages = self.reached.api.pages("/connections", "connections", {"order_by": "id"})
        for number, shown in enumerate(pages, start=1):
            conn_id = str(shown["connection_id"])
            label = f"connection '{conn_id}'"
            found = self._read(label, lambda conn_id=conn_id: self.reached.values.connection(conn_id), shown)  # type: ignore[misc]
            if found is None:
                continue
            plain = ("conn_type", "host", "login", "schema", "port")
            same = all((shown.get(name) or None) == (getattr(found, name) or None) for name in plain)
            same = same and agrees(shown.get("extra"), found.extra)
            if self._is_of_the_database(label, same):
                yield {
                    "id": str(number),
                    "conn_id": conn_id,
                    **_texts(shown, ("conn_type", "description", "host", "login", "schema", "port")),
                    "password": found.password,
                    "extra": found.extra,
                    "is_encrypted": _text(bool(found.password)),
                    "is_extra_encrypted": _text(bool(found.extra)),
                }

    def _read(self, label: str, read: Callable[[], Any], shown: Mapping[str, Any]) -> Any:
        """The values, unless they cannot be had and such may be left out."""
        self._say_team(label, shown)
        try:
            return _real(label, read)
        except SecretError:
            if not self.skip_unreadable:
                raise
            self.unreadable.append(label)
            return None

    def _is_of_the_database(self, label: str, same: bool) -> bool:
        """A secrets backend has its own place and outranks the database: it is not copied into another one."""
        if not same:
            self.notes.append(f"{label} is left out: tasks get another one, of a secrets backend or the environment")
        return same

    def _say_team(self, label: str, shown: Mapping[str, Any]) -> None:
        if shown.get("team_name"):
            self.notes.append(f"{label} belongs to team '{shown['team_name']}', which is not carried")


SECTIONS = (
    Section("dag_bundle", ("name",), Configuration.bundles),
    Section("dag", DAG_COLUMNS, Configuration.dag_rows),
    Section("slot_pool", ("id", "pool", "slots", "description", "include_deferred"), Configuration.pools),
    Section(
        "variable",
        ("id", "key", "val", "description", "is_encrypted"),
        Configuration.variables,
        confidential=True,
    ),
    Section(
        "connection",
        (
            "id",
            "conn_id",
            "conn_type",
            "description",
            "host",
            "login",
            "schema",
            "port",
            "password",
            "extra",
            "is_encrypted",
            "is_extra_encrypted",
        ),
        Configuration.connections,
        confidential=True,
    ),
)
"""Named as in the database, so that such a backup is restored by either way."""


def _real(label: str, read: Callable[[], Any]) -> Any:
    """What a task gets; raises SecretError for nothing, and for a mask in the place of a value."""
    found = read()
    if found is None:
        raise SecretError(
            f"{label} cannot be read by a task",
            "Look at it in the Airflow UI; with DR_SKIP_UNREADABLE_SECRETS it is left out and listed.",
        )
    values = (found,) if isinstance(found, str) else (found.password, found.extra)
    if any(map(is_masked, values)):
        raise SecretError(f"{label} holds a masked value, not the real one", "Set it to its real value.")
    return found


def _texts(row: Mapping[str, Any], names: tuple[str, ...]) -> Row:
    return {name: _text(row.get(name)) for name in names}


def _text(value: object) -> str | None:
    """A value as Postgres reads it."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
