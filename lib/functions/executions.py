"""Executions of Step Functions by their ARN: where they run, whether they still do, and how to go on with one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from lib.functions.aws import client

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
"""https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"""


def region(arn: str) -> str:
    """The Region of an execution or state machine."""
    return arn.split(":")[3]


def name(arn: str) -> str:
    """The name of an execution."""
    return arn.rpartition(":")[2]


def steps(arn: str) -> Any:
    """A client for the Region of an execution."""
    return client("stepfunctions", region(arn), connect=3, read=5, attempts=3)


def is_running(arn: str) -> bool:
    """Whether an execution still acts; one that Step Functions has forgotten does not."""
    states = steps(arn)
    try:
        return states.describe_execution(executionArn=arn)["status"] in RUNNING
    except states.exceptions.ExecutionDoesNotExist:
        return False


def redrive_command(arn: str) -> str:
    """The command that goes on with a failed execution where it stopped."""
    return f"aws stepfunctions redrive-execution --region {region(arn)} --execution-arn {arn}"


def start_command(machine: str, given: Mapping[str, Any]) -> str:
    """The command that starts an execution with an input."""
    return (
        f"aws stepfunctions start-execution --region {region(machine)} --state-machine-arn {machine} "
        f"--input {shlex.quote(json.dumps(given))}"
    )
