"""What the functions and the state machine of a workflow are allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from docs.specimen import Specimen, text
from tests.support.workflows import warm_standby, workflow

Json = dict[str, Any]

SECONDARY = "arn:aws:airflow:us-west-2:111222333444:environment/mwaa-secondary"
PRIMARY = "arn:aws:airflow:us-east-1:111222333444:environment/mwaa-primary"

WITHOUT_RESOURCES = {
    "airflow:ListEnvironments",
    "cloudwatch:GetMetricData",
    "logs:DescribeLogGroups",
    *(f"ec2:Describe{what}" for what in ("Subnets", "SecurityGroups", "Vpcs", "VpcEndpoints")),
    *(f"ec2:Describe{what}" for what in ("NetworkInterfaces", "DhcpOptions")),
}
"""Actions that can only be allowed on everything; the comments in allowances.py name the pages."""

CALLER_OF_CREATE_ENVIRONMENT = {
    *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "GetEnvironment")),
    *("iam:PassRole", "iam:CreateServiceLinkedRole", "s3:GetEncryptionConfiguration"),
    *(action for action in WITHOUT_RESOURCES if action.startswith("ec2:")),
    *("ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint", "ec2:CreateTags", "ec2:CreateNetworkInterface"),
    *("ec2:CreateNetworkInterfacePermission", "ec2:AttachNetworkInterface"),
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups"),
}
"""https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html"""

BOTH = pytest.mark.parametrize("strategy", [workflow, warm_standby], ids=["backup_restore", "warm_standby"])


@BOTH
def test_only_what_knows_no_resources_is_allowed_on_all(strategy: Callable[..., Specimen]) -> None:
    found = strategy()
    names = [function["Properties"]["Description"] for function in found.resources("AWS::Lambda::Function").values()]
    everywhere = {
        action
        for name in names
        for statement in _statements(found, name)
        if statement["Resource"] == "*"
        for action in _actions(statement)
    }
    assert everywhere <= WITHOUT_RESOURCES


@BOTH
def test_roles_are_passed_only_by_name_and_to_a_named_service(strategy: Callable[..., Specimen]) -> None:
    found = strategy()
    passed = [
        statement
        for name in ("environment", "schedule")
        for statement in _statements(found, name)
        if "iam:PassRole" in _actions(statement)
    ]
    assert passed
    assert all("*" not in json.dumps(statement["Resource"]) for statement in passed)
    assert all(statement["Condition"]["StringEquals"]["iam:PassedToService"] for statement in passed)


def test_who_creates_the_environment_may_do_all_that_mwaa_asks_of_its_caller() -> None:
    allowed = {action for statement in _statements(workflow(), "environment") for action in _actions(statement)}
    assert allowed >= CALLER_OF_CREATE_ENVIRONMENT
    key = "arn:aws:kms:us-west-2:111222333444:key/00000000-0000-0000-0000-000000000001"
    with_key = _statements(workflow(SECONDARY_KMS_KEY_ARN=key), "environment")
    assert {"kms:CreateGrant", "kms:DescribeKey"} <= _allowed_on(with_key, key)


def test_a_warm_standby_is_neither_created_nor_deleted() -> None:
    assert _allowed_on(_statements(warm_standby(), "environment"), SECONDARY) == {"airflow:GetEnvironment"}


@BOTH
def test_the_primary_is_only_looked_at(strategy: Callable[..., Specimen]) -> None:
    found = strategy()
    names = [function["Properties"]["Description"] for function in found.resources("AWS::Lambda::Function").values()]
    assert {action for name in names for action in _allowed_on(_statements(found, name), PRIMARY)} == {
        "airflow:GetEnvironment"
    }


@BOTH
def test_who_looks_at_the_newest_backup_reads_nothing_that_is_in_it(strategy: Callable[..., Specimen]) -> None:
    read = [one for one in _statements(strategy(), "freshness") if "s3:GetObject" in _actions(one)]
    names = {text(resource).rpartition("/data/")[2] for one in read for resource in one["Resource"]}
    assert names == {"mwaa-primary.us-east-1/*/manifest.json", "mwaa-primary.us-east-1/*/report.json"}


@BOTH
def test_who_tells_what_needs_attention_only_remembers_and_tells(strategy: Callable[..., Specimen]) -> None:
    allowed = {action for one in _statements(strategy(), "attention") for action in _actions(one)}
    ours = {action for action in allowed if not action.startswith(("logs:", "kms:"))}
    assert ours == {"dynamodb:GetItem", "dynamodb:PutItem", "sns:Publish"}


@BOTH
def test_who_only_keeps_records_uses_no_key(strategy: Callable[..., Specimen]) -> None:
    """They are encrypted with a key of DynamoDB: a recovery does not depend on ours."""
    found = strategy()
    for name in ("health_check", "decide", "records"):
        assert not [one for one in _statements(found, name) if "kms:" in json.dumps(_actions(one))]


def test_the_lease_of_an_execution_that_ended_can_be_taken_over() -> None:
    executions = "arn:aws:states:us-west-2:111222333444:execution:mwaa-team-recovery:*"
    assert _allowed_on(_statements(workflow(), "records"), executions) == {"states:DescribeExecution"}


@pytest.mark.parametrize("name", ["dag_inside", "dag_outside", "own_inside", "own_outside"])
def test_airflow_is_reached_by_either_copy(name: str) -> None:
    statements = _statements(workflow(), name)
    role = "arn:aws:airflow:us-west-2:111222333444:role/mwaa-secondary/Admin"
    assert _allowed_on(statements, SECONDARY) == {"airflow:CreateCliToken"}
    assert _allowed_on(statements, role) == {"airflow:InvokeRestApi"}


def test_the_state_machine_may_ask_each_function_that_it_asks_and_tell_people() -> None:
    found = workflow(FAILOVER_APPROVAL="MANUAL")
    (machine,) = found.resources("AWS::StepFunctions::StateMachine").values()
    statements = [*_of_role(found, machine["Properties"]["RoleArn"]["Fn::GetAtt"][0])]
    asked = json.dumps([statement["Resource"] for statement in statements])
    assert [id_ for id_ in found.resources("AWS::Lambda::Function") if id_ not in asked] == []
    allowed = {action for statement in statements for action in _actions(statement)}
    assert {"sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"} <= allowed


def _statements(workflow: Specimen, function: str) -> list[Json]:
    (found,) = (
        resource["Properties"]
        for resource in workflow.resources("AWS::Lambda::Function").values()
        if resource["Properties"]["Description"] == function
    )
    return [*_of_role(workflow, found["Role"]["Fn::GetAtt"][0])]


def _of_role(workflow: Specimen, role: str) -> Iterator[Json]:
    for policy in workflow.resources("AWS::IAM::Policy").values():
        if {"Ref": role} in policy["Properties"]["Roles"]:
            yield from policy["Properties"]["PolicyDocument"]["Statement"]


def _actions(statement: Json) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def _allowed_on(statements: list[Json], arn: str) -> set[str]:
    return {
        action
        for statement in statements
        if arn in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
        for action in _actions(statement)
    }
