"""The verbs that recovery is told in: each is one task, and allows its function exactly what that needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from lib.workflows.airflow_steps import AirflowSteps
from lib.workflows.allowances import Allowances
from lib.workflows.environment_steps import EnvironmentSteps
from lib.workflows.notices import Notices
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import (
    BACKUP_PREFIX,
    EXECUTION,
    INPUT,
    TAKE_THE_LEASE,
    arn,
    owner_tag,
    place,
    records,
    shelf,
)
from lib.workflows.tasks import Tasks


class Steps:
    """Every state of a recovery that does something."""

    def __init__(self, scope: Construct, parts: RecoveryParts, *, role: iam.IRole) -> None:
        self.scope = scope
        self.parts = parts
        self.config = parts.config
        self._may = Allowances(parts)
        self._functions = parts.functions
        self._records = records(parts.config)
        self._tasks = Tasks(scope, role=role, topic=parts.topic)
        self.tell = Notices(self._tasks, parts.config)
        self.secondary = EnvironmentSteps(self._tasks, self._may, parts)
        self.airflow = AirflowSteps(self._tasks, parts)

    def read_the_input(self) -> tasks.LambdaInvoke:
        """The flags that a person may start an execution with; what cannot be read ends it in words."""
        return self._tasks.ask(
            "Read the input",
            self._functions.execution_input,
            {"input": sfn.JsonPath.object_at("$$.Execution.Input")},
            # The data of the states begins here: nothing that an execution is started with is carried on unread.
            result_selector={"input": sfn.JsonPath.object_at("$")},
            result_path="$",
        )

    def check_the_health(self) -> tasks.LambdaInvoke:
        """Ask how the primary is; what is not healthy is asked again before anybody believes it."""
        check = self.config.health_check
        function = self._functions.health_check
        task = self._tasks.ask_once(
            "Check the health of the primary",
            function,
            {
                "primary": place(self.config.primary),
                "secondary_region": self.config.secondary.region,
                "witness_region": self.config.witness_region,
                "records": self._records,
                "simulate": check.simulate_dr,
                "input": sfn.JsonPath.object_at(INPUT),
            },
            result_path="$.health",
        )
        task.add_retry(
            errors=["States.ALL"],
            interval=Duration.seconds(check.retry_interval_secs),
            max_attempts=check.max_retry,
            backoff_rate=check.retry_backoff_rate,
        )
        self._may.check_the_health(function)
        return task

    def decide_what_to_do(self) -> tasks.LambdaInvoke:
        """What the health, and the checks before, come to."""
        check = self.config.health_check
        function = self._functions.decide
        self._may.remember_the_health(function)
        return self._tasks.ask(
            "Decide what to do",
            function,
            {
                "health": sfn.JsonPath.object_at("$.health"),
                "records": self._records,
                "execution": EXECUTION,
                "consecutive": check.consecutive,
                "failover_on_unknown": check.failover_on_unknown,
                "input": sfn.JsonPath.object_at(INPUT),
            },
            result_path="$.decision",
        )

    def store_the_blueprint(self) -> tasks.LambdaInvoke:
        """Keep what the primary would be created from, when it has changed."""
        function = self._functions.blueprint
        self._may.store_the_blueprint(function)
        return self._tasks.ask(
            "Store the blueprint of the primary",
            function,
            {
                "op": "store",
                "environment": place(self.config.primary),
                **shelf(self.parts),
                "key": self.config.deployment.backup_file_name,
            },
            result_path="$.blueprint",
        )

    def look_at_the_newest_backup(self) -> tasks.LambdaInvoke:
        """Whether backups still arrive; it lists them and reads no more than a manifest."""
        function = self._functions.freshness
        self._may.look_at_the_newest_backup(function)
        return self._tasks.ask(
            "Look at the newest backup of the primary",
            function,
            {
                "primary": place(self.config.primary),
                "bucket": self.parts.backup_bucket.bucket_name,
                "region": self.config.secondary.region,
                "path_prefix": BACKUP_PREFIX,
                "max_age_mins": self.config.backup_overdue_mins,
                "health": sfn.JsonPath.object_at("$.health"),
                "records": self._records,
            },
            result_path="$.backups",
        )

    def tell_what_needs_attention(self, concerns: Mapping[str, Mapping[str, Any]]) -> tasks.LambdaInvoke:
        """Tell what is not well, once an hour, and when it is well again; each concern by its name."""
        function = self._functions.attention
        self._may.tell_and_remember(function)
        return self._tasks.ask(
            "Tell what needs attention",
            function,
            {
                "records": self._records,
                "topic_arn": self.parts.topic.topic_arn,
                "execution": EXECUTION,
                "concerns": concerns,
            },
            result_path="$.attention",
        )

    def take_the_lease(self) -> tasks.LambdaInvoke:
        """Let one execution act, this one or another one."""
        return self._record(
            TAKE_THE_LEASE, {"op": "take_lease", "input": sfn.JsonPath.object_at(INPUT)}, result_path="$.lease"
        )

    def give_the_lease_back(self) -> tasks.LambdaInvoke:
        """End a recovery that was refused."""
        return self._record("Give the lease back", {"op": "release"}, result_path="$.record")

    def record_the_failover(self) -> tasks.LambdaInvoke:
        """Write that the secondary has taken over, so that nothing recovers onto it again."""
        return self._record_failover("Record the failover and give the lease back", is_drill=False)

    def end_the_drill(self) -> tasks.LambdaInvoke:
        """End a recovery after which the primary goes on."""
        return self._record_failover("Give the lease back after the drill", is_drill=True)

    def ask_for_approval(self) -> tasks.LambdaInvoke:
        """Tell people what is wrong, and how they say that recovery starts."""
        return self._approval("Ask for approval", "ask", result_path="$.approval")

    def look_for_the_answer(self) -> tasks.LambdaInvoke:
        """Whether somebody has answered; raises NotApproved after the deadline."""
        return self._approval("Look for the answer", "look", result_path="$.answer")

    def check_that_recovery_can_succeed(self) -> tasks.LambdaInvoke:
        """Find the backup to restore and all that stands in the way; changes nothing."""
        function = self._functions.preflight
        self._may.look_before_recovery(function)
        secondary = self.config.secondary
        return self._tasks.ask(
            "Check that recovery can succeed",
            function,
            {
                "strategy": str(self.config.deployment.dr_type),
                "records": self._records,
                "primary": place(self.config.primary),
                "secondary": {
                    **place(secondary),
                    "dags_bucket": secondary.dags_bucket_name,
                    "role_arn": arn(secondary.role_arn),
                    "kms_key_arn": arn(secondary.kms_key_arn),
                    "config_overrides": dict(secondary.airflow_config_overrides),
                    "owner_tag": owner_tag(self.config),
                },
                "backup_bucket": self.parts.backup_bucket.bucket_name,
                "path_prefix": BACKUP_PREFIX,
                "blueprint_key": self.config.deployment.backup_file_name,
                "version": self.config.deployment.mwaa_version,
            },
            result_path="$.preflight",
        )

    def disable_the_health_schedule(self) -> tasks.LambdaInvoke:
        """No check starts another recovery while this one runs, nor after it."""
        return self._schedule("Disable the health schedule", "DISABLED")

    def enable_the_health_schedule(self) -> tasks.LambdaInvoke:
        """The primary is watched again."""
        return self._schedule("Enable the health schedule again", "ENABLED")

    def _record(self, name: str, payload: Mapping[str, Any], *, result_path: str) -> tasks.LambdaInvoke:
        function = self._functions.records
        self._may.hold_the_lease(function)
        payload = {**payload, "records": self._records, "execution": EXECUTION}
        return self._tasks.ask(name, function, payload, result_path=result_path)

    def _record_failover(self, name: str, *, is_drill: bool) -> tasks.LambdaInvoke:
        payload = {
            "op": "record_failover",
            "environment": place(self.config.secondary),
            "backup_id": sfn.JsonPath.string_at("$.preflight.backup_id"),
            "drill": is_drill,
        }
        return self._record(name, payload, result_path="$.record")

    def _approval(self, name: str, op: str, *, result_path: str) -> tasks.LambdaInvoke:
        function = self._functions.approval
        self._may.tell_and_remember(function)
        payload = {
            "op": op,
            "records": self._records,
            "execution": EXECUTION,
            "topic_arn": self.parts.topic.topic_arn,
            "primary": place(self.config.primary),
            "reason": sfn.JsonPath.string_at("$.decision.reason"),
            "deadline_mins": self.config.recovery.approval_timeout_mins,
        }
        return self._tasks.ask(name, function, payload, result_path=result_path)

    def _schedule(self, name: str, state: str) -> tasks.LambdaInvoke:
        function = self._functions.schedule
        self._may.switch_the_schedule(function)
        payload = {
            "name": self.config.schedule_name,
            "group": "default",
            "region": self.config.secondary.region,
            "state": state,
        }
        return self._tasks.ask(name, function, payload, result_path="$.schedule")
