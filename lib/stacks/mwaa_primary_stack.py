"""The stack of the primary Region: backups, and their way into the secondary Region."""

from __future__ import annotations

from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import DagsReplication as Replication
from lib.constructs.airflow_cli import AirflowCli
from lib.constructs.airflow_variables import airflow_variables
from lib.constructs.batch_replication import BatchReplication
from lib.constructs.dags_replication import DagsReplication
from lib.constructs.fence import Fence
from lib.constructs.function import network_of
from lib.constructs.metadata_dags import MetadataDags
from lib.constructs.replication import BucketKey, Copy
from lib.stacks.foundation import RecoveryStack


class MwaaPrimaryStack(RecoveryStack):
    """Deployed after the secondary stack, whose bucket it copies to; a recovery does without it."""

    def __init__(self, scope: Construct, config: DisasterRecovery) -> None:
        super().__init__(
            scope, name=config.primary_stack_name, config=config, side=config.primary, other=config.secondary
        )
        key = self.backup_key()
        bucket = self.backup_bucket(key, is_copied=True)
        role = self.let_the_dags_work()
        package = self._dag_package()
        if config.deployment.dags_replication is Replication.MANAGE:
            package.node.add_dependency(self._copy_dags())
        self._airflow_settings().node.add_dependency(bucket, role, package)
        Fence(
            self,
            "Fence",
            config=config,
            network=network_of(config.primary),
            topic=self.topic,
            key=self.key,
            arns=self.arns,
            other_arns=self.other_arns,
            logs=self.logs,
        )

    def _airflow_settings(self) -> AirflowCli:
        config = self.config
        variables = airflow_variables(
            config.engine,
            alias=config.backup_key_alias,
            bucket=config.backup_bucket_name(self.side),
            topic_arn=self.topic.topic_arn,
            keys_in=[self.arns, self.other_arns],
        )
        return AirflowCli(
            self,
            "AirflowCli",
            environment=config.primary.environment_name,
            network=network_of(config.primary),
            variables=variables,
            backup_dag_id=config.recovery.export_dag_name,
            schedule=config.primary.backup_schedule,
            arns=self.arns,
            logs=self.logs,
        )

    def _dag_package(self) -> MetadataDags:
        return MetadataDags(
            self,
            "MetadataDags",
            bucket=self.side.dags_bucket_name,
            dags_s3_path=self.config.common.dags_s3_path,
            key_arn=self.side.dags_kms_key_arn,
            arns=self.arns,
            logs=self.logs,
        )

    def _copy_dags(self) -> Construct:
        """What is put into the DAGs bucket from now on, and, once, what is there already."""
        primary, secondary = self.config.primary, self.config.secondary
        copy = Copy(
            from_bucket=primary.dags_bucket_name,
            from_arns=self.arns,
            from_key=BucketKey.known(primary.dags_kms_key_arn) if primary.dags_kms_key_arn else None,
            to_bucket=secondary.dags_bucket_name,
            to_arns=self.other_arns,
            to_key=BucketKey.known(secondary.dags_kms_key_arn) if secondary.dags_kms_key_arn else None,
            with_deletions=True,
        )
        rule = DagsReplication(
            self, "DagsReplication", copy=copy, role_arn=primary.dags_replication_role_arn, logs=self.logs
        )
        existing = BatchReplication(
            self, "ExistingDags", bucket=copy.from_bucket, topic=self.topic, arns=self.arns, logs=self.logs
        )
        existing.start.node.add_dependency(rule)
        return rule
