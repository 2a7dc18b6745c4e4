"""Every call that our roles made, from the deployment to the end of a recovery, against the policies they have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import parliament
import pytest

from drill.aws.control import Call
from tests.support.estate import estate
from tests.support.permissions import Statement, judged, statements_of

pytestmark = pytest.mark.slow

OURS = "mwaa-data-team-"
CREATION = {
    *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "GetEnvironment")),
    *(f"ec2:Describe{what}" for what in ("Subnets", "SecurityGroups", "Vpcs")),
    *("iam:PassRole", "iam:CreateServiceLinkedRole", "s3:GetEncryptionConfiguration", "ec2:CreateVpcEndpoint"),
}
"""https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html"""

PASSED = {
    "airflow.amazonaws.com": "my-mwaa-secondary-role",
    "scheduler.amazonaws.com": "HealthCheckRole",
    "s3.amazonaws.com": "Replication",
    "batchoperations.s3.amazonaws.com": "ExistingDagsJobRole",
}
UNPROVEN = {
    "aws:RequestTag/mwaa-dr": "the tag of a key that is made, in the same call",
    "aws:ResourceTag/mwaa-dr": "the tag that the key and the endpoint were made with",
    "ec2:Vpc": "the group belongs to the VPC of the configuration",
    "iam:AWSServiceName": "the service-linked role is MWAA's",
    "s3:RequestJobOperation": "the job replicates",
}
"""Conditions that a recorded call does not show, and why they hold."""

FREE = {"sts:GetCallerIdentity"}
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: no permission is needed."""

UNNAMED = {"kms:CreateAlias", "ec2:CreateTags"}
"""Calls whose resource the local AWS does not record, although their statements name one."""

ACCEPTED = {
    "RESOURCE_STAR": "what has no ARN yet, and what Lambda does in a VPC: each with its page beside the statement",
    "RESOURCE_MISMATCH": "statements about an alias and about its key, a group and its rules, a standard execution",
    "UNKNOWN_CONDITION_FOR_ACTION": "kms:ResourceAliases, which is newer than parliament's data",
}


@dataclass(frozen=True)
class Record:
    """What was called, and what was allowed."""

    calls: list[Call]
    policies: dict[str, list[Statement]]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    """A deployment, a healthy check and a recovery; then all is destroyed."""
    with estate(tmp_path_factory.mktemp("record")) as land:
        land.put("my-mwaa-dags", "requirements.txt")
        land.aws.forget_calls()
        land.deploy()
        land.put_golden_backup()
        land.stay_healthy()
        assert [land.recovered(**flags)["status"] for flags in ({}, {"simulate_dr": "YES"})] == ["SUCCEEDED"] * 2
        names = [arn.rpartition("/")[2] for arn in land.roles()]
        policies = {name: statements_of(land.primary("iam"), name) for name in names if name.startswith(OURS)}
        land.destroy()
        calls = [call for call in land.aws.calls() if call.role in policies and call.action not in FREE]
        yield Record(calls, policies)


def test_every_call_is_allowed_by_the_policy_of_its_role(record: Record) -> None:
    assert len({call.role for call in record.calls}) > 15
    verdicts = [(call, judged(call, record.policies[call.role])) for call in record.calls]
    assert [(call.role, call.action, call.resource) for call, verdict in verdicts if not verdict.is_allowed] == []
    assert {key for _, verdict in verdicts for key in verdict.unproven} <= UNPROVEN.keys()


def test_a_call_without_its_resource_is_about_what_has_none(record: Record) -> None:
    unnamed = [call for call in record.calls if call.resource == "*" and call.action not in UNNAMED]
    for call in unnamed:
        allowed = [one for one in record.policies[call.role] if judged(call, [one]).is_allowed]
        assert any(one["Resource"] == "*" for one in allowed), call.action


def test_each_role_is_passed_to_one_service_by_name(record: Record) -> None:
    passed = [call for call in record.calls if call.action == "iam:PassRole"]
    found = {call.parameters["iam:PassedToService"]: call.resource for call in passed}
    assert found.keys() == PASSED.keys()
    assert [service for service, role in PASSED.items() if role not in found[service]] == []
    for statements in record.policies.values():
        for statement in statements:
            if "iam:PassRole" in statement["Action"]:
                assert "*" not in json.dumps(statement["Resource"])
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"]


def test_creating_the_environment_made_the_calls_that_mwaa_asks_of_its_caller(record: Record) -> None:
    (creator,) = {call.role for call in record.calls if call.action == "airflow:CreateEnvironment"}
    assert {call.action for call in record.calls if call.role == creator} >= CREATION


def test_no_policy_has_what_a_linter_objects_to(record: Record) -> None:
    for role, statements in record.policies.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        found = parliament.analyze_policy_string(document).findings
        assert [(role, one.issue, one.detail) for one in found if one.issue not in ACCEPTED] == []
