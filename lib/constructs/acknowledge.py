"""Findings of cdk-nag that are meant to be: each with its reason, beside the code that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_lambda as lambda_
from constructs import IConstruct

WILDCARD = "AwsSolutions-IAM5"


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Say why these rules do not hold for a construct and what is in it."""
    for rule in rules:
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(
    construct: IConstruct, reason: str, *, actions: Sequence[str] = (), resources: Sequence[str] = ()
) -> None:
    """Say why a statement has `*` in its actions or resources; nothing is said where it has none."""
    stack = Stack.of(construct)
    found = [f"Action::{action}" for action in actions]
    found += [f"Resource::{_shown(stack.resolve(resource))}" for resource in resources]
    acknowledge(construct, reason, *(f"{WILDCARD}[{finding}]" for finding in found if "*" in finding))


def acknowledge_workflow(role: IConstruct, functions: Iterable[lambda_.IFunction]) -> None:
    """Say why the role of a state machine has what CDK gives it."""
    reason = "deliveries of logs and traces have no resources: see the Step Functions guide, cw-logs and xray-iam"
    acknowledge_wildcards(role, reason, resources=["*"])
    arns = [arn for function in functions for arn in function.resource_arns_for_grant_invoke]
    acknowledge_wildcards(role, "the versions of one function; there are none", resources=arns)


def _shown(resource: Any) -> str:
    """A resource as cdk-nag writes it: references stand as `<LogicalId>` or `<LogicalId.Attribute>`.

    >>> _shown({"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]})
    '<Bucket.Arn>/*'
    """
    if isinstance(resource, str):
        return resource
    ((function, value),) = resource.items()
    if function == "Fn::Join":
        separator, parts = value
        return str(separator).join(_shown(part) for part in parts)
    return f"<{'.'.join(value)}>" if function == "Fn::GetAtt" else f"<{value}>"
