"""The verbs that stop and start are told in: each is one task, and allows its function exactly what that needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from lib.config.transitions import days_off
from lib.workflows.environment_allowances import EnvironmentAllowances
from lib.workflows.environment_steps import EnvironmentSteps
from lib.workflows.guard import LEASE, Guard
from lib.workflows.payloads import BACKUP_PREFIX, EXECUTION, REDRIVES
from lib.workflows.story import Part, in_any_case
from lib.workflows.tasks import Tasks
from lib.workflows.transition_airflow import TransitionAirflow
from lib.workflows.transition_allowances import TransitionAllowances
from lib.workflows.transition_notices import TransitionNotices
from lib.workflows.transition_parts import TransitionParts
from lib.workflows.web_server import WebServer

BACKUP_ID = "$.backup.backup_id"


class TransitionSteps:
    """Every state of a stop, a start or a reactivation that does something; `what` it is completes sentences."""

    def __init__(self, scope: Construct, parts: TransitionParts, *, role: iam.IRole, what: str) -> None:
        self.scope = scope
        self.parts = parts
        self.plan = parts.plan
        self.what = what
        target, functions, inside = parts.target, parts.functions, parts.inside
        may = EnvironmentAllowances(target, parts.backups)
        self._target = target
        self._may = TransitionAllowances(parts, may)
        self._records = {"table": parts.records.table_name, "region": parts.arns.region}
        self._tasks = Tasks(scope, role=role, topic=parts.topic)
        self.tell = TransitionNotices(self._tasks, parts, what)
        guard = Guard(self._hold_the_lease)
        self.environment = EnvironmentSteps(
            self._tasks, may, function=functions.environment, target=target, shelf=parts.backups, guard=guard
        )
        copies = {
            "dag": (functions.dag, *([inside.dag] if inside else [])),
            "activity": (functions.activity, *([inside.activity] if inside else [])),
        }
        self.web = WebServer(self._tasks, target, copies, parts.plan.deadlines, guard=guard)
        self.airflow = TransitionAirflow(self.web, self._may, parts)

    def decide(self) -> tasks.LambdaInvoke:
        """Read the input, and whether a schedule or a person wants it now; what cannot be read ends it in words."""
        environment, function = self.parts.environment, self.parts.functions.transition
        self._may.decide(function)
        return self._tasks.ask(
            f"Decide whether to {self.what}",
            function,
            {
                "op": "decide",
                "what": self.what,
                "environment": self._target.place,
                "records": self._records,
                "also_records": self._also_records,
                "input": sfn.JsonPath.object_at("$$.Execution.Input"),
                "execution": EXECUTION,
                "days_off": [day.payload for day in days_off(environment)],
                "calendar": environment.change_calendar,
                "when_busy": str(environment.when_busy),
            },
            # The data of the states begins here: nothing that an execution is started with is carried on unread.
            result_selector={"decision": sfn.JsonPath.object_at("$")},
            result_path="$",
        )

    def take_the_lease(self, *, is_first: bool = False) -> tasks.LambdaInvoke:
        """Let one execution act on the environment; as the first state it forgets what an execution began with."""
        self._may.hold_the_lease(self.parts.functions.stopping)
        payload = {"op": "take_lease"}
        if is_first:
            lease = {"lease": sfn.JsonPath.object_at("$")}
            return self._stopping("Take the lease", payload, result_path="$", result_selector=lease)
        return self._stopping("Take the lease", payload, result_path=LEASE)

    def give_the_lease_back(self, name: str = "Give the lease back") -> tasks.LambdaInvoke:
        """Let others act."""
        self._may.hold_the_lease(self.parts.functions.stopping)
        return self._stopping(name, {"op": "release"}, result_path="$.lease")

    def _hold_the_lease(self, name: str) -> tasks.LambdaInvoke:
        self._may.hold_the_lease(self.parts.functions.stopping)
        return self._stopping(name, {"op": "hold_lease"}, result_path=LEASE)

    def store_the_blueprint(self) -> tasks.LambdaInvoke:
        """Keep what the environment is created from."""
        function = self.parts.functions.blueprint
        self._may.store_the_blueprint(function)
        shelf = self.parts.backups
        payload = {"op": "store", "environment": self._target.place, **shelf.payload, "key": shelf.blueprint}
        return self._tasks.ask("Store the blueprint", function, payload, result_path="$.blueprint")

    def verify(self) -> tasks.LambdaInvoke:
        """All that a start will need, in one report, before anything is deleted."""
        self._may.verify(self.parts.functions.stopping)
        payload = {
            "op": "verify",
            **self.parts.backups.payload,
            "path_prefix": BACKUP_PREFIX,
            "blueprint_key": self.parts.backups.blueprint,
            "dags_bucket": self._target.dags_bucket,
            "role_arn": self._target.role_arn,
            "kms_key_arn": self._target.kms_key_arn,
            "version": self.parts.environment.version,
            "owner_tag": self._target.owner_tag,
            "backup_id": sfn.JsonPath.string_at(BACKUP_ID),
            "snapshot_time": sfn.JsonPath.string_at("$.backup.snapshot_time"),
            "rows": sfn.JsonPath.number_at("$.backup.rows"),
        }
        return self._stopping("Verify the backup and the blueprint", payload, result_path="$.verified")

    def record_the_stop(self) -> tasks.LambdaInvoke:
        """Write that it is stopped on purpose, before it is."""
        self._may.record_the_stop(self.parts.functions.stopping)
        payload = {
            "op": "record_stop",
            **self.parts.backups.payload,
            "also_records": self._also_records,
            "backup_id": sfn.JsonPath.string_at(BACKUP_ID),
            "note_key": sfn.JsonPath.string_at("$.note.key"),
            "rows": sfn.JsonPath.number_at("$.verified.rows"),
        }
        return self._stopping("Record the stop", payload, result_path="$.record")

    def delete(self, *, checked: str) -> tasks.LambdaInvoke:
        """Begin to delete the environment, unless its DAGs are active again, or a redrive came after the checks."""
        self._may.note(self.parts.functions.environment)
        return self.environment.delete(checked=checked)

    def record_the_restore(self) -> tasks.LambdaInvoke:
        """Write that nothing is to be restored again."""
        self._may.look_back(self.parts.functions.stopping)
        return self._stopping("Record the restore", {"op": "record_restore"}, result_path="$.record")

    def forget_the_stop(self) -> tasks.LambdaInvoke:
        """What is there is not stopped; whether a stop that failed has left its DAGs paused."""
        self._may.record_the_stop(self.parts.functions.stopping)
        self._may.look_back(self.parts.functions.stopping)
        payload = {"op": "forget_stop", "also_records": self._also_records, **self.parts.backups.payload}
        return self._stopping("Forget the stop", payload, result_path="$.record")

    def begin_to_reactivate(self) -> tasks.StepFunctionsStartExecution:
        """Let the DAGs become active again that a stop has left paused."""
        machine = self.parts.arns.state_machine(self.parts.machine("reactivate"))
        return self._tasks.begin("Let the paused DAGs become active again", machine, result_path="$.reactivation")

    def record_the_start(self, name: str = "Record the start") -> tasks.LambdaInvoke:
        """Forget that it is stopped."""
        self._may.record_the_stop(self.parts.functions.stopping)
        payload = {"op": "record_start", "also_records": self._also_records, **self.parts.backups.payload}
        return self._stopping(name, payload, result_path="$.record")

    def finish(self, name: str) -> tasks.LambdaInvoke:
        """Nobody needs the note any more, and others may act."""
        self._may.end_the_note(self.parts.functions.stopping)
        return self._stopping(name, {"op": "finish", **self.parts.backups.payload}, result_path="$.end")

    def check_that_it_is_whole(self) -> tasks.LambdaInvoke:
        """Whether the start before has restored what is to be backed up."""
        self._may.look_back(self.parts.functions.stopping)
        payload = {"op": "require_whole", "owner_tag": self._target.owner_tag}
        return self._stopping("Check that the start before has restored it", payload, result_path="$.whole")

    def look_back(self) -> tasks.LambdaInvoke:
        """Whether it was stopped on purpose, and what is there: THERE, LEAVING, CREATE, GO_ON or FINISH."""
        self._may.look_back(self.parts.functions.stopping)
        backup_id = sfn.JsonPath.object_at("$.decision.backup_id")
        payload = {"op": "look_back", "owner_tag": self._target.owner_tag, "backup_id": backup_id}
        return self._stopping("Look back at the stop", payload, result_path="$.stop")

    def check_that_it_can_start(self) -> tasks.LambdaInvoke:
        """Find the backup to restore and all that stands in the way; changes nothing."""
        function = self.parts.functions.preflight
        self._may.look_before_a_start(function)
        payload = {
            "strategy": "START",
            "primary": self._target.place,
            "secondary": {**self._target.place, "owner_tag": self._target.owner_tag},
            "backup_bucket": self.parts.backups.bucket.bucket_name,
            "path_prefix": BACKUP_PREFIX,
            "blueprint_key": self.parts.backups.blueprint,
            "version": self.parts.environment.version,
            "backup_id": sfn.JsonPath.object_at("$.stop.backup_id"),
        }
        return self._tasks.ask("Check that the start can succeed", function, payload, result_path="$.preflight")

    def say_what_happened(self, facts: Mapping[str, str], *, stopped_at: str | None = None) -> Part:
        """Put it into words, for whoever is told of an execution that has succeeded; the end does not depend on it."""
        function = self.parts.functions.transition
        payload = {
            "op": "tell",
            "what": self.what,
            "environment": self._target.place,
            "started_at": sfn.JsonPath.string_at("$$.Execution.StartTime"),
            "facts": {name: sfn.JsonPath.object_at(path) for name, path in facts.items()},
            "cost_per_hour": self.parts.environment.cost_per_hour,
            "stopped_at": sfn.JsonPath.object_at(stopped_at) if stopped_at else None,
        }
        task = self._tasks.ask("Say what happened", function, payload, result_path="$.told")
        return in_any_case(task, "$.untold")

    @property
    def _also_records(self) -> list[dict[str, str]]:
        return [self.parts.also.payload] if self.parts.also else []

    def _stopping(
        self,
        name: str,
        payload: Mapping[str, Any],
        *,
        result_path: str,
        result_selector: Mapping[str, Any] | None = None,
    ) -> tasks.LambdaInvoke:
        whole = {
            "environment": self._target.place,
            "records": self._records,
            "execution": EXECUTION,
            "redrive_count": sfn.JsonPath.number_at(REDRIVES),
            **payload,
        }
        return self._tasks.ask(
            name, self.parts.functions.stopping, whole, result_path=result_path, result_selector=result_selector
        )
