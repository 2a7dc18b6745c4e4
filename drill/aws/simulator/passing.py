"""Who hands a role to a service needs iam:PassRole for it, and the role must trust the service.

AWS: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html; what creating an MWAA environment
needs besides: https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html. Refused only where IAM is
enforced, recorded always.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ministack.core import iam_actions, iam_evaluator, router
from ministack.services import iam

from drill.aws.simulator import calls, gateway
from drill.aws.simulator.calls import Call

Needed = tuple[str, str, dict[str, str]]  # action, resource, condition keys

# Action -> where in its parameters the role is, and the service that gets it.
PASSED = {
    "states:CreateStateMachine": ("roleArn", "states.amazonaws.com"),
    "states:UpdateStateMachine": ("roleArn", "states.amazonaws.com"),
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "scheduler:CreateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
    "scheduler:UpdateSchedule": ("Target.RoleArn", "scheduler.amazonaws.com"),
    "airflow:CreateEnvironment": ("ExecutionRoleArn", "airflow.amazonaws.com"),
    "airflow:UpdateEnvironment": ("ExecutionRoleArn", "airflow.amazonaws.com"),
    "s3:PutReplicationConfiguration": ("Role", "s3.amazonaws.com"),
    "s3:CreateJob": ("RoleArn", "batchoperations.s3.amazonaws.com"),
}
_IN_XML = re.compile(rb"<(?:Role|RoleArn)>([^<]+)</")


def mend() -> None:
    """Check before a request is dispatched."""
    gateway.CHECKS.append(check)


def check(call: Call, headers: dict[str, str], body: bytes) -> gateway.Answer | None:
    """The refusal of a request that passes a role, or creates an environment, without being allowed to."""
    return refused(call, headers, (*_passed(call, body), *_of_environment(call)))


def refused(call: Call, headers: dict[str, str], needs: Iterable[Needed]) -> gateway.Answer | None:
    """The refusal of a request whose caller may not do all that it needs; each need is recorded."""
    for action, resource, context in needs:
        is_allowed = not gateway.is_enforced() or _is_allowed(call, headers, action, resource, context)
        status = 200 if is_allowed else 403
        service = action.partition(":")[0]
        conditions = {**context, **calls.tags_of(resource)}
        calls.RECORDER.add(Call(call.caller, service, action, resource, call.region, status, conditions))
        if not is_allowed:
            return _denied(call, headers, action, resource_arn=resource)
        taker = context.get("iam:PassedToService")
        if taker and gateway.is_enforced() and not _trusts(resource, taker):
            words = f"{taker} is not authorized to assume the provided role {resource}"
            return _denied(call, headers, call.action, message=words)
    return None


def _denied(call: Call, headers: dict[str, str], action: str, **more: str) -> gateway.Answer:
    answer: gateway.Answer = iam_actions.access_denied_response(
        call.service, action, call.caller, "", headers=headers, **more
    )
    return answer


def _passed(call: Call, body: bytes) -> Iterator[Needed]:
    if call.action not in PASSED:
        return
    path, service = PASSED[call.action]
    found: Any = call.parameters
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if found is None and call.service == "s3":
        in_xml = _IN_XML.search(body)
        found = in_xml[1].decode() if in_xml else None
    if found:
        yield "iam:PassRole", str(found), {"iam:PassedToService": service}


def _of_environment(call: Call) -> Iterator[Needed]:
    """What MWAA does in the name of who creates an environment."""
    if call.action != "airflow:CreateEnvironment":
        return
    account = call.resource.split(":")[4]
    service_role = "aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA"
    yield (
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{account}:role/{service_role}",
        {"iam:AWSServiceName": "airflow.amazonaws.com"},
    )
    yield "s3:GetEncryptionConfiguration", str(call.parameters.get("SourceBucketArn", "*")), {}
    yield "ec2:CreateVpcEndpoint", f"arn:aws:ec2:{call.region}:{account}:vpc-endpoint/*", {}
    for action in ("ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"):
        yield action, "*", {}
    if call.parameters.get("Tags"):
        yield "airflow:TagResource", call.resource, {}
    if call.parameters.get("KmsKey"):
        for action in ("kms:DescribeKey", "kms:CreateGrant"):
            yield action, str(call.parameters["KmsKey"]), {}


def _is_allowed(call: Call, headers: dict[str, str], action: str, resource: str, context: dict[str, str]) -> bool:
    key = router.extract_access_key_id(headers, {})
    service = action.partition(":")[0]
    denied = iam_evaluator.enforce(key, action, service, call.region, resource_arn=resource, service_context=context)
    return denied is None


def _trusts(role: str, service: str) -> bool:
    found = iam._roles.get(role.rsplit("/", 1)[-1])
    if found is None:
        return False
    document = json.loads(found["AssumeRolePolicyDocument"])
    return any(
        iam_evaluator._service_principal_matches(statement.get("Principal"), service)
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
    )
