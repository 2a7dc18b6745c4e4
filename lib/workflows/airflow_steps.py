"""The verbs that Airflow in the secondary is told: through the copy of a function that reaches its web server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn

from lib.constructs.airflow_variables import airflow_variables
from lib.constructs.arns import Arns
from lib.constructs.function import Function
from lib.workflows.lease_steps import LeaseSteps
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import held, place
from lib.workflows.tasks import Patience, Tasks

REACH = "$.airflow"
"""Where the ARNs of the copies stand that reach Airflow."""

AIRFLOW_ROLE = "Admin"
"""Whom the functions act as in Airflow."""

ASK_AGAIN_SECS = 10


class AirflowSteps:
    """States that ask the secondary's Airflow."""

    def __init__(self, tasks: Tasks, parts: RecoveryParts, lease: LeaseSteps) -> None:
        self._tasks = tasks
        self._lease = lease
        self._parts = parts
        self._config = parts.config
        functions = parts.functions
        self._dag = (functions.dag_outside, functions.dag_inside)
        self._own = (functions.own_outside, functions.own_inside)
        self._arns = Arns(parts.config.deployment.account_id, parts.config.secondary.region)

    def reach_from_outside(self) -> sfn.Pass:
        """The steps after it ask the copies outside any VPC."""
        return self._reach("Reach Airflow from outside the VPC", self._dag[0], self._own[0])

    def reach_from_inside(self) -> sfn.Pass:
        """The steps after it ask the copies in the VPC, as a private web server wants it."""
        return self._reach("Reach Airflow from inside the VPC", self._dag[1], self._own[1])

    def wait_until_parsed(self, name: str, dag_id: str) -> sfn.CustomState:
        """Ask until the DAG can run; what the function says the last time is how it ends.

        A redrive has all its retries again: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
        """
        self._allow(self._dag)
        return self._tasks.ask_airflow(
            name,
            self._dag,
            f"{REACH}.dag",
            {"op": "parsed", "dag_id": dag_id, "required": True, **self._environment},
            keep=("ready",),
            result_path="$.parsed",
            patience=Patience.until(self._config.deadlines.dag_ready_mins, every_secs=ASK_AGAIN_SECS),
        )

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
        self._allow(self._own)
        payload = {
            "op": "own",
            "variables": self._variables,
            "backup_dag_id": self._config.recovery.export_dag_name,
            "schedule": schedule,
            **self._environment,
            **held(),
        }
        own = self._tasks.ask_airflow(
            name, self._own, f"{REACH}.own", payload, keep=("scheduled",), result_path="$.own"
        )
        return self._lease.guard(own)

    @property
    def _variables(self) -> dict[str, str]:
        """The secondary's own; its backups need no other Region's key."""
        return airflow_variables(
            self._config,
            bucket=self._parts.backup_bucket.bucket_name,
            topic_arn=self._parts.topic.topic_arn,
            keys_in=[self._arns],
        )

    @property
    def _environment(self) -> dict[str, Any]:
        return {
            "environment": place(self._config.secondary),
            "version": sfn.JsonPath.string_at("$.standby.version"),
        }

    def _run(self, name: str, dag_id: str, conf: Mapping[str, Any], *, mins: int, result_path: str) -> sfn.CustomState:
        self._allow(self._dag)
        payload = {
            "op": "trigger",
            "dag_id": dag_id,
            "task_token": sfn.JsonPath.task_token,
            "task_token_region": self._config.secondary.region,
            "conf": {"dr_type": str(self._config.deployment.dr_type), **conf},
            **self._environment,
            **held(),
        }
        run = self._tasks.wait_for_airflow(
            name,
            self._dag,
            f"{REACH}.dag",
            payload,
            timeout=Duration.minutes(mins),
            heartbeat=Duration.seconds(self._config.deadlines.heartbeat_secs),
            result_path=result_path,
        )
        return self._lease.guard(run)

    def _reach(self, name: str, dag: Function, own: Function) -> sfn.Pass:
        arns = {"dag": dag.function.function_arn, "own": own.function.function_arn}
        return sfn.Pass(self._tasks.scope, name, result=sfn.Result.from_object(arns), result_path=REACH)

    def _allow(self, copies: tuple[Function, Function]) -> None:
        name = self._config.secondary.environment_name
        for function in copies:
            function.allow("airflow:CreateCliToken", on=self._arns.environment(name))
            function.allow("airflow:InvokeRestApi", on=self._arns.airflow_role(name, AIRFLOW_ROLE))
