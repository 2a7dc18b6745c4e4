"""`aws-sdk:SERVICE:ACTION`: any operation of any service, called through botocore as the state machine's role.

AWS: parameters and results have the names of the SDK for Java, errors are `Mwaa.ResourceNotFoundException`, or
`S3.S3Exception` when the SDK knows no class for the code, or `S3.SdkClientException` when nothing answered
(https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html).
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import botocore.exceptions
from botocore import xform_name
from ministack.services import stepfunctions

from drill.aws.simulator.workflows.scope import Scope

# Step Functions' name of a service -> botocore's, where they differ.
BOTOCORE_NAMES = {
    "sfn": "stepfunctions",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "servicequotas": "service-quotas",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
}
# Step Functions' name of a service -> the prefix of its errors, where it is not just capitalised.
PREFIXES = {
    "dynamodb": "DynamoDb",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "eventbridge": "EventBridge",
    "secretsmanager": "SecretsManager",
    "servicequotas": "ServiceQuotas",
    "s3control": "S3Control",
}


def call(service: str, action: str, data: dict[str, Any], scope: Scope) -> Any:
    """What an operation answers, in Step Functions' form."""
    prefix = PREFIXES.get(service, service.capitalize())
    try:
        client = scope.client(BOTOCORE_NAMES.get(service, service))
    except botocore.exceptions.UnknownServiceError as error:
        raise stepfunctions._ExecutionError("States.Runtime", f"there is no service {service}: {error}") from error
    method = xform_name(action[0].upper() + action[1:])
    if method not in client.meta.method_to_api_mapping:
        raise stepfunctions._ExecutionError("States.Runtime", f"{service} has no operation {action}")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    try:
        answer = getattr(client, method)(**(parameters(shape, data or {}) if shape else {}))
    except botocore.exceptions.ClientError as error:
        raise _failed(prefix, client, error) from error
    except botocore.exceptions.BotoCoreError as error:
        raise stepfunctions._ExecutionError(f"{prefix}.SdkClientException", str(error)) from error
    return plain(answer)


def _failed(prefix: str, client: Any, error: botocore.exceptions.ClientError) -> Exception:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    answered = error.response["ResponseMetadata"]
    known = set()
    for shape in client.meta.service_model.error_shapes:
        known |= {shape.name, shape.metadata.get("error", {}).get("code") or shape.name}
    name = (code if code.endswith("Exception") else f"{code}Exception") if code in known else f"{prefix}Exception"
    cause = f"{message} (Service: {prefix}, Status Code: {answered.get('HTTPStatusCode')})"
    return stepfunctions._ExecutionError(f"{prefix}.{name}", cause)  # type: ignore[no-any-return]


def parameters(shape: Any, value: Any) -> Any:
    """Parameters of a state as botocore takes them: names in any case, objects for strings and bytes as JSON."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        members = {name.lower(): name for name in shape.members}
        unknown = sorted(name for name in value if name.lower() not in members)
        if unknown:
            words = f'The field "{unknown[0]}" is not supported by Step Functions'
            raise stepfunctions._ExecutionError("States.Runtime", words)
        return {
            members[name.lower()]: parameters(shape.members[members[name.lower()]], given)
            for name, given in value.items()
        }
    if kind == "list" and isinstance(value, list):
        return [parameters(shape.member, given) for given in value]
    if kind == "map" and isinstance(value, dict):
        return {name: parameters(shape.value, given) for name, given in value.items()}
    if kind == "blob":
        return (value if isinstance(value, str) else _compact(value)).encode()
    if kind == "string" and isinstance(value, (dict, list)):
        return _compact(value)
    return value


def plain(value: Any) -> Any:
    """An answer of botocore as JSON."""
    if isinstance(value, dict):
        return {name: plain(given) for name, given in value.items() if name != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [plain(given) for given in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if hasattr(value, "read"):
        value = value.read()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
