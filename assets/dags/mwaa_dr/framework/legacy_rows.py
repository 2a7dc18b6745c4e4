"""Each row of an old backup, with what our tables need and without what means nothing elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mwaa_dr.framework.legacy_keys import LegacyKeys
from mwaa_dr.framework.model.options import OWN_DAGS

Values = dict[str, str | None]

FINISHED = ("success", "failed", "skipped", "upstream_failed")
TRUE, FALSE = "true", "false"

NEW_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "variable": ("id", "is_encrypted"),
    "connection": ("id", "is_encrypted", "is_extra_encrypted"),
    **dict.fromkeys(("slot_pool", "job", "dag_run", "task_fail", "log"), ("id",)),
}
"""What the format has no column for, and a table needs."""

WHY_LEFT_OUT: Mapping[str, str] = {
    "job": "not finished",
    "dag_run": "there twice",
    "task_instance": "their run is not there",
    "task_fail": "their task instance is not there",
    "xcom": "their task instance is not there",
}

_GONE = ("job_id", "queued_by_job_id", "trigger_id", "trigger_timeout", "next_method", "next_kwargs")
"""A deferred task waits for a trigger that is lost; what it goes on with is written as Python, not as JSON."""


@dataclass
class LegacyRows:
    """Rewrites rows; what refers to a run or a task instance comes after those."""

    keys: LegacyKeys
    newest: str = ""
    """The newest time in the log, which is about when the folder was written."""

    def rewritten(self, table: str, row: Values, number: int) -> Values | None:
        """The row as it is restored, or None where it is left out; `number` counts the rows of the table."""
        if "id" in NEW_COLUMNS.get(table, ()):
            row["id"] = str(number)
        rewrite = {
            "variable": _variable,
            "connection": _connection,
            "job": _job,
            "dag_run": self._dag_run,
            "task_instance": self._task_instance,
            "task_fail": self._task_fail,
            "xcom": self._xcom,
            "log": self._log,
        }.get(table)
        return rewrite(row) if rewrite else row

    def _dag_run(self, row: Values) -> Values | None:
        if not self.keys.add_run(_run_key(row), row["id"], row["state"]):
            return None
        if row["dag_id"] in OWN_DAGS:
            row["conf"] = None  # it holds a task token
        return {**row, "creating_job_id": None, "log_template_id": None}

    def _task_instance(self, row: Values) -> Values | None:
        if self.keys.run(_run_key(row)) is None:
            return None
        added = self.keys.add_task(_task_key(row), finished=row["state"] in FINISHED)
        return {**row, **dict.fromkeys(_GONE)} if added else None

    def _task_fail(self, row: Values) -> Values | None:
        return row if self.keys.has_task(_task_key(row)) else None

    def _xcom(self, row: Values) -> Values | None:
        if not self.keys.has_task(_task_key(row)):
            return None
        return {**row, "dag_run_id": self.keys.run(_run_key(row))}

    def _log(self, row: Values) -> Values | None:
        self.newest = max(self.newest, row["dttm"] or "")
        if row["dag_id"] in OWN_DAGS or "task_token" in (row["extra"] or ""):
            row["extra"] = None
        return row


def _variable(row: Values) -> Values | None:
    value = row["val"] or ""
    return {**row, "val": value, "is_encrypted": TRUE if value else FALSE}


def _connection(row: Values) -> Values | None:
    row["is_encrypted"] = TRUE if row["password"] else FALSE
    row["is_extra_encrypted"] = TRUE if row["extra"] else FALSE
    return {**row, "conn_type": row["conn_type"] or ""}


def _job(row: Values) -> Values | None:
    return row if row["end_date"] or row["state"] in ("success", "failed") else None


def _run_key(row: Values) -> tuple[str | None, ...]:
    return row["dag_id"], row["run_id"]


def _task_key(row: Values) -> tuple[str | None, ...]:
    return row["dag_id"], row["run_id"], row["task_id"], row["map_index"]
