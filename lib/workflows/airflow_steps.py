"""The verbs that Airflow in the secondary is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn

from lib.constructs.airflow_variables import airflow_variables
from lib.workflows.parts import RecoveryParts
from lib.workflows.target import Target
from lib.workflows.web_server import WebServer


class AirflowSteps:
    """States that ask the secondary's Airflow."""

    def __init__(self, web: WebServer, parts: RecoveryParts, target: Target) -> None:
        self._web = web
        self._parts = parts
        self._config = parts.config
        self._arns = target.arns

    def clean_up(self) -> sfn.CustomState:
        """Empty what the restore will fill; runs of the standby's own do not keep a recovery from it."""
        return self._run(
            "Clean the standby up",
            self._config.recovery.cleanup_dag_name,
            {"force": True},
            mins=self._config.deadlines.cleanup_mins,
            result_path="$.cleanup",
        )

    def restore(self) -> sfn.CustomState:
        """Restore the backup that the preflight has chosen, and no other one."""
        engine = self._config.engine
        conf = {
            "bucket": self._parts.backup_bucket.bucket_name,
            "environment": sfn.JsonPath.string_at("$.preflight.backup_environment"),
            "backup_id": sfn.JsonPath.string_at("$.preflight.backup_id"),
            "variable_restore_strategy": str(engine.variable_restore_strategy),
            "connection_restore_strategy": str(engine.connection_restore_strategy),
            "activate_dags": sfn.JsonPath.object_at("$.input.activate_dags"),
        }
        return self._run(
            "Restore the metadata",
            self._config.recovery.import_dag_name,
            conf,
            mins=self._config.deadlines.import_mins,
            result_path="$.restore",
        )

    def make_it_its_own(self, name: str, *, schedule: str | None) -> sfn.CustomState:
        """Give the secondary its own backup bucket, key and topic; with a schedule it is backed up from now on."""
        payload = {
            "op": "own",
            "variables": self._variables,
            "backup_dag_id": self._config.recovery.export_dag_name,
            "schedule": schedule,
        }
        return self._web.ask(name, "own", payload, keep=("scheduled",), result_path="$.own", changes=True)

    @property
    def _variables(self) -> dict[str, str]:
        """The secondary's own; its backups need no other Region's key."""
        return airflow_variables(
            self._config.engine,
            alias=self._config.backup_key_alias,
            bucket=self._parts.backup_bucket.bucket_name,
            topic_arn=self._parts.topic.topic_arn,
            keys_in=[self._arns],
        )

    def _run(self, name: str, dag_id: str, conf: Mapping[str, Any], *, mins: int, result_path: str) -> sfn.CustomState:
        conf = {"dr_type": str(self._config.deployment.dr_type), **self._config.engine.conf, **conf}
        return self._web.run(name, dag_id, conf, mins=mins, result_path=result_path)
