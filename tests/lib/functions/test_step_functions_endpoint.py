"""The endpoint of Step Functions in a VPC that is not ours: adopted where it is, opened where it is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions import https_rules, step_functions_endpoint
from lib.functions.errors import Misconfigured, NotReady
from lib.functions.step_functions_endpoint import act
from tests.support.custom_resources import created, deleted, updated

REGION = "us-west-2"
SERVICE = "com.amazonaws.us-west-2.states"


class Vpc:
    """A VPC with a subnet and a security group."""

    def __init__(self, ec2: Any) -> None:
        self.ec2 = ec2
        self.id = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=self.id, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(VpcId=self.id, GroupName="airflow", Description="x")["GroupId"]

    def properties(self, owner: str = "mwaa-team-secondary") -> dict[str, Any]:
        return {
            "Region": REGION,
            "VpcId": self.id,
            "SubnetIds": [self.subnet],
            "SecurityGroupIds": [self.group],
            "Owner": owner,
        }

    def endpoint_of_the_user(self) -> str:
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.id,
            ServiceName=SERVICE,
            VpcEndpointType="Interface",
            SubnetIds=[self.subnet],
            SecurityGroupIds=[self.group],
            PrivateDnsEnabled=True,
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def endpoints(self) -> list[str]:
        filters = [{"Name": "vpc-id", "Values": [self.id]}]
        found = self.ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
        return [one["VpcEndpointId"] for one in found if one["State"].lower() not in ("deleted", "deleting")]

    def let_in(self) -> list[tuple[str, int]]:
        (group,) = self.ec2.describe_security_groups(GroupIds=[self.group])["SecurityGroups"]
        return [(block["CidrIp"], rule["FromPort"]) for rule in group["IpPermissions"] for block in rule["IpRanges"]]


@pytest.fixture
def vpc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vpc]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Vpc(boto3.client("ec2", REGION))


def test_an_endpoint_is_made_and_https_from_the_vpc_let_in(vpc: Vpc) -> None:
    result = act(created(**vpc.properties()))

    assert vpc.endpoints() == [result.physical_id]
    assert vpc.let_in() == [("10.1.0.0/16", 443)]


def test_an_endpoint_that_is_there_is_adopted_and_never_deleted(vpc: Vpc) -> None:
    theirs = vpc.endpoint_of_the_user()

    result = act(created(**vpc.properties()))
    act(deleted(result.physical_id, **vpc.properties()))

    assert result.physical_id == theirs
    assert vpc.endpoints() == [theirs]


def test_an_update_changes_nothing_that_is_right(vpc: Vpc) -> None:
    made = act(created(**vpc.properties()))

    again = act(updated(made.physical_id, vpc.properties(), **vpc.properties()))

    assert (again, len(vpc.endpoints()), len(vpc.let_in())) == (made, 1, 1)


def test_ours_goes_with_the_last_stack_that_uses_it(vpc: Vpc) -> None:
    first, second = vpc.properties("first"), vpc.properties("second")
    made = act(created(**first))
    act(created(**second))

    act(deleted(made.physical_id, **first))
    assert vpc.endpoints() == [made.physical_id]
    act(deleted(made.physical_id, **second))
    assert vpc.endpoints() == []


def test_a_deletion_of_what_is_gone_succeeds(vpc: Vpc) -> None:
    made = act(created(**vpc.properties()))

    act(deleted(made.physical_id, **vpc.properties()))
    act(deleted(made.physical_id, **vpc.properties()))


@pytest.mark.parametrize(
    ("state", "error"), [("pending", NotReady), ("failed", Misconfigured), ("rejected", Misconfigured)]
)
def test_an_endpoint_is_waited_for_unless_it_is_broken(state: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"vpce-1.*{state}"):
        step_functions_endpoint._check_state({"VpcEndpointId": "vpce-1", "State": state})


RULE = {"IsEgress": False, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "10.1.0.0/16"}


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        (RULE, []),
        ({**RULE, "CidrIpv4": "0.0.0.0/0"}, []),
        ({**RULE, "FromPort": 0, "ToPort": 65535}, []),
        ({**RULE, "IpProtocol": "-1", "FromPort": -1, "ToPort": -1}, []),
        ({**RULE, "CidrIpv4": "10.1.0.0/17"}, ["10.1.0.0/16"]),
        ({**RULE, "FromPort": 80, "ToPort": 80}, ["10.1.0.0/16"]),
        ({**RULE, "IpProtocol": "udp"}, ["10.1.0.0/16"]),
        ({**RULE, "IsEgress": True}, ["10.1.0.0/16"]),
        ({**RULE, "CidrIpv4": None}, ["10.1.0.0/16"]),
    ],
)
def test_a_rule_is_missing_where_no_other_one_lets_https_in(rule: dict[str, Any], missing: list[str]) -> None:
    assert https_rules.uncovered(["10.1.0.0/16"], [rule]) == missing


def test_every_cidr_block_of_the_vpc_is_let_in_and_only_our_rules_go(vpc: Vpc) -> None:
    vpc.ec2.associate_vpc_cidr_block(VpcId=vpc.id, CidrBlock="10.2.0.0/16")
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.1.0.0/16"}]}
    vpc.ec2.authorize_security_group_ingress(GroupId=vpc.group, IpPermissions=[permission])

    made = act(created(**vpc.properties()))
    assert sorted(vpc.let_in()) == [("10.1.0.0/16", 443), ("10.2.0.0/16", 443)]
    act(deleted(made.physical_id, **vpc.properties()))

    assert vpc.let_in() == [("10.1.0.0/16", 443)]
