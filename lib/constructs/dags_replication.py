"""The replication of the user's DAGs bucket: one rule of ours beside those that are there already."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from lib.constructs.logs import Logs
from lib.constructs.replication import Copy, replication_role, replication_statements
from lib.constructs.replication_rule import ReplicationRule


class DagsReplication(Construct):
    """Our rule in the DAGs bucket's replication.

    A bucket has one role for all rules. Where others have made rules, theirs stays: `role_arn` names it, and the
    output `PolicyForTheReplicationRole` has what it needs.
    """

    def __init__(self, scope: Construct, id_: str, *, copy: Copy, role_arn: str | None, logs: Logs) -> None:
        super().__init__(scope, id_)
        role = role_arn or replication_role(self, "Role", copy=copy).role_arn
        self.rule = ReplicationRule(self, "DagsReplication", copy=copy, role_arn=role, logs=logs)
        if role_arn:
            policy = iam.PolicyDocument(statements=replication_statements(copy))
            CfnOutput(
                self,
                "PolicyForTheReplicationRole",
                description=f"What {role_arn} needs, since the rules of others keep their role",
                value=Stack.of(self).to_json_string(policy.to_json()),
            )
