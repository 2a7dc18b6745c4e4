"""What the DAGs need: a policy of an execution role that the user made, or the text of that policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from lib.constructs.acknowledge import acknowledge_wildcards
from lib.constructs.arns import Arns, behind


class ExecutionRolePolicy(Construct):
    """Attached to the role where `update` allows it, else printed as an output of the stack."""

    def __init__(
        self, scope: Construct, id_: str, *, role_arn: str, update: bool, statements: Sequence[iam.PolicyStatement]
    ) -> None:
        super().__init__(scope, id_)
        if update:
            self._attach(role_arn, statements)
        else:
            policy = iam.PolicyDocument(statements=[*statements])
            CfnOutput(
                self,
                "PolicyForTheExecutionRole",
                description=f"What {role_arn} needs, since MWAA_UPDATE_EXECUTION_ROLE=NO",
                value=Stack.of(self).to_json_string(policy.to_json()),
            )

    def _attach(self, role_arn: str, statements: Sequence[iam.PolicyStatement]) -> None:
        # The configuration refuses roles of other accounts: CloudFormation would take one of the same name in ours.
        role = iam.Role.from_role_arn(self, "Role", role_arn)
        policy = iam.Policy(self, "Policy", roles=[role], statements=[*statements])
        reason = "every backup in its bucket, and the key of the other Region by its alias"
        for statement in statements:
            acknowledge_wildcards(policy, reason, resources=statement.resources)


def backup_statements(
    *, bucket: str, own: Arns, keys_in: Iterable[Arns], alias: str, topic_arn: str, topic_key_arn: str
) -> Iterable[iam.PolicyStatement]:
    """What `mwaa_dr` does in the bucket of its Region, with keys of these Regions, and when it tells of a failure."""
    lists = ("ListBucket", "ListBucketMultipartUploads", "GetBucketLocation")
    objects = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
    yield _statement([f"s3:{name}" for name in lists], own.bucket(bucket))
    yield _statement([f"s3:{name}" for name in objects], own.objects(bucket))
    uses = ["kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"]
    yield iam.PolicyStatement(actions=uses, resources=[arns.keys for arns in keys_in], conditions=behind(alias))
    yield _statement(["sns:Publish"], topic_arn)
    yield _statement(["kms:GenerateDataKey", "kms:Decrypt"], topic_key_arn)


def rest_statement(own: Arns, environment: str) -> iam.PolicyStatement:
    """What `mwaa_dr` needs to ask its own Airflow by REST: audit log and pools are an Admin's in FAB."""
    return _statement(["airflow:InvokeRestApi"], own.airflow_role(environment, "Admin"))


def answer_statements(*state_machine_arns: str) -> Iterable[iam.PolicyStatement]:
    """What a DAG needs to answer a workflow that waits for it."""
    answers = [f"states:SendTask{answer}" for answer in ("Success", "Failure", "Heartbeat")]
    yield _statement(answers, *state_machine_arns)


def _statement(actions: list[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=[*resources])
