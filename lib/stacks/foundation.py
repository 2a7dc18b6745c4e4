"""What both stacks of disaster recovery stand on: keys, logs, a topic, the backup bucket."""

from __future__ import annotations

from aws_cdk import Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side
from lib.constructs.arns import Arns
from lib.constructs.backup_bucket import BackupBucket, Keeping
from lib.constructs.backup_key import BackupKey
from lib.constructs.execution_role import ExecutionRolePolicy, backup_statements
from lib.constructs.logs import Logs
from lib.constructs.notifications import Notifications
from lib.constructs.replication import BucketKey, Copy
from lib.constructs.stack_key import stack_key


class RecoveryStack(Stack):
    """A stack in one of the two Regions; neither refers to the other, names come from the configuration."""

    def __init__(self, scope: Construct, *, name: str, config: DisasterRecovery, side: Side, other: Side) -> None:
        account = config.deployment.account_id
        super().__init__(scope, name, stack_name=name, env=Environment(account=account, region=side.region))
        self.config = config
        self.side, self.other = side, other
        self.arns, self.other_arns = Arns(account, side.region), Arns(account, other.region)
        self.key = stack_key(self, "Key", arns=self.arns)
        self.logs = Logs(self.key, config.common.log_retention_days)
        emails = config.common.notification_emails
        self.topic = Notifications(self, "Notifications", key=self.key, emails=emails, arns=self.arns).topic

    def backup_key(self) -> kms.IKey:
        """The key of this Region's backups."""
        return BackupKey(
            self,
            "BackupKey",
            alias=self.config.backup_key_alias,
            retain=self.config.common.backup_retain,
            arns=self.arns,
            logs=self.logs,
        ).key

    def backup_bucket(self, key: kms.IKey, *, expire_days: int = 0, is_copied: bool = False) -> BackupBucket:
        """The backup bucket of this Region."""
        common = self.config.common
        return BackupBucket(
            self,
            "BackupBucket",
            name=self.config.backup_bucket_name(self.side),
            key=key,
            keeping=Keeping(common.backup_retain, common.backup_old_versions_days, expire_days),
            arns=self.arns,
            logs=self.logs,
            copy=self._copy_of_backups(key) if is_copied else None,
        )

    def let_the_dags_work(self, *more: iam.PolicyStatement) -> ExecutionRolePolicy:
        """What the execution role of this Region's environment needs."""
        statements = backup_statements(
            bucket=self.config.backup_bucket_name(self.side),
            own=self.arns,
            other=self.other_arns,
            alias=self.config.backup_key_alias,
            topic_arn=self.topic.topic_arn,
            topic_key_arn=self.key.key_arn,
        )
        return ExecutionRolePolicy(
            self,
            "ExecutionRole",
            role_arn=self.side.role_arn,
            update=self.config.common.update_execution_role,
            statements=[*statements, *more],
        )

    def _copy_of_backups(self, key: kms.IKey) -> Copy:
        return Copy(
            from_bucket=self.config.backup_bucket_name(self.side),
            from_arns=self.arns,
            from_key=BucketKey.known(key.key_arn),
            to_bucket=self.config.backup_bucket_name(self.other),
            to_arns=self.other_arns,
            to_key=BucketKey.behind_alias(self.other_arns, self.config.backup_key_alias),
        )
