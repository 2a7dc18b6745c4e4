"""The history as REST gives it, for people: no Airflow takes a finished run back, so nothing is restored from it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mwaa_dr.framework.config_only.rest import RestApi
from mwaa_dr.framework.manifest import InterruptedRun

PREFIX = "archive_"
DOCUMENT = "document"
"""The column with everything that REST said of a row, as JSON."""

IN_FLIGHT = ("queued", "running")
FINISHED = ("success", "failed", "skipped", "upstream_failed", "removed")
BECOMES = "archived: it is not restored, trigger it again where that is wanted"


@dataclass(frozen=True)
class Kind:
    """One collection of REST."""

    of: str
    """The table of the database that it tells of."""
    path: str
    key: str
    columns: Mapping[str, str]
    """Column, for people who look for something -> the field that it repeats."""
    order_by: str = "id"
    """What comes later is later in this order, so that it moves no page that is still to be read."""

    @property
    def table(self) -> str:
        """Its name in the backup."""
        return PREFIX + self.of


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


RUNS = Kind(
    "dag_run",
    "/dags/~/dagRuns",
    "dag_runs",
    {
        "dag_id": "dag_id",
        "run_id": "dag_run_id",
        **_same("run_type", "state", "logical_date", "start_date", "end_date"),
    },
)
TASKS = Kind(
    "task_instance",
    "/dags/~/dagRuns/~/taskInstances",
    "task_instances",
    {
        "dag_id": "dag_id",
        "run_id": "dag_run_id",
        **_same("task_id", "map_index", "try_number", "state", "start_date", "end_date"),
    },
)
LOG = Kind("log", "/eventLogs", "event_logs", _same("when", "event", "dag_id", "run_id", "task_id", "owner"))
ASSETS = Kind(
    "asset_event",
    "/assets/events",
    "asset_events",
    _same("timestamp", "asset_id", "source_dag_id", "source_run_id", "source_task_id"),
    order_by="timestamp",
)

KINDS = (RUNS, TASKS, LOG, ASSETS)


@dataclass
class Archive:
    """Reads the history, kind after kind; the runs come before their tasks."""

    api: RestApi
    ours: Collection[str]
    """This package's own DAGs: the conf of their runs holds task tokens, and so may their lines in the audit log."""
    _open: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _states: dict[tuple[str, str], str] = field(default_factory=dict)

    def rows(self, kind: Kind) -> Iterator[dict[str, str | None]]:
        """Every row: what it is found by, and all of it."""
        for row in self.api.pages(kind.path, kind.key, {"order_by": kind.order_by}):
            if kind is LOG and self._is_of_ours(row):
                continue
            if kind is RUNS and row["dag_id"] in self.ours:
                row["conf"] = None
            self._note(kind, row)
            found = {column: _text(row.get(name)) for column, name in kind.columns.items()}
            yield {**found, DOCUMENT: json.dumps(row, ensure_ascii=False, sort_keys=True)}

    @property
    def interrupted(self) -> tuple[InterruptedRun, ...]:
        """The runs that were in flight while the archive was read."""
        return tuple(
            InterruptedRun(*run, self._states[run], finished, unfinished, BECOMES)
            for run, (finished, unfinished) in sorted(self._open.items())
        )

    def _is_of_ours(self, row: Mapping[str, Any]) -> bool:
        return row.get("dag_id") in self.ours or "task_token" in str(row.get("extra") or "")

    def _note(self, kind: Kind, row: Mapping[str, Any]) -> None:
        run = (str(row.get("dag_id")), str(row.get("dag_run_id")))
        if kind is RUNS and row.get("state") in IN_FLIGHT and row["dag_id"] not in self.ours:
            self._open[run], self._states[run] = [0, 0], str(row["state"])
        elif kind is TASKS and run in self._open:
            self._open[run][row.get("state") not in FINISHED] += 1


def _text(value: object) -> str | None:
    return None if value is None else str(value)
