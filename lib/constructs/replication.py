"""What S3 may do to copy a bucket into another Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from lib.config.regions import suffix_of
from lib.constructs.acknowledge import acknowledge_wildcards
from lib.constructs.arns import Arns, behind


@dataclass(frozen=True)
class BucketKey:
    """The key that a bucket is encrypted with: what S3 is told, and how a policy says it."""

    arn: str
    resource: str
    when: Mapping[str, Mapping[str, Any]]

    @classmethod
    def known(cls, arn: str) -> BucketKey:
        """A key by its own ARN."""
        return cls(arn, arn, {})

    @classmethod
    def behind_alias(cls, arns: Arns, alias: str) -> BucketKey:
        """The key of another stack, which both know by its alias."""
        return cls(arns.alias(alias), arns.keys, behind(alias))


@dataclass(frozen=True)
class Copy:
    """A bucket and where its objects go."""

    from_bucket: str
    from_arns: Arns
    from_key: BucketKey | None
    to_bucket: str
    to_arns: Arns
    to_key: BucketKey | None
    with_deletions: bool = False
    """Whether a delete marker is copied, too."""


def replication_statements(copy: Copy) -> list[iam.PolicyStatement]:
    """What the role of a replication rule needs.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    """
    source, destination = copy.from_arns.bucket(copy.from_bucket), copy.to_arns.objects(copy.to_bucket)
    deletions = ["s3:ReplicateDelete"] if copy.with_deletions else []
    return [
        _statement(["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
        _statement(
            ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
            copy.from_arns.objects(copy.from_bucket),
        ),
        _statement(["s3:ReplicateObject", "s3:ReplicateTags", *deletions], destination),
        *_key_statements(copy),
    ]


def _key_statements(copy: Copy) -> Iterator[iam.PolicyStatement]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-config-for-kms-objects.html."""
    if copy.from_key:
        yield _key_statement(["kms:Decrypt"], copy.from_key, copy.from_arns, copy.from_bucket)
    if copy.to_key:
        # Encrypt for objects, GenerateDataKey for the bucket key that stands for many of them.
        yield _key_statement(["kms:Encrypt", "kms:GenerateDataKey"], copy.to_key, copy.to_arns, copy.to_bucket)


def _key_statement(actions: list[str], key: BucketKey, arns: Arns, bucket: str) -> iam.PolicyStatement:
    conditions = {
        "StringLike": {
            # Pages of China write either; only one of them is what KMS is told there.
            "kms:ViaService": sorted(
                {f"s3.{arns.region}.{suffix}" for suffix in ("amazonaws.com", suffix_of(arns.region))}
            ),
            "kms:EncryptionContext:aws:s3:arn": [arns.bucket(bucket), arns.objects(bucket)],
        },
        **key.when,
    }
    return iam.PolicyStatement(actions=actions, resources=[key.resource], conditions=conditions)


def _statement(actions: list[str], resource: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[resource])


def replication_role(scope: Construct, id_: str, *, copy: Copy) -> iam.Role:
    """A role that S3 takes to make this copy."""
    role = iam.Role(scope, id_, assumed_by=iam.ServicePrincipal("s3.amazonaws.com"))
    for statement in replication_statements(copy):
        role.add_to_policy(statement)
        reason = "every object of the bucket is copied; a key of another Region is known by its alias"
        acknowledge_wildcards(role, reason, resources=statement.resources)
    return role
