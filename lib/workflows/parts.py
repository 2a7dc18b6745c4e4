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
from lib.constructs.arns import Arns
from lib.constructs.function import Function, network_of
from lib.workflows.payloads import arn
from lib.workflows.target import Shelf, Target


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

    @property
    def shelf(self) -> Shelf:
        """The backups of the primary, in the secondary Region."""
        config = self.config
        return Shelf(self.backup_bucket, self.backup_key, config.secondary.region, config.deployment.backup_file_name)

    @property
    def target(self) -> Target:
        """The secondary environment, which has all that is bound to its Region from the configuration."""
        secondary = self.config.secondary
        kms_key_arn = arn(secondary.kms_key_arn)
        return Target(
            name=secondary.environment_name,
            arns=Arns(self.config.deployment.account_id, secondary.region),
            title="secondary environment",
            short="secondary",
            seen="$.standby",
            role_arn=str(secondary.role_arn),
            dags_bucket=secondary.dags_bucket_name,
            kms_key_arn=kms_key_arn,
            network=network_of(secondary),
            owner=self.config.workflow_name,
            own={
                "network": {
                    "subnet_ids": [*secondary.subnet_ids],
                    "security_group_ids": [*secondary.security_group_ids],
                },
                "role_arn": str(secondary.role_arn),
                "dags_bucket": secondary.dags_bucket_name,
                "dags_s3_path": self.config.common.dags_s3_path,
                "kms_key_arn": kms_key_arn,
                "config_overrides": dict(secondary.airflow_config_overrides),
            },
        )
