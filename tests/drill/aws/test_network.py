"""EC2 as https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ says, where the stacks and functions rely on it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import Builder

STATES = "com.amazonaws.us-east-1.states"
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}


class Vpc:
    """A VPC with a subnet and a security group."""

    def __init__(self, build: Builder) -> None:
        self.ec2 = build.client("ec2")
        self.id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        group = self.ec2.create_security_group(GroupName="group", Description="group", VpcId=self.id)
        self.group = group["GroupId"]

    def endpoint(self, **more: Any) -> dict[str, Any]:
        """A new interface endpoint for Step Functions."""
        wanted = {"VpcEndpointType": "Interface", "SubnetIds": [self.subnet], "SecurityGroupIds": [self.group]}
        made = self.ec2.create_vpc_endpoint(**{"VpcId": self.id, "ServiceName": STATES, **wanted, **more})
        return dict(made["VpcEndpoint"])

    def endpoints(self, **filters: str) -> list[str]:
        """The ids of endpoints."""
        wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        return [one["VpcEndpointId"] for one in self.ec2.describe_vpc_endpoints(Filters=wanted)["VpcEndpoints"]]


@pytest.fixture
def vpc(build: Builder) -> Vpc:
    """A VPC without endpoints."""
    return Vpc(build)


def test_a_second_endpoint_with_private_dns_is_refused_and_one_without_is_not(vpc: Vpc) -> None:
    first = vpc.endpoint(PrivateDnsEnabled=True)
    assert first["PrivateDnsEnabled"] is True
    with pytest.raises(ClientError, match=r"InvalidParameter.*conflicting DNS domain"):
        vpc.endpoint(PrivateDnsEnabled=True)
    assert vpc.endpoint(PrivateDnsEnabled=False)["PrivateDnsEnabled"] is False


def test_endpoints_are_found_by_vpc_and_service(vpc: Vpc) -> None:
    made = vpc.endpoint()
    assert vpc.endpoints(vpc_id=vpc.id, service_name=STATES) == [made["VpcEndpointId"]]
    assert vpc.endpoints(vpc_id=vpc.id, service_name="com.amazonaws.us-east-1.kms") == []
    assert made["Groups"] == [{"GroupId": vpc.group}]


def test_every_cidr_block_of_a_vpc_is_described(vpc: Vpc) -> None:
    vpc.ec2.associate_vpc_cidr_block(VpcId=vpc.id, CidrBlock="10.1.0.0/16")
    found = vpc.ec2.describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]["CidrBlockAssociationSet"]
    assert [block["CidrBlock"] for block in found] == ["10.0.0.0/16", "10.1.0.0/16"]


def test_a_rule_that_is_there_already_is_a_duplicate(vpc: Vpc) -> None:
    vpc.ec2.authorize_security_group_ingress(GroupId=vpc.group, IpPermissions=[HTTPS])
    with pytest.raises(ClientError, match=r"InvalidPermission\.Duplicate"):
        vpc.ec2.authorize_security_group_ingress(GroupId=vpc.group, IpPermissions=[HTTPS])
    vpc.ec2.revoke_security_group_ingress(GroupId=vpc.group, IpPermissions=[HTTPS])
    assert vpc.ec2.describe_security_groups(GroupIds=[vpc.group])["SecurityGroups"][0]["IpPermissions"] == []
