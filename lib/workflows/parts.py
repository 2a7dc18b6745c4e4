"""What a stack hands to a workflow: functions, and what they work on."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from lib.config.recovery import DisasterRecovery
from lib.constructs.function import Function


@dataclass(frozen=True)
class Functions:
    """One function for each handler of `lib.functions`, without permissions: each step allows what it needs."""

    execution_input: Function
    health_check: Function
    decide: Function
    records: Function
    approval: Function
    blueprint: Function
    freshness: Function
    attention: Function
    preflight: Function
    schedule: Function
    environment: Function
    dag_outside: Function
    dag_inside: Function
    """The same handler in the VPC of the secondary environment, for a private web server."""
    own_outside: Function
    own_inside: Function


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
    """What the topic and the logs are encrypted with."""
    log_group: logs.ILogGroup
    """Encrypted, with retention."""
    schedule_role: iam.IRole
    """What the schedule of the health check acts as; whoever switches that schedule passes it on."""
