"""The services that Step Functions calls in its own way: Lambda, SNS, SQS, EventBridge, DynamoDB, itself.

AWS: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
from ministack.services import stepfunctions

from drill.aws.simulator.workflows import sdk
from drill.aws.simulator.workflows.lifeline import CHECK_SECONDS, current
from drill.aws.simulator.workflows.scope import Scope

TOKEN = ".waitForTaskToken"
_OPTIMISED = "arn:aws:states:::"


def call(resource: str, data: Any, scope: Scope) -> Any:
    """Do what a Task's resource says; raises ministack's _ExecutionError with AWS's error name."""
    if not resource.startswith(_OPTIMISED):
        if ":lambda:" in resource:
            return _invoke(scope, {"FunctionName": resource, "Payload": data})["Payload"]
        return stepfunctions._invoke_resource(resource, data)
    name = resource[len(_OPTIMISED) :].removesuffix(TOKEN)
    if name.startswith("aws-sdk:"):
        _, service, action = name.split(":")
        return sdk.call(service.lower(), action, data, scope)
    known = INTEGRATIONS.get(name)
    if known is None:
        raise stepfunctions._ExecutionError("States.Runtime", f"this simulator does not know the integration {name}")
    return known(scope, data)


def _invoke(scope: Scope, data: dict[str, Any]) -> Any:
    payload = json.dumps(data.get("Payload", {})).encode()
    more = {key: data[key] for key in ("Qualifier", "InvocationType") if key in data}
    answer = _answered(
        "Lambda", lambda: scope.client("lambda").invoke(FunctionName=data["FunctionName"], Payload=payload, **more)
    )
    text = answer["Payload"].read()
    body = json.loads(text) if text else None
    if answer.get("FunctionError"):
        kind = body.get("errorType", "Lambda.Unknown") if isinstance(body, dict) else "Lambda.Unknown"
        raise stepfunctions._ExecutionError(kind, text.decode())
    return {"ExecutedVersion": answer.get("ExecutedVersion", "$LATEST"), "Payload": body, "StatusCode": 200}


def _simple(service: str, method: str, prefix: str) -> Callable[[Scope, dict[str, Any]], Any]:
    def integration(scope: Scope, data: dict[str, Any]) -> Any:
        client = scope.client(service)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
        return sdk.plain(_answered(prefix, lambda: getattr(client, method)(**sdk.parameters(shape, data))))

    return integration


def _put_events(scope: Scope, data: dict[str, Any]) -> Any:
    entries = [
        {**entry, "Detail": entry["Detail"] if isinstance(entry["Detail"], str) else json.dumps(entry["Detail"])}
        for entry in data["Entries"]
    ]
    answer = sdk.plain(_answered("EventBridge", lambda: scope.client("events").put_events(Entries=entries)))
    if answer.get("FailedEntryCount"):
        raise stepfunctions._ExecutionError("EventBridge.FailedEntry", json.dumps(answer))
    return answer


def _start(scope: Scope, data: dict[str, Any]) -> Any:
    given = data.get("Input", {})
    wanted = {
        "stateMachineArn": data["StateMachineArn"],
        "input": given if isinstance(given, str) else json.dumps(given),
        **({"name": data["Name"]} if "Name" in data else {}),
    }
    answer = _answered("StepFunctions", lambda: scope.client("stepfunctions").start_execution(**wanted))
    return {"ExecutionArn": answer["executionArn"], "StartDate": sdk.plain(answer["startDate"])}


def _start_and_wait(parsed: bool) -> Callable[[Scope, dict[str, Any]], Any]:
    def integration(scope: Scope, data: dict[str, Any]) -> Any:
        arn, states = _start(scope, data)["ExecutionArn"], scope.client("stepfunctions")
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            current.get().check()
            time.sleep(CHECK_SECONDS)
        answer = {key[0].upper() + key[1:]: given for key, given in sdk.plain(found).items()}
        if found["status"] != "SUCCEEDED":
            raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(answer))
        return {**answer, "Output": json.loads(answer["Output"])} if parsed else answer

    return integration


def _answered(prefix: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except botocore.exceptions.ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        # AWS: what Lambda's SDK has no class for, a refusal too, is Lambda.AWSLambdaException.
        is_denied = code.startswith(("AccessDenied", "AuthorizationError"))
        name = "AWSLambdaException" if prefix == "Lambda" and is_denied else code
        name = name if name.endswith("Exception") else f"{name}Exception"
        raise stepfunctions._ExecutionError(f"{prefix}.{name}", message) from error
    except botocore.exceptions.BotoCoreError as error:
        raise stepfunctions._ExecutionError(f"{prefix}.SdkClientException", str(error)) from error


INTEGRATIONS: dict[str, Callable[[Scope, dict[str, Any]], Any]] = {
    "lambda:invoke": _invoke,
    "sns:publish": _simple("sns", "publish", "SNS"),
    "sqs:sendMessage": _simple("sqs", "send_message", "SQS"),
    "events:putEvents": _put_events,
    "states:startExecution": _start,
    "states:startExecution.sync": _start_and_wait(parsed=False),
    "states:startExecution.sync:2": _start_and_wait(parsed=True),
    **{
        f"dynamodb:{name}Item": _simple("dynamodb", f"{name}_item", "DynamoDB")
        for name in ("get", "put", "update", "delete")
    },
}
