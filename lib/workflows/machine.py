"""The state machine that a story runs in: logged without its data, traced, and with an end."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.constructs.workflow_logs import without_data
from lib.workflows.environment_allowances import ENCRYPT
from lib.workflows.story import Part


def machine_role(scope: Construct, *, topic_key: kms.IKey | None = None) -> iam.Role:
    """What a state machine acts as; with the key of a topic it may publish there."""
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html: the confused deputy
    ours = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com", conditions=ours))
    if topic_key:
        # The topic is encrypted: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        role.add_to_policy(iam.PolicyStatement(actions=[*ENCRYPT], resources=[topic_key.key_arn]))
    return role


def state_machine(
    scope: Construct, *, name: str, told: Part, role: iam.IRole, timeout: Duration, log_group: logs.ILogGroup
) -> sfn.StateMachine:
    """The machine of a story that is told.

    Not encrypted with a customer key: then whoever answers a task token, the execution role, would need it.
    """
    return sfn.StateMachine(
        scope,
        "StateMachine",
        state_machine_name=name,
        definition_body=sfn.DefinitionBody.from_chainable(sfn.Chain.start(told.first)),
        role=role,
        timeout=timeout,
        tracing_enabled=True,
        logs=without_data(log_group),
    )
