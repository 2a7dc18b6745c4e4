"""What all stacks stand on: keys, logs, a topic, the backup bucket of a Region."""

from __future__ import annotations

from aws_cdk import Environment, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side
from lib.config.shared import Common
from lib.constructs.arns import Arns
from lib.constructs.backup_bucket import BackupBucket, Keeping
from lib.constructs.backup_key import BackupKey
from lib.constructs.execution_role import ExecutionRolePolicy, backup_statements, rest_statement
from lib.constructs.logs import Logs
from lib.constructs.notifications import Notifications
from lib.constructs.replication import BucketKey, Copy
from lib.constructs.stack_key import stack_key


class Foundation(Stack):
    """A stack in one Region, with what it logs to, tells with and keeps backups in."""

    def __init__(self, scope: Construct, *, name: str, arns: Arns, common: Common, of: str) -> None:
        """`of`: what the stack is about, completes sentences."""
        super().__init__(scope, name, stack_name=name, env=Environment(account=arns.account, region=arns.region))
        self.arns = arns
        self.common = common
        self.key = stack_key(self, "Key", arns=arns, of=of)
        self.logs = Logs(self.key, common.log_retention_days)
        emails = common.notification_emails
        self.topic = Notifications(self, "Notifications", key=self.key, emails=emails, arns=arns).topic

    def key_of_backups(self, alias: str) -> kms.IKey:
        """The key of this Region's backups."""
        retain = self.common.backup_retain
        return BackupKey(self, "BackupKey", alias=alias, retain=retain, arns=self.arns, logs=self.logs).key

    def bucket_of_backups(
        self, name: str, key: kms.IKey, *, expire_days: int = 0, copy: Copy | None = None
    ) -> BackupBucket:
        """The backup bucket of this Region."""
        return BackupBucket(
            self,
            "BackupBucket",
            name=name,
            key=key,
            keeping=Keeping(self.common.backup_retain, self.common.backup_old_versions_days, expire_days),
            arns=self.arns,
            logs=self.logs,
            copy=copy,
        )


class RecoveryStack(Foundation):
    """A stack in one of the two Regions; neither refers to the other, names come from the configuration."""

    def __init__(self, scope: Construct, *, name: str, config: DisasterRecovery, side: Side, other: Side) -> None:
        account = config.deployment.account_id
        arns = Arns(account, side.region)
        super().__init__(scope, name=name, arns=arns, common=config.common, of="disaster recovery")
        self.config = config
        self.side, self.other = side, other
        self.other_arns = Arns(account, other.region)

    def backup_key(self) -> kms.IKey:
        """The key of this Region's backups."""
        return self.key_of_backups(self.config.backup_key_alias)

    def backup_bucket(self, key: kms.IKey, *, expire_days: int = 0, is_copied: bool = False) -> BackupBucket:
        """The backup bucket of this Region."""
        name, copy = self.config.backup_bucket_name(self.side), self._copy_of_backups(key) if is_copied else None
        return self.bucket_of_backups(name, key, expire_days=expire_days, copy=copy)

    def let_the_dags_work(self, *more: iam.PolicyStatement) -> ExecutionRolePolicy:
        """What the execution role of this Region's environment needs."""
        statements = backup_statements(
            bucket=self.config.backup_bucket_name(self.side),
            own=self.arns,
            keys_in=[self.arns, self.other_arns],
            alias=self.config.backup_key_alias,
            topic_arn=self.topic.topic_arn,
            topic_key_arn=self.key.key_arn,
        )
        if self.config.engine.is_config_only:
            more = (*more, rest_statement(self.arns, self.side.environment_name))
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
