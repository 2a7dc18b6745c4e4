"""The verbs that the Airflow of an environment is told which is stopped or was started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn

from lib.config.shared import RestoreStrategy
from lib.workflows.payloads import EXECUTION, REDRIVES
from lib.workflows.tasks import BRIEFLY, Patience
from lib.workflows.transition_allowances import TransitionAllowances
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.web_server import WebServer

RESUME = Patience(interval_secs=60, times=360, backoff_rate=1)
"""Six hours: DAGs must not stay paused because Airflow did not answer for a while."""


class TransitionAirflow:
    """States that ask the environment's Airflow."""

    def __init__(self, web: WebServer, may: TransitionAllowances, parts: TransitionParts) -> None:
        self._web = web
        self._may = may
        self._parts = parts
        self._plan = parts.plan

    def note_the_active_dags(self) -> sfn.CustomState:
        """Keep which DAGs are active, and those of a stop before whose DAGs are not active again yet."""
        payload = {"op": "note", "execution": EXECUTION, "redrive_count": sfn.JsonPath.number_at(REDRIVES)}
        keep = ("key", "active", "started_at", "redrive_count")
        return self._act("Note which DAGs are active", payload, keep=keep, result_path="$.note")

    def pause_what_is_idle(self) -> sfn.CustomState:
        """Pause each DAG whose runs have ended: QUIET, WAIT, BUSY or AGAIN."""
        payload = {
            "op": "quieten",
            **self._busy,
            "drain_mins": self._plan.drain_mins(self._parts.environment),
            "started_at": sfn.JsonPath.string_at("$.note.started_at"),
            "redrive_count": sfn.JsonPath.number_at(REDRIVES),
            "started_in_redrive": sfn.JsonPath.number_at("$.note.redrive_count"),
        }
        return self._act(
            "Pause the DAGs that are idle", payload, keep=("outcome", "busy", "runs"), result_path="$.rest"
        )

    def check_that_nothing_has_run(self) -> sfn.CustomState:
        """Whether all is in the backup; remembers in which redrive it was checked."""
        payload = {
            "op": "still_quiet",
            **self._busy,
            "snapshot_time": sfn.JsonPath.string_at("$.backup.snapshot_time"),
        }
        name = "Check that nothing has run since the backup"
        seen = {"redrive_count": REDRIVES}
        return self._act(name, payload, keep=("quiet",), more=seen, result_path="$.quiet", changes=False)

    def make_the_dags_active_again(self, *, patience: Patience = BRIEFLY) -> sfn.CustomState:
        """Exactly those of the unfinished note, if there is one."""
        keep = ("activated", "missing", "note")
        return self._act(
            "Make the noted DAGs active again", {"op": "resume"}, keep=keep, result_path="$.resumed", patience=patience
        )

    def back_up(self) -> sfn.CustomState:
        """Back the metadata up, with the noted DAGs as the active ones."""
        conf = {
            "bucket": self._parts.backups.bucket.bucket_name,
            "active_dags_key": sfn.JsonPath.string_at("$.note.key"),
        }
        return self._web.run(
            "Back the metadata up",
            self._plan.schedules.export_dag_name,
            conf,
            mins=self._plan.deadlines.export_mins,
            result_path="$.backup",
        )

    def restore(self) -> sfn.CustomState:
        """Restore what the preflight has chosen: the environment succeeds itself, so all of its own comes back."""
        conf = {
            "bucket": self._parts.backups.bucket.bucket_name,
            "environment": sfn.JsonPath.string_at("$.preflight.backup_environment"),
            "backup_id": sfn.JsonPath.string_at("$.preflight.backup_id"),
            "variable_restore_strategy": str(RestoreStrategy.REPLACE),
            "connection_restore_strategy": str(RestoreStrategy.REPLACE),
            "activate_dags": True,
            # The stop deleted the environment, so nothing that was interrupted runs on anywhere.
            "in_flight": sfn.JsonPath.string_at("$.stop.in_flight"),
            "primary_fenced": True,
        }
        return self._web.run(
            "Restore the metadata",
            self._plan.schedules.import_dag_name,
            conf,
            mins=self._plan.deadlines.import_mins,
            result_path="$.restore",
        )

    @property
    def _busy(self) -> dict[str, Any]:
        when_busy = sfn.JsonPath.string_at("$.decision.when_busy")
        return {"own_dags": [*self._parts.own_dags], "when_busy": when_busy}

    def _act(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        keep: tuple[str, ...],
        result_path: str,
        more: Mapping[str, str] | None = None,
        patience: Patience = BRIEFLY,
        changes: bool = True,
    ) -> sfn.CustomState:
        for function in self._web.copies("activity"):
            self._may.note(function)
        created_at = sfn.JsonPath.string_at("$.environment.created_at")
        payload = {**payload, **self._parts.backups.payload, "created_at": created_at}
        return self._web.ask(
            name,
            "activity",
            payload,
            keep=keep,
            more=more,
            result_path=result_path,
            patience=patience,
            changes=changes,
        )
