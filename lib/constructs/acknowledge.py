"""Findings of cdk-nag that are meant to be: each with its reason, beside the code that it is about."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

WILDCARD = "AwsSolutions-IAM5"


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Say why these rules do not hold for a construct and what is in it."""
    for rule in rules:
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_wildcards(construct: IConstruct, reason: str, *, actions: list[str], resources: list[str]) -> None:
    """Say why a statement has `*` in its actions or resources; nothing is said where it has none."""
    found = [f"Action::{action}" for action in actions if "*" in action]
    found += [f"Resource::{resource}" for resource in resources if "*" in resource]
    acknowledge(construct, reason, *(f"{WILDCARD}[{finding}]" for finding in found))
