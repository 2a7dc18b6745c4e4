"""The verbs that are about an environment itself: create it, look at it, change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from lib.constructs.function import Function
from lib.workflows.environment_allowances import EnvironmentAllowances
from lib.workflows.guard import Guard
from lib.workflows.payloads import REDRIVES
from lib.workflows.target import Shelf, Target
from lib.workflows.tasks import Tasks


class EnvironmentSteps:
    """States that ask MWAA in the Region of the environment."""

    def __init__(
        self,
        asks: Tasks,
        may: EnvironmentAllowances,
        *,
        function: Function,
        target: Target,
        shelf: Shelf,
        guard: Guard | None = None,
    ) -> None:
        self.scope = asks.scope
        self.target = target
        self._tasks = asks
        self._guard = guard
        self._may = may
        self._function = function
        self._shelf = shelf

    def create(self) -> tasks.LambdaInvoke:
        """Begin to create it from the blueprint, or go on with what has begun."""
        self._may.create(self._function)
        return self._guarded(
            f"Create the {self.target.title}",
            {
                "op": "create",
                **self._shelf.payload,
                "blueprint_key": self._shelf.blueprint,
                **self.target.own,
                "object_versions": sfn.JsonPath.object_at("$.preflight.object_versions"),
                "owner_tag": self.target.owner_tag,
                "redrive_count": sfn.JsonPath.number_at(REDRIVES),
            },
            result_path="$.creation",
        )

    def delete(self, *, checked: str) -> tasks.LambdaInvoke:
        """Begin to delete it: DELETING or GONE; AGAIN after a redrive since what was checked at that path."""
        self._may.delete(self._function)
        return self._ask(
            f"Delete the {self.target.title}",
            {
                "op": "delete",
                **self._shelf.payload,
                "redrive_count": sfn.JsonPath.number_at(REDRIVES),
                "checked_in_redrive": sfn.JsonPath.number_at(f"{checked}.redrive_count"),
            },
            result_path="$.deletion",
        )

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
        return self._ask(f"Look at the {self.target.title}", {"op": "look"}, result_path=self.target.seen)

    def let_new_dags_start_again(self, *, was: str) -> tasks.LambdaInvoke:
        """Give `dags_are_paused_at_creation` the blueprint's value back, which stands at the path `was`."""
        self._may.update(self._function)
        return self._guarded(
            "Let new DAGs start on their own again",
            {
                "op": "unpause_at_creation",
                "paused_at_creation_was": sfn.JsonPath.object_at(was),
            },
            result_path="$.update",
        )

    def update(self, *, restart: bool) -> tasks.LambdaInvoke:
        """Give it the options of its blueprint back; `restart`: its Airflow starts anew although it has them."""
        self._may.update(self._function)
        self._may.read_blueprint(self._function)
        return self._guarded(
            f"Update the {self.target.title}",
            {"op": "update", **self._shelf.payload, "blueprint_key": self._shelf.blueprint, "restart": restart},
            result_path="$.update",
        )

    def untag(self) -> tasks.LambdaInvoke:
        """It is whole: take off it what tells that we have begun to create it."""
        self._may.untag(self._function)
        payload = {"op": "untag", "owner_tag": self.target.owner_tag}
        return self._guarded(f"Take our tag off the {self.target.title}", payload, result_path="$.tag")

    def _guarded(self, name: str, payload: Mapping[str, Any], *, result_path: str) -> tasks.LambdaInvoke:
        if self._guard is None:
            return self._ask(name, payload, result_path=result_path)
        return self._guard.over(self._ask(name, {**payload, **self._guard.payload}, result_path=result_path))

    def _ask(self, name: str, payload: Mapping[str, Any], *, result_path: str) -> tasks.LambdaInvoke:
        self._may.look(self._function)
        payload = {**payload, "environment": self.target.place}
        return self._tasks.ask(name, self._function, payload, result_path=result_path)
