"""The guard of a lease: a task that changes something acts only while its execution is the one that may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from lib.workflows.payloads import REDRIVES

Guarded = TypeVar("Guarded", tasks.LambdaInvoke, sfn.CustomState)

LEASE = "$.lease"
"""Where it stands who acts, and in which redrive that was looked at."""


class Guard:
    """`hold` makes the state of a name that keeps the lease, or ends the execution, and tells of it at `LEASE`."""

    def __init__(self, hold: Callable[[str], tasks.LambdaInvoke]) -> None:
        self._hold = hold

    @property
    def payload(self) -> dict[str, Any]:
        """What a guarded task tells its function: in which redrive the lease was looked at, and which one this is."""
        held_in = sfn.JsonPath.number_at(f"{LEASE}.redrive_count")
        return {"lease": {"held_in_redrive": held_in, "redrive_count": sfn.JsonPath.number_at(REDRIVES)}}

    def over(self, task: Guarded) -> Guarded:
        """Let a task, which sends `payload`, act only while this execution holds the lease.

        A redrive goes on with the task that failed, in whatever has happened since: its function refuses then, and
        the lease is looked at first. Where another execution has taken it, nothing is done any more.
        """
        again = self._hold(f"Hold the lease again, then {task.id[0].lower()}{task.id[1:]}")
        task.add_catch(again, errors=["LeaseUnchecked"], result_path="$.unchecked")
        again.next(task)
        return task
