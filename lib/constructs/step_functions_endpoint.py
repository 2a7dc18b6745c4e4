"""The way from a private environment to Step Functions: an interface endpoint that is adopted, or made."""

from __future__ import annotations

from aws_cdk import Stack
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.function import Network
from lib.constructs.logs import Logs


class StepFunctionsEndpoint(Construct):
    """A VPC has one endpoint with private DNS for a service: a custom resource uses it where it is there."""

    def __init__(self, scope: Construct, id_: str, *, network: Network, arns: Arns, logs: Logs) -> None:
        super().__init__(scope, id_)
        self.endpoint = CustomResource(
            self,
            "StepFunctionsEndpoint",
            module="step_functions_endpoint",
            description="Finds or makes the endpoint of Step Functions, and lets HTTPS from the VPC in",
            logs=logs,
            properties={
                "Region": arns.region,
                "VpcId": network.vpc_id,
                "SubnetIds": [*network.subnet_ids],
                "SecurityGroupIds": [*network.security_group_ids],
                "Owner": Stack.of(self).stack_name,
            },
            is_patient=True,
        )
        self._allow(network, arns)

    def _allow(self, network: Network, arns: Arns) -> None:
        function = self.endpoint.function
        vpc = arns.of("ec2", f"vpc/{network.vpc_id}")
        endpoints, groups = arns.of("ec2", "vpc-endpoint/*"), arns.of("ec2", "security-group/*")
        rules = arns.of("ec2", "security-group-rule/*")
        here = {"ArnEquals": {"ec2:Vpc": vpc}}
        describe = ("VpcEndpoints", "Vpcs", "SecurityGroupRules")
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html: no resources.
        function.allow(*(f"ec2:Describe{name}" for name in describe), on="*", because="EC2 describes all or nothing")
        places = [arns.of("ec2", f"subnet/{subnet}") for subnet in network.subnet_ids]
        places += [arns.of("ec2", f"security-group/{group}") for group in network.security_group_ids]
        reason = "an endpoint that is not there yet has no ARN"
        function.allow("ec2:CreateVpcEndpoint", on=[vpc, *places, endpoints], because=reason)
        # Private DNS: https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
        function.allow("route53:AssociateVPCWithHostedZone", on="*", because="the zone belongs to AWS")
        function.allow("ec2:CreateTags", "ec2:DeleteTags", on=[endpoints, rules], because="found, not named")
        function.allow(
            "ec2:DeleteVpcEndpoints",
            on=endpoints,
            when={"StringEquals": {"aws:ResourceTag/mwaa-dr": "created"}},
            because="only endpoints with our tag",
        )
        function.allow(
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
            on=groups,
            when=here,
            because="an adopted endpoint has groups of its own; only those of this VPC",
        )
        function.allow("ec2:AuthorizeSecurityGroupIngress", on=rules, because="a rule that is not there yet")
