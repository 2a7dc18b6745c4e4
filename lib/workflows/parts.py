"""What a stack hands to a workflow: functions, and what they work on."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from lib.config.recovery import DisasterRecovery


@dataclass(frozen=True)
class Functions:
    """One function for each handler of `lib.functions`, without permissions: each step grants what it needs."""

    execution_input: lambda_.IFunction
    health_check: lambda_.IFunction
    decide: lambda_.IFunction
    records: lambda_.IFunction
    approval: lambda_.IFunction
    blueprint: lambda_.IFunction
    preflight: lambda_.IFunction
    schedule: lambda_.IFunction
    environment: lambda_.IFunction
    dag_outside: lambda_.IFunction
    dag_inside: lambda_.IFunction
    """The same handler in the VPC of the secondary environment, for a private web server."""
    own_outside: lambda_.IFunction
    own_inside: lambda_.IFunction


@dataclass(frozen=True)
class RecoveryParts:
    """All that a recovery workflow works with; everything is in the secondary Region."""

    config: DisasterRecovery
    functions: Functions
    records: dynamodb.ITable
    topic: sns.ITopic
    backup_bucket: s3.IBucket
    backup_key: kms.IKey
    """What the backup bucket is encrypted with."""
    key: kms.IKey
    """What the topic, the records and the logs are encrypted with; its policy lets CloudWatch Logs use it."""
    log_group: logs.ILogGroup
    """Encrypted, with retention; its name begins with /aws/vendedlogs/states/, as Step Functions advises."""
