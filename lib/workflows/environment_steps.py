"""The verbs that are about the secondary environment itself: create it, look at it, change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from lib.workflows.allowances import Allowances
from lib.workflows.lease_steps import FAILOVER, LeaseSteps
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import REDRIVES, arn, held, owner_tag, place, shelf
from lib.workflows.tasks import Tasks


class EnvironmentSteps:
    """States that ask MWAA in the secondary Region."""

    def __init__(self, asks: Tasks, may: Allowances, parts: RecoveryParts, lease: LeaseSteps) -> None:
        self._tasks = asks
        self._lease = lease
        self._may = may
        self._parts = parts
        self._config = parts.config
        self._function = parts.functions.environment

    def create(self) -> tasks.LambdaInvoke:
        """Begin to create it from the blueprint, or go on with what has begun."""
        secondary = self._config.secondary
        self._may.create_the_secondary(self._function)
        create = self._ask(
            "Create the secondary environment",
            {
                "op": "create",
                **held(),
                **shelf(self._parts),
                "blueprint_key": self._config.deployment.backup_file_name,
                "network": {
                    "subnet_ids": [*secondary.subnet_ids],
                    "security_group_ids": [*secondary.security_group_ids],
                },
                "role_arn": arn(secondary.role_arn),
                "dags_bucket": secondary.dags_bucket_name,
                "dags_s3_path": self._config.common.dags_s3_path,
                "kms_key_arn": arn(secondary.kms_key_arn),
                "config_overrides": dict(secondary.airflow_config_overrides),
                "object_versions": sfn.JsonPath.object_at("$.preflight.object_versions"),
                "owner_tag": owner_tag(self._config),
                "redrive_count": sfn.JsonPath.number_at(REDRIVES),
            },
            result_path="$.creation",
        )
        return self._lease.guard(create)

    def look_for(self, name: str, until: str, *, since: str, deadline_mins: int) -> tasks.LambdaInvoke:
        """Whether it is AVAILABLE or DELETED by now; raises EnvironmentBroken and DeadlinePassed."""
        return self._ask(
            name,
            {
                "op": "wait",
                "until": until,
                "deadline_mins": deadline_mins,
                "started_at": sfn.JsonPath.string_at(f"{since}.started_at"),
                "created_in_redrive": sfn.JsonPath.number_at(f"{since}.redrive_count"),
                "redrive_count": sfn.JsonPath.number_at(REDRIVES),
            },
            result_path="$.found",
        )

    def look(self) -> tasks.LambdaInvoke:
        """Its version, and from where its web server is reached."""
        return self._ask("Look at the secondary environment", {"op": "look"}, result_path="$.standby")

    def let_new_dags_start_again(self) -> tasks.LambdaInvoke:
        """Give `dags_are_paused_at_creation` the blueprint's value back."""
        self._may.update_the_secondary(self._function)
        unpause = self._ask(
            "Let new DAGs start on their own again",
            {
                "op": "unpause_at_creation",
                "paused_at_creation_was": sfn.JsonPath.object_at(f"{FAILOVER}.paused_at_creation_was"),
                **held(),
            },
            result_path="$.update",
        )
        return self._lease.guard(unpause)

    def _ask(self, name: str, payload: Mapping[str, Any], *, result_path: str) -> tasks.LambdaInvoke:
        self._may.look_at_the_secondary(self._function)
        payload = {**payload, "environment": place(self._config.secondary)}
        return self._tasks.ask(name, self._function, payload, result_path=result_path)
