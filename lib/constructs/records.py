"""The table that remembers who acts, what has failed over, and what is stopped on purpose."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct


def records_table(scope: Construct, id_: str, *, name: str, retain: bool) -> dynamodb.Table:
    """A table by name, paid by request, with its past of 35 days; kept with the backups.

    Encrypted with a key of DynamoDB: it holds no secret, and a failover does not depend on a key of ours.
    """
    return dynamodb.Table(
        scope,
        id_,
        table_name=name,
        partition_key=dynamodb.Attribute(name="name", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
    )
