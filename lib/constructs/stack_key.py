"""The key of a stack: what is logged and told is encrypted with it, and goes with the stack."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from lib.config.regions import suffix_of
from lib.constructs.arns import Arns

PUBLISHERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com")
"""Services that publish to our topics on their own: alarms and rules."""


def stack_key(scope: Construct, id_: str, *, arns: Arns, of: str) -> kms.Key:
    """A rotated key that CloudWatch Logs, alarms and rules of this account may use."""
    key = kms.Key(
        scope,
        id_,
        description=f"Logs, topics and workflows of {of}",
        enable_key_rotation=True,
        pending_window=Duration.days(7),
        removal_policy=RemovalPolicy.DESTROY,
    )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    groups = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns.of("logs", "log-group:*")}}
    logs = f"logs.{arns.region}.{suffix_of(arns.region)}"  # in China the one without its suffix is nobody
    _let(key, logs, "Encrypt", "Decrypt", "ReEncrypt*", "DescribeKey", when=groups)
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    ours = {"StringEquals": {"aws:SourceAccount": arns.account}}
    for service in PUBLISHERS:
        _let(key, service, "Decrypt", when=ours)
    return key


def _let(key: kms.Key, service: str, *actions: str, when: dict[str, Any]) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)],
            actions=["kms:GenerateDataKey*", *(f"kms:{action}" for action in actions)],
            resources=["*"],  # in the policy of a key: this key
            conditions=when,
        )
    )
