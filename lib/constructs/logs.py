"""Where functions and state machines log: groups that end, encrypted with the stack's key."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


@dataclass(frozen=True)
class Logs:
    """What all log groups of a stack share."""

    key: kms.IKey
    """Its policy has to let CloudWatch Logs use it."""
    retention_days: int
    """0: for ever."""

    def group(self, scope: Construct, id_: str) -> logs.LogGroup:
        """A log group, without a name of its own, that goes with its stack."""
        group = logs.LogGroup(scope, id_, encryption_key=self.key, removal_policy=RemovalPolicy.DESTROY)
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 - narrows what jsii cannot
        resource.retention_in_days = self.retention_days or None
        return group
