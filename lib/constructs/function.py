"""A Lambda function of `lib.functions`: one asset for all, its own logs, and a role that may nothing until told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, IgnoreMode, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from lib.config.recovery_sections import Side
from lib.constructs.acknowledge import acknowledge, acknowledge_wildcards
from lib.constructs.logs import Logs
from lib.root import ROOT

ONLY_FUNCTIONS = ("/*", "!/lib", "/lib/*", "!/lib/__init__.py", "!/lib/functions", "__pycache__", "*.pyc")
"""What the asset leaves out, as .gitignore has it: handlers are imported by the same path here and in Lambda."""


@dataclass(frozen=True)
class Network:
    """Where a function runs that has to reach a private web server: the environment's own subnets and groups."""

    vpc_id: str
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]


def network_of(side: Side) -> Network:
    """Where an environment of disaster recovery runs."""
    return Network(side.vpc_id, side.subnet_ids, side.security_group_ids)


class Function(Construct):
    """The handler of one module, `lib.functions.<module>.handler`."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        module: str,
        timeout: Duration,
        description: str,
        logs: Logs,
        vpc: Network | None = None,
        memory_mb: int = 256,
    ) -> None:
        super().__init__(scope, id_)
        self._group = logs.group(self, "Logs")
        self.role = self._role(vpc)
        self.function = lambda_.Function(
            self,
            "Function",
            # x86_64 is in every Region and partition that has MWAA; the functions wait more than they compute.
            architecture=lambda_.Architecture.X86_64,
            runtime=lambda_.Runtime.PYTHON_3_12,
            code=lambda_.Code.from_asset(str(ROOT), exclude=[*ONLY_FUNCTIONS], ignore_mode=IgnoreMode.GIT),
            handler=f"lib.functions.{module}.handler",
            timeout=timeout,
            memory_size=memory_mb,
            description=description,
            role=self.role,
            log_group=self._group,
            **(_inside(self, vpc) if vpc else {}),
        )
        acknowledge(self.function, "Python 3.12 is what the functions are tested with", "AwsSolutions-L1")

    def allow(
        self,
        *actions: str,
        on: str | Sequence[str],
        when: Mapping[str, Mapping[str, Any]] | None = None,
        because: str = "",
    ) -> None:
        """Let the function do this to these ARNs, under these conditions; `because` says why an ARN has a `*`."""
        resources = [on] if isinstance(on, str) else [*on]
        statement = iam.PolicyStatement(actions=[*actions], resources=resources, conditions=when)
        self.role.add_to_policy(statement)
        if because:
            acknowledge_wildcards(self.role, because, actions=[*actions], resources=resources)

    def _role(self, vpc: Network | None) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self._group.grant_write(role)
        if vpc:
            role.add_to_policy(_network_interfaces())
            reason = "Lambda manages the network interfaces of a function in a VPC, and has no resources for that"
            acknowledge_wildcards(role, reason, resources=["*"])
        return role


def _network_interfaces() -> iam.PolicyStatement:
    """What Lambda does with the role of a function inside a VPC.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions demands `*`.
    """
    actions = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface")
    addresses = ("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")
    return iam.PolicyStatement(actions=[f"ec2:{action}" for action in (*actions, *addresses)], resources=["*"])


def _inside(scope: Construct, network: Network) -> dict[str, Any]:
    # The zones are not known at synth; only their number counts, and nothing here depends on them.
    zones = [f"{Stack.of(scope).region}{letter}" for letter, _ in zip("abcdef", network.subnet_ids, strict=False)]
    vpc = ec2.Vpc.from_vpc_attributes(
        scope,
        "Vpc",
        vpc_id=network.vpc_id,
        availability_zones=zones,
        private_subnet_ids=[*network.subnet_ids],
    )
    reason = "nothing here makes routes in the subnets of the user"
    acknowledge(vpc, reason, "Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId")
    groups = [
        ec2.SecurityGroup.from_security_group_id(scope, f"SecurityGroup{number}", group, mutable=False)
        for number, group in enumerate(network.security_group_ids, start=1)
    ]
    return {"vpc": vpc, "vpc_subnets": ec2.SubnetSelection(subnets=vpc.private_subnets), "security_groups": groups}
