"""The bucket of a Region's backups: versioned, encrypted with a key of its own, and kept when the stack goes."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from lib.constructs.acknowledge import acknowledge
from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs
from lib.constructs.replication import Copy, replication_role
from lib.constructs.replication_rule import ReplicationRule

BACKUPS = "data/"
"""Below it the DAG package keeps its backups (DR_PATH_PREFIX); the blueprint lies outside and never expires."""


@dataclass(frozen=True)
class Keeping:
    """How long things stay in a backup bucket."""

    retain: bool
    """Whether the bucket outlives the stack."""
    old_versions_days: int
    expire_days: int = 0
    """When backups expire; 0: never."""


class BackupBucket(Construct):
    """The bucket, and its copy in another Region where `copy` says so."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        key: kms.IKey,
        keeping: Keeping,
        arns: Arns,
        logs: Logs,
        copy: Copy | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            lifecycle_rules=_lifecycle(keeping),
            removal_policy=RemovalPolicy.RETAIN if keeping.retain else RemovalPolicy.DESTROY,
        )
        reason = "who reads backups is in CloudTrail's data events, which belong to the account and not to this stack"
        acknowledge(self.bucket, reason, "AwsSolutions-S1")
        if copy:
            self._replicate(copy, logs)
        if not keeping.retain:
            self._empty_before_it_goes(name, arns, logs)

    def _replicate(self, copy: Copy, logs: Logs) -> None:
        """Without delete markers: what is deleted in the primary Region stays in the other until it expires there."""
        role = replication_role(self, "Replication", copy=copy)
        rule = ReplicationRule(self, "BackupReplication", copy=copy, role_arn=role.role_arn, logs=logs)
        rule.node.add_dependency(self.bucket)

    def _empty_before_it_goes(self, name: str, arns: Arns, logs: Logs) -> None:
        emptying = CustomResource(
            self,
            "EmptyBucket",
            module="empty_bucket",
            description="Deletes all backups when the stack goes, as BACKUP_RETAIN=NO says",
            logs=logs,
            properties={"Region": arns.region, "Bucket": self.bucket.bucket_name},
            is_patient=True,
        )
        emptying.function.allow("s3:ListBucketVersions", on=arns.bucket(name))
        emptying.function.allow(
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            on=arns.objects(name),
            because="BACKUP_RETAIN=NO deletes every object of this bucket",
        )


def _lifecycle(keeping: Keeping) -> list[s3.LifecycleRule]:
    rules = [
        s3.LifecycleRule(
            id="OldVersions",
            noncurrent_version_expiration=Duration.days(keeping.old_versions_days),
            expired_object_delete_marker=True,
        ),
        s3.LifecycleRule(id="UnfinishedUploads", abort_incomplete_multipart_upload_after=Duration.days(7)),
    ]
    if keeping.expire_days:
        expiration = Duration.days(keeping.expire_days)
        rules.append(s3.LifecycleRule(id="Backups", prefix=BACKUPS, expiration=expiration))
    return rules
