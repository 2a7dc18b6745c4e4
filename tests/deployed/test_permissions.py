"""Every call that our roles made, from the deployment to its end, against the policies they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import parliament
import pytest

from drill.aws.control import Call
from tests.support.estate import Estate, estate
from tests.support.local_aws import eventually
from tests.support.permissions import CREATION, Policies, forbidden, made, simulated, wrong

pytestmark = pytest.mark.slow

OURS = "mwaa-data-team-"
NEEDED = "airflow:CreateEnvironment"
"""What is taken from a role, once."""

PASSED = {
    "airflow.amazonaws.com": "my-mwaa-secondary-role",
    "scheduler.amazonaws.com": "HealthCheckRole",
    "s3.amazonaws.com": "Replication",
    "batchoperations.s3.amazonaws.com": "ExistingDagsJobRole",
}

_PRIVATE = "private web servers: tests/deployed/test_private.py"
_COPIED = "S3 copies by itself on the local AWS, which asks no role"
UNSEEN = {
    "AirflowCliInside": _PRIVATE,
    "DagInside": _PRIVATE,
    "OwnEnvironmentIns": _PRIVATE,
    "BackupBucketReplication": _COPIED,
    "DagsReplicationRole": _COPIED,
    "ExistingDagsJobRole": _COPIED,
    "ExistingDagsFailureReport": "tells of a copy that fails; its twin in the secondary stack acts here",
    "FunctionsApproval": "a recovery that waits for a person: tests/deployed/test_warm_standby.py",
    "FunctionsReadInput": "calls nothing",
    "FenceScheduleRole": "the schedule fires in tests/deployed/test_fence.py",
    "secondary-HealthCheckRole": "the schedule fires in tests/deployed/test_warm_standby.py",
}
"""Roles that do nothing in these runs, by words in their names, and where they do."""

INTERFACES = {f"ec2:{what}NetworkInterface" for what in ("Create", "Delete")}
INTERFACES |= {f"ec2:{what}PrivateIpAddresses" for what in ("Assign", "Unassign")}
ACCEPTED = {
    # What has no ARN yet; only with the tag of the backups.
    ("BackupKeyHandler", "RESOURCE_STAR"): {"kms:TagResource"},
    # A statement about the alias and one about its key: each is a mismatch for the other.
    ("BackupKeyHandler", "RESOURCE_MISMATCH"): {"kms:CreateAlias", "kms:DeleteAlias"},
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    ("DagInside", "RESOURCE_STAR"): INTERFACES,
    ("OwnEnvironmentIns", "RESOURCE_STAR"): INTERFACES,
    ("AirflowCliInside", "RESOURCE_STAR"): INTERFACES,
    # A statement about groups and one about the rule that is made in one.
    ("EndpointStepFunctions", "RESOURCE_MISMATCH"): {"ec2:AuthorizeSecurityGroupIngress"},
    # Executions of standard workflows; the linter wants those of express ones, too.
    ("FailureReport", "RESOURCE_MISMATCH"): {"states:DescribeExecution"},
    ("FunctionsRecords", "RESOURCE_MISMATCH"): {"states:DescribeExecution"},
    # Newer than the linter's data: the resource `quota`, and a condition on the alias of a key.
    ("FunctionsPreflight", "RESOURCE_MISMATCH"): {"servicequotas:GetServiceQuota"},
    ("BackupBucketReplication", "UNKNOWN_CONDITION_FOR_ACTION"): {"kms:Encrypt", "kms:GenerateDataKey"},
}
"""What the linter says of actions in the policy of a role with these words in its name, and why it stays."""


@dataclass(frozen=True)
class Record:
    """What was called, what was allowed, and what was told of executions that failed."""

    calls: list[Call]
    policies: Policies
    reports: list[str]

    def by(self, action: str) -> list[Call]:
        """All calls of an action."""
        return [call for call in self.calls if call.action == action]


@pytest.fixture(scope="module")
def backup_restore(land: Estate) -> Record:
    """A deployment, a healthy check, a recovery that lacks a permission, one that has all, and the fence."""
    land.put("my-mwaa-dags", "requirements.txt")
    land.aws.forget_calls()
    land.deploy()
    land.put_golden_backup()
    land.stay_healthy()
    policies = Policies.of_all(land.aws, OURS)
    ends = [land.recovered()["status"]]
    with forbidden(land.primary("iam"), "FunctionsEnvironmentRole", NEEDED):
        ends += [land.recovered(simulate_dr="YES")["status"]]
        eventually(lambda: reports(land))
    ends += [land.recovered(simulate_dr="YES")["status"], land.fenced()["status"]]
    assert ends == ["SUCCEEDED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    return recorded(land, policies)


@pytest.fixture(scope="module")
def warm_standby(backup_restore: Record, land: Estate) -> Record:
    """The same account with the other strategy and a fence that pauses; then all is destroyed."""
    land.deploy(DR_TYPE="WARM_STANDBY", FENCE_PRIMARY="YES")
    policies = Policies.of_all(land.aws, OURS)
    forced = {"simulate_dr": "YES", "force": "YES"}
    assert [land.recovered(**forced)["status"], land.fenced()["status"]] == ["SUCCEEDED", "SUCCEEDED"]
    land.destroy()
    return recorded(land, policies)


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An account, before our stacks are deployed."""
    with estate(tmp_path_factory.mktemp("land")) as made:
        yield made


@pytest.fixture(params=["backup_restore", "warm_standby"])
def record(request: pytest.FixtureRequest) -> Record:
    """Of each of the strategies."""
    found: Record = request.getfixturevalue(request.param)
    return found


def reports(land: Estate) -> list[str]:
    return [one.message for one in land.aws.messages() if " failed: " in one.subject]


def recorded(land: Estate, policies: Policies) -> Record:
    calls = made(land.aws, policies)
    land.aws.forget_calls()
    return Record(calls, policies, reports(land))


def test_every_call_is_allowed_by_the_policies_of_its_role_and_its_resource(record: Record) -> None:
    assert len({call.role for call in record.calls}) > 15
    assert wrong(record.calls, record.policies) == []


def test_every_role_acts_but_those_that_are_named(backup_restore: Record, warm_standby: Record) -> None:
    both = (backup_restore, warm_standby)
    quiet = {role for record in both for role in record.policies.of_roles}
    quiet -= {call.role for record in both for call in record.calls}
    assert [role for role in quiet if not any(words in role for words in UNSEEN)] == []
    assert [words for words in UNSEEN if not any(words in role for role in quiet)] == []


def test_a_role_that_lacks_a_permission_is_refused_and_the_report_names_it(backup_restore: Record) -> None:
    assert [call.action for call in backup_restore.calls if call.status in (401, 403)] == [NEEDED]
    (report,) = backup_restore.reports
    assert f"not authorized to perform: {NEEDED}" in report


def test_what_is_not_allowed_is_refused_by_the_simulator(backup_restore: Record) -> None:
    call = backup_restore.by("iam:PassRole")[0]
    elsewhere, unconditional = replace(call, resource=f"{call.resource}x"), replace(call, parameters={})
    others = [elsewhere, unconditional, replace(call, action="iam:GetRole")]
    assert simulated(others, backup_restore.policies) == ["single ImplicitlyDenied"] * 3


def test_each_role_is_passed_to_one_service_by_name(backup_restore: Record) -> None:
    passed = backup_restore.by("iam:PassRole")
    found = {call.parameters["iam:PassedToService"]: call.resource for call in passed}
    assert found.keys() == PASSED.keys()
    assert [service for service, role in PASSED.items() if role not in found[service]] == []
    for statements in backup_restore.policies.of_roles.values():
        for statement in statements:
            if "iam:PassRole" in statement["Action"]:
                assert "*" not in json.dumps(statement["Resource"])
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"]


def test_creating_the_environment_made_the_calls_that_mwaa_asks_of_its_caller(backup_restore: Record) -> None:
    (creator,) = {call.role for call in backup_restore.by("airflow:CreateEnvironment")}
    assert {call.action for call in backup_restore.calls if call.role == creator} >= CREATION


def test_a_linter_objects_to_nothing_but_what_has_a_reason(backup_restore: Record, warm_standby: Record) -> None:
    objections, reasons = [], set()
    for role, statements in [pair for one in (backup_restore, warm_standby) for pair in one.policies.of_roles.items()]:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        for found in parliament.analyze_policy_string(document).findings:
            known = {(words, issue) for words, issue in ACCEPTED if words in role and issue == found.issue}
            accepted = {reason for reason in known if named(found.detail) <= ACCEPTED[reason]}
            reasons |= accepted
            if not accepted:
                objections.append((role, found.issue, found.detail))
    assert objections == []
    assert reasons == ACCEPTED.keys()


def named(detail: object) -> set[str]:
    """The actions that a finding of the linter names, at least one."""
    actions = set(re.findall(r"\b[a-z0-9]+:[A-Z]\w+", str(detail))) - {"kms:ResourceAliases"}
    assert actions, detail
    return actions
