"""Our rule in the replication of a bucket, set and removed by a custom resource."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs
from lib.constructs.replication import Copy


class ReplicationRule(CustomResource):
    """No property of a bucket: one that is adopted keeps the role of a stack that is gone.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """

    def __init__(self, scope: Construct, id_: str, *, copy: Copy, role_arn: str, logs: Logs) -> None:
        super().__init__(
            scope,
            id_,
            module="bucket_replication",
            description=f"Adds our rule to the replication of {copy.from_bucket}, and removes it",
            logs=logs,
            properties={
                "Region": copy.from_arns.region,
                "Bucket": copy.from_bucket,
                "DestinationRegion": copy.to_arns.region,
                "DestinationBucket": copy.to_bucket,
                "ReplicaKey": copy.to_key.arn if copy.from_key and copy.to_key else "",
                "Role": role_arn,
                "RuleId": f"mwaa-dr-{Stack.of(scope).stack_name}",
                "Deletions": "YES" if copy.with_deletions else "NO",
            },
        )
        source, destination = copy.from_arns.bucket(copy.from_bucket), copy.to_arns.bucket(copy.to_bucket)
        self.function.allow("s3:GetBucketVersioning", on=[source, destination])
        self.function.allow("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration", on=source)
        to_s3 = {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        self.function.allow("iam:PassRole", on=role_arn, when=to_s3)
