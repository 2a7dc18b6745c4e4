"""The replication of the user's DAGs bucket: one rule of ours beside those that are there already."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs
from lib.constructs.replication import Copy, replication_role, replication_statements


class DagsReplication(Construct):
    """Our rule in the DAGs bucket's replication, set and removed by a custom resource.

    A bucket has one role for all rules. Where others have made rules, theirs stays: `role_arn` names it, and the
    output `PolicyForTheReplicationRole` has what it needs.
    """

    def __init__(self, scope: Construct, id_: str, *, copy: Copy, role_arn: str | None, logs: Logs) -> None:
        super().__init__(scope, id_)
        role = role_arn or replication_role(self, "Role", copy=copy).role_arn
        self.rule = CustomResource(
            self,
            "DagsReplication",
            module="dags_replication",
            description="Adds our rule to the replication of the DAGs bucket, and removes it",
            logs=logs,
            properties={
                "Region": copy.from_arns.region,
                "Bucket": copy.from_bucket,
                "DestinationRegion": copy.to_arns.region,
                "DestinationBucket": copy.to_bucket,
                "ReplicaKey": copy.to_key.arn if copy.from_key and copy.to_key else "",
                "Role": role,
                "RuleId": f"mwaa-dr-{Stack.of(self).stack_name}",
            },
        )
        self._allow(copy, role)
        if role_arn:
            policy = iam.PolicyDocument(statements=replication_statements(copy))
            CfnOutput(
                self,
                "PolicyForTheReplicationRole",
                description=f"What {role_arn} needs, since the rules of others keep their role",
                value=Stack.of(self).to_json_string(policy.to_json()),
            )

    def _allow(self, copy: Copy, role: str) -> None:
        function = self.rule.function
        source, destination = copy.from_arns.bucket(copy.from_bucket), copy.to_arns.bucket(copy.to_bucket)
        function.allow("s3:GetBucketVersioning", on=[source, destination])
        function.allow("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration", on=source)
        function.allow("iam:PassRole", on=role, when={"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}})
