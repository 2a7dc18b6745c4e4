"""What a request is about, as IAM sees it, where ministack knows less: more resources, condition keys, tags, transport.

AWS: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html and
.../list_awskeymanagementservice.html name the resources of an action, each of which must be allowed, and its condition
keys. A request to 127.0.0.1 stands for one over TLS, as the SDKs send it: else every policy that demands TLS refuses
it (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html, aws:SecureTransport).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, kms, tagging

from drill.aws.simulator import gateway, passing
from drill.aws.simulator.calls import Call
from drill.aws.simulator.passing import Needed
from drill.aws.simulator.workflows import tokens

_KIND_OF_ID = {
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
_JOB_OPERATION = re.compile(rb"<Operation><(\w+)")
_MADE = {"ec2:CreateVpcEndpoint": "vpc-endpoint", "ec2:AuthorizeSecurityGroupIngress": "security-group-rule"}
_JOINED = re.compile(r"(SubnetId|SecurityGroupId)\.\d+")
_OF_GROUPS = ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress")


def mend() -> None:
    """Complete what a request says of itself, and check each of its resources."""
    pin, tags_of_request, resource_of = (
        app.pin_request_origin,
        iam_actions.request_tag_context,
        iam_actions.extract_resource_arn,
    )

    def pin_as_tls(address: str, _: bool) -> None:
        pin(address, True)

    def context(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**tags_of_request(service, action, body, parameters), **conditions(action, body, parameters)}

    def first_resource(service: str, method: str, path: str, headers: dict[str, str], *rest: Any) -> str:
        body, parameters = rest[:2]
        if alias := service == "kms" and iam_actions._safe_json_field(body, "AliasName"):
            return _arn("kms", alias)
        if service == "kms" and (named := _key_named(body)):
            return str(named["Arn"])
        # The pages name no resource for an answer; that of its state machine is what policies are known to work with:
        # https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_stepfunctions.StateMachine.html#grantwbrtaskwbrresponse
        if service == "states" and (machine := tokens.machine_of(iam_actions._safe_json_field(body, "taskToken"))):
            return machine
        if service == "ec2" and iam_actions._query_param(parameters, "Action").startswith("Describe"):
            return "*"
        if service == "ec2" and (tagged := iam_actions._query_param(parameters, "ResourceId.1")):
            return _of_ec2(tagged)
        return str(resource_of(service, method, path, headers, *rest))

    app.pin_request_origin = pin_as_tls
    iam_actions.request_tag_context = context
    iam_actions.extract_resource_arn = first_resource
    tagging._RESOURCE_TAG_COLLECTORS["ec2"] = lambda: ((_of_ec2(id_), tags) for id_, tags in ec2._tags.items())
    gateway.CHECKS.append(check)


def check(call: Call, headers: dict[str, str], _: bytes) -> gateway.Answer | None:
    """The refusal of a request because of a resource that is not its first."""
    return passing.refused(call, headers, _more(call))


def conditions(action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
    """The condition keys of a request that our policies look at, but tags."""
    if action in _OF_GROUPS:
        group = ec2._security_groups.get(iam_actions._query_param(parameters, "GroupId"))
        return {"ec2:Vpc": _of_ec2(group["VpcId"])} if group else {}
    if action.startswith("kms:") and (key := _key_named(body)):
        return {"kms:ResourceAliases": [_name(arn) for arn, id_ in kms._aliases.items() if id_ == key["KeyId"]]}
    operation = _JOB_OPERATION.search(body) if action == "s3:CreateJob" else None
    return {"s3:RequestJobOperation": operation[1].decode()} if operation else {}


def _name(alias: str) -> str:
    """`alias/NAME` of an alias's ARN."""
    return alias.rpartition(":")[2]


def _key_named(body: bytes) -> dict[str, Any] | None:
    """The key that a request names by its id, its ARN, an alias, or what it has encrypted."""
    named = iam_actions._safe_json_field(body, "KeyId") or iam_actions._kms_key_id_from_ciphertext(
        iam_actions._safe_json_field(body, "CiphertextBlob")
    )
    return kms._resolve_key(named) if named else None


def _more(call: Call) -> Iterator[Needed]:
    """What a request needs beyond the action on its first resource."""
    new = _arn("ec2", f"{_MADE.get(call.action, '')}/*")
    is_tagged = "TagSpecification.1.ResourceType" in call.parameters
    if call.action in ("kms:CreateAlias", "kms:DeleteAlias"):
        key = call.parameters.get("TargetKeyId") or kms._aliases.get(call.resource)
        if key:
            yield call.action, key if key.startswith("arn:") else _arn("kms", f"key/{key}"), {}
    if call.action == "ec2:CreateVpcEndpoint":
        for name, id_ in call.parameters.items():
            if _JOINED.fullmatch(name):
                yield call.action, _of_ec2(str(id_)), {}
        yield call.action, new, {}
    if call.action == "ec2:AuthorizeSecurityGroupIngress" and is_tagged:
        yield call.action, new, {}
    if call.action in _MADE and is_tagged:
        yield "ec2:CreateTags", new, {}


def _of_ec2(id_: str) -> str:
    prefix = id_.partition("-")[0]
    return _arn("ec2", f"{_KIND_OF_ID.get(prefix, prefix)}/{id_}")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"
