"""The verbs that are about who acts: take the lease, keep it over a redrive, write what was done, give it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import IResolvable
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from lib.workflows.allowances import Allowances
from lib.workflows.guard import LEASE, Guard
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import EXECUTION, INPUT, REDRIVES, TAKE_THE_LEASE, place, records
from lib.workflows.tasks import Tasks

FAILOVER = "$.failover"
"""Where it stands what has failed over, from this execution or from the one before."""


class LeaseSteps:
    """States that ask the records in the secondary Region."""

    def __init__(self, asks: Tasks, may: Allowances, parts: RecoveryParts) -> None:
        self._tasks = asks
        self._may = may
        self._config = parts.config
        self._function = parts.functions.records
        self.guard = Guard(lambda name: self._ask(name, {"op": "hold_lease"}, result_path=LEASE))

    def take(self) -> tasks.LambdaInvoke:
        """Let one execution act, this one or another one."""
        payload = {"op": "take_lease", "input": sfn.JsonPath.object_at(INPUT)}
        return self._ask(TAKE_THE_LEASE, payload, result_path=LEASE)

    def give_back(self, name: str = "Give the lease back") -> tasks.LambdaInvoke:
        """End what nothing has come of that others must know."""
        return self._ask(name, {"op": "release"}, result_path="$.record")

    def record_the_failover(self, *, paused_at_creation_was: IResolvable | None) -> tasks.LambdaInvoke:
        """Write that the secondary has taken over, so that nothing recovers onto it again."""
        payload = {
            "op": "record_failover",
            "environment": place(self._config.secondary),
            "backup_id": sfn.JsonPath.string_at("$.preflight.backup_id"),
            "snapshot_time": sfn.JsonPath.string_at("$.preflight.snapshot_time"),
            "paused_at_creation_was": paused_at_creation_was,
        }
        return self._ask("Record the failover", payload, result_path=FAILOVER)

    def finish_the_failover(self) -> tasks.LambdaInvoke:
        """Until here a new execution goes on with the failover that is recorded."""
        name = "Record that the failover is finished and give the lease back"
        return self._ask(name, {"op": "finish_failover"}, result_path="$.record")

    def _ask(self, name: str, payload: Mapping[str, Any], *, result_path: str) -> tasks.LambdaInvoke:
        self._may.hold_the_lease(self._function)
        told = {
            "records": records(self._config),
            "execution": EXECUTION,
            "redrive_count": sfn.JsonPath.number_at(REDRIVES),
        }
        return self._tasks.ask(name, self._function, {**payload, **told}, result_path=result_path)
