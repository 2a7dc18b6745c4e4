"""What IAM would say to calls that were made, by a policy simulator that knows every action, resource and condition.

It is npm's @cloud-copilot/iam-simulate: the evaluation of AWS's pages over the data of the service authorization
reference, so an action on a kind of resource that it does not have is refused as AWS does.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from drill.aws.cdk import find_node
from drill.aws.control import Call

SIMULATOR = Path(__file__).with_name("simulate_policies.mjs")

FREE = {"sts:GetCallerIdentity"}
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: no permission is needed."""

UNNAMED = {"cloudwatch:GetMetricData"}
"""Metrics have no ARN: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html."""

CREATION = {
    *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "GetEnvironment")),
    *(f"ec2:Describe{what}" for what in ("Subnets", "SecurityGroups", "Vpcs")),
    *("iam:PassRole", "iam:CreateServiceLinkedRole", "s3:GetEncryptionConfiguration", "ec2:CreateVpcEndpoint"),
}
"""https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html"""

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Policies:
    """The statements of roles, and the policies of resources, by their names and ARNs."""

    of_roles: Mapping[str, Sequence[Statement]]
    of_resources: Mapping[str, Any]

    @classmethod
    def of_all(cls, aws: LocalAws, roles: str) -> Policies:
        """Those that are there now: of the roles whose name begins so, of keys, buckets and topics."""
        iam = aws.client("iam")
        names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(roles)]
        of_resources = (pair for region in aws.regions for pair in _of_resources(aws, region))
        return cls({name: _statements(iam, name) for name in names}, dict(of_resources))

    def of(self, resource: str) -> Any:
        """The policy of a resource: that of its bucket for an object."""
        is_object = resource.startswith("arn:aws:s3:::") and "/" in resource
        return self.of_resources.get(resource.partition("/")[0] if is_object else resource)


def simulated(calls: Sequence[Call], policies: Policies) -> list[str]:
    """What becomes of each call, `single Allowed` or `single ImplicitlyDenied`; `wildcard` where it has no name yet."""
    requests = [
        {
            "principal": call.caller,
            "account": call.caller.split(":")[4],
            "action": call.action,
            "resource": call.resource,
            "context": {"aws:SecureTransport": "true", **_conditions(call)},
            "identity": _document(policies.of_roles[call.role]),
            "resourcePolicy": policies.of(call.resource),
        }
        for call in calls
    ]
    done = subprocess.run(
        [find_node(), str(SIMULATOR)], input=json.dumps(requests), capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout))


def made(aws: LocalAws, policies: Policies) -> list[Call]:
    """The recorded calls of these roles that need a permission."""
    return [call for call in aws.calls() if call.role in policies.of_roles and call.action not in FREE]


def wrong(calls: Sequence[Call], policies: Policies) -> list[tuple[Call, str]]:
    """The calls that AWS would refuse, with what becomes of them."""
    found = []
    for call, verdict in zip(calls, simulated(calls, policies), strict=True):
        # What is made has no name yet: the simulator asks for every name that a policy has for its kind.
        is_new = call.resource.endswith("/*") or call.action in UNNAMED
        if verdict != ("wildcard Allowed" if is_new else "single Allowed"):
            found.append((call, verdict))
    return found


@contextmanager
def forbidden(iam: Any, role: str, action: str) -> Iterator[None]:
    """Take an action from the policies of the one role with these words in its name, as long as the block lasts."""
    (name,) = [found["RoleName"] for found in iam.list_roles()["Roles"] if role in found["RoleName"]]
    before = _documents(iam, name)
    for policy, document in before.items():
        kept = [_without(statement, action) for statement in document["Statement"]]
        assert kept != document["Statement"], f"{name} could not do {action} before"
        _put(iam, name, policy, _document([statement for statement in kept if statement["Action"]]))
    try:
        yield
    finally:
        for policy, document in before.items():
            _put(iam, name, policy, document)


def _without(statement: Statement, action: str) -> Statement:
    listed = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    return {**statement, "Action": [one for one in listed if one != action]}


def _put(iam: Any, role: str, policy: str, document: Mapping[str, Any]) -> None:
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def _statements(iam: Any, role: str) -> list[Statement]:
    return [statement for document in _documents(iam, role).values() for statement in document["Statement"]]


def _documents(iam: Any, role: str) -> dict[str, Any]:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}


def _document(statements: Sequence[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def _conditions(call: Call) -> dict[str, Any]:
    """Among the parameters of a call those that are condition keys."""
    return {name: value for name, value in call.parameters.items() if ":" in name}


def _of_resources(aws: LocalAws, region: str) -> Iterator[tuple[str, Any]]:
    kms, s3, sns = (aws.client(service, region) for service in ("kms", "s3", "sns"))
    for key in kms.list_keys()["Keys"]:
        yield key["KeyArn"], json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    for topic in (one["TopicArn"] for one in sns.list_topics()["Topics"]):
        yield topic, json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    for bucket in (one["Name"] for one in s3.list_buckets()["Buckets"]):
        with suppress(s3.exceptions.ClientError):  # NoSuchBucketPolicy
            yield f"arn:aws:s3:::{bucket}", json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
