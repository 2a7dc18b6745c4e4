"""The web server of an environment, asked through the copy of a function that reaches it: inside or outside its VPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn

from lib.config.shared import Deadlines
from lib.constructs.function import Function
from lib.workflows.guard import Guard
from lib.workflows.target import Target
from lib.workflows.tasks import BRIEFLY, Patience, Tasks

REACH = "$.airflow"
"""Where the ARNs of the copies stand that reach Airflow."""

AIRFLOW_ROLE = "Admin"
"""Whom the functions act as in Airflow."""

ASK_AGAIN_SECS = 10

Copies = tuple[Function, ...]
"""A function outside any VPC, and, where there may be a private web server, its copy inside."""


class WebServer:
    """States that ask the Airflow of an environment; `copies`: by the name under which the story asks them."""

    def __init__(
        self,
        tasks: Tasks,
        target: Target,
        copies: Mapping[str, Copies],
        deadlines: Deadlines,
        guard: Guard | None = None,
    ) -> None:
        self._tasks = tasks
        self._target = target
        self._copies = copies
        self._deadlines = deadlines
        self._guard = guard

    def copies(self, whom: str) -> Copies:
        """The function that is asked by this name, outside and inside."""
        return self._copies[whom]

    @property
    def may_be_private(self) -> bool:
        """Whether there are copies inside the VPC."""
        return all(len(copies) > 1 for copies in self._copies.values())

    def reach_from_outside(self) -> sfn.Pass:
        """The steps after it ask the copies outside any VPC."""
        return self._reach("Reach Airflow from outside the VPC", 0)

    def reach_from_inside(self) -> sfn.Pass:
        """The steps after it ask the copies in the VPC, as a private web server wants it."""
        return self._reach("Reach Airflow from inside the VPC", 1)

    def wait_until_parsed(self, name: str, dag_id: str) -> sfn.CustomState:
        """Ask until the DAG can run; what the function says the last time is how it ends.

        A redrive has all its retries again: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
        """
        return self.ask(
            name,
            "dag",
            {"op": "parsed", "dag_id": dag_id, "required": True},
            keep=("ready",),
            result_path="$.parsed",
            patience=Patience.until(self._deadlines.dag_ready_mins, every_secs=ASK_AGAIN_SECS),
        )

    def ask(
        self,
        name: str,
        whom: str,
        payload: Mapping[str, Any],
        *,
        keep: tuple[str, ...],
        result_path: str,
        more: Mapping[str, str] | None = None,
        patience: Patience = BRIEFLY,
        changes: bool = False,
    ) -> sfn.CustomState:
        """Ask one of the functions; keep some of its answer, and `more` of the context of the execution.

        With `changes` only while this execution may act.
        """
        guard = self._guard if changes else None
        functions = self._allowed(whom)
        payload = {**payload, **self._environment, **(guard.payload if guard else {})}
        task = self._tasks.ask_airflow(
            name,
            functions,
            f"{REACH}.{whom}",
            payload,
            keep=keep,
            more=more,
            result_path=result_path,
            patience=patience,
        )
        return guard.over(task) if guard else task

    def run(self, name: str, dag_id: str, conf: Mapping[str, Any], *, mins: int, result_path: str) -> sfn.CustomState:
        """Run a DAG, while this execution may act, and wait for its answer."""
        functions = self._allowed("dag")
        payload = {
            "op": "trigger",
            "dag_id": dag_id,
            "task_token": sfn.JsonPath.task_token,
            "task_token_region": self._target.arns.region,
            "conf": conf,
            **self._environment,
            **(self._guard.payload if self._guard else {}),
        }
        task = self._tasks.wait_for_airflow(
            name,
            functions,
            f"{REACH}.dag",
            payload,
            timeout=Duration.minutes(mins),
            heartbeat=Duration.seconds(self._deadlines.heartbeat_secs),
            result_path=result_path,
        )
        return self._guard.over(task) if self._guard else task

    @property
    def _environment(self) -> dict[str, Any]:
        version = sfn.JsonPath.string_at(f"{self._target.seen}.version")
        return {"environment": self._target.place, "version": version}

    def _reach(self, name: str, number: int) -> sfn.Pass:
        arns = {called: copies[number].function.function_arn for called, copies in self._copies.items()}
        return sfn.Pass(self._tasks.scope, name, result=sfn.Result.from_object(arns), result_path=REACH)

    def _allowed(self, name: str) -> Copies:
        copies, target = self._copies[name], self._target
        for function in copies:
            function.allow("airflow:CreateCliToken", on=target.arn)
            function.allow("airflow:InvokeRestApi", on=target.arns.airflow_role(target.name, AIRFLOW_ROLE))
        return copies
