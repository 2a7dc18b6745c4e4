"""Custom resources of CloudFormation that a module of `lib.functions` serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aws_cdk
from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from lib.constructs.function import Function
from lib.constructs.logs import Logs


class CustomResource(Construct):
    """One resource with a function of its own: what it may do is what this resource needs."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        module: str,
        description: str,
        properties: Mapping[str, Any],
        logs: Logs,
        is_patient: bool = False,
        memory_mb: int = 256,
    ) -> None:
        """`is_patient`: the handler may raise NotReady for longer than an invocation lasts."""
        super().__init__(scope, id_)
        minutes = 15 if is_patient else 5
        self.function = Function(
            self,
            "Handler",
            module=module,
            timeout=Duration.minutes(minutes),
            description=description,
            logs=logs,
            memory_mb=memory_mb,
        )
        self.resource = aws_cdk.CustomResource(
            self,
            "Resource",
            resource_type=f"Custom::{id_}",
            service_token=self.function.function.function_arn,
            service_timeout=Duration.minutes(60 if is_patient else 2 * minutes),
            properties=properties,
        )
        if is_patient:
            self._call_itself()

    def attribute(self, name: str) -> str:
        """What the handler answered under this name."""
        return self.resource.get_att_string(name)

    def _call_itself(self) -> None:
        # Not in the role's default policy: the function depends on that one, and this one on the function.
        arn = self.function.function.function_arn
        statement = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[arn])
        policy = iam.Policy(self, "Continue", roles=[self.function.role], statements=[statement])
        self.resource.node.add_dependency(policy)
