"""Workflows on the local AWS, with small functions in the place of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docs.specimen import Specimen
from tests.support.executions import ANSWERS
from tests.support.local_aws import Builder, eventually

STAND_IN = """
import json

import boto3

ANSWERS = json.loads({answers!r})


def handler(event, context):
    if "task_token" in event:
        states = boto3.client("stepfunctions", region_name=event["task_token_region"])
        states.send_task_success(taskToken=event["task_token"], output=json.dumps(ANSWERS[event["dag_id"]]))
    return ANSWERS[event.get("op", "")]
"""


@dataclass
class Deployment:
    """Deploys workflows and runs them."""

    build: Builder
    _functions: dict[str, str] = field(default_factory=dict)

    def deploy(self, workflow: Specimen, instead: Mapping[str, str] | None = None) -> str:
        """The ARN of its state machine; `instead` is the code of functions that do not answer as usual."""
        text = json.dumps(workflow.definition)
        for id_, function in workflow.resources("AWS::Lambda::Function").items():
            name = function["Properties"]["Description"]
            text = text.replace(f"<{id_}>", self._function(name, (instead or {}).get(name, "")))
        (topic,) = workflow.resources("AWS::SNS::Topic")
        arn = self.build.client("sns").create_topic(Name="topic")["TopicArn"]
        return self.build.machine(json.loads(text.replace(f"<{topic}>", arn)))

    def entered(self, execution: str) -> list[str]:
        """The states that an execution has entered so far."""
        events = self.build.history(execution)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def redriven(self, execution: str) -> dict[str, Any]:
        """What becomes of an execution that is redriven."""
        states = self.build.client("stepfunctions")
        states.redrive_execution(executionArn=execution)
        eventually(lambda: states.describe_execution(executionArn=execution)["status"] != "FAILED")
        return self.build.ended(execution)

    def _function(self, name: str, code: str) -> str:
        if code:
            return self.build.function(code)
        if name not in self._functions:
            self._functions[name] = self.build.function(STAND_IN.format(answers=json.dumps(_answers(name))))
        return self._functions[name]


def _answers(function: str) -> dict[str, Any]:
    """Op -> answer, from the recovery without trouble; what DAGs answer is among them."""
    module = function.removesuffix("_inside").removesuffix("_outside").replace("own", "own_environment")
    ops = {name.partition(".")[2]: answer for name, answer in ANSWERS.items() if name.partition(".")[0] == module}
    return {**ops, **{name: answer for name, answer in ANSWERS.items() if name.endswith("_metadata")}}
