"""Lambda: the type of an error is the name of its exception; functions sign as their own role; templates know VPCs.

AWS: a function that raises answers {"errorMessage", "errorType": "ValueError", "stackTrace"}
(https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html), and Step Functions matches Retry and Catch by it
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html). Templates have VpcConfig, too
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html).
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from drill.aws import hosts
from drill.aws.simulator import identity
from drill.aws.simulator.forked import Subprocess

UNTYPED = "Runtime.HandlerError"
_NOT_LOADED = "Worker init failed: "
_TRACE = "Traceback (most recent call last)"
# Functions meet the addresses of S3 Control, too.
_WORKER = f"""{inspect.getsource(hosts)}
import botocore.handlers
botocore.handlers.BUILTIN_HANDLERS.append((EVENT, without_account))
"""
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?::|$)")


def mend() -> None:
    """Wrap how a function is run, what it signs with, and how a template makes one."""
    run = lambda_svc._execute_function_warm

    def run_with_error_type(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = run(function, event, request_id)
        body = answer.get("body")
        if answer.get("error") and isinstance(body, dict) and str(body.get("errorMessage")).startswith(_NOT_LOADED):
            why = body["errorMessage"].removeprefix(_NOT_LOADED)
            body.update(errorType="Runtime.ImportModuleError", errorMessage=f"Unable to import module: {why}")
        if answer.get("error") and isinstance(body, dict) and body.get("errorType") == UNTYPED:
            trace = (answer.get("log") or "").rpartition(_TRACE)[2]
            body["errorType"] = error_type(trace) or UNTYPED
            body["stackTrace"] = [line for line in trace.splitlines() if line.startswith(" ")]
        return answer

    by_template = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = by_template["create"], by_template["update"]

    def create_in_vpc(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        return _in_vpc(create(logical_id, properties, stack), properties)

    def update_in_vpc(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        return _in_vpc(update(physical_id, old, new, *rest, **more), new)

    by_template.update(create=create_in_vpc, update=update_in_vpc)
    lambda_svc._execute_function_warm = run_with_error_type
    lambda_runtime.subprocess = Subprocess()
    lambda_runtime.execution_credentials = _credentials
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WORKER + lambda_runtime._PYTHON_WORKER_SCRIPT


def _in_vpc(made: Any, properties: dict[str, Any]) -> Any:
    """Let a function that a template made or changed be where the template says."""
    lambda_svc._functions[made[0]]["config"]["VpcConfig"] = lambda_svc._vpc_config_with_id(properties.get("VpcConfig"))
    return made


def error_type(trace: str) -> str:
    """The class of the exception that a Python traceback ends with, without its module."""
    for line in trace.splitlines():
        raised = _RAISED.match(line)
        if raised:
            return raised["type"].rsplit(".", 1)[-1]
    return ""


def _credentials(configuration: dict[str, Any]) -> dict[str, str]:
    return identity.credentials(configuration["Role"], configuration["FunctionName"])
