"""The job that copies what was there before, against S3 Control's own parameter checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from lib.functions import batch_replication
from lib.functions.batch_replication import handler, message

ACCOUNT = "111222333444"
PLACE = {"account": ACCOUNT, "region": "us-east-1"}
ROLE = "arn:aws:iam::111222333444:role/job"
START = {
    "op": "start",
    **PLACE,
    "bucket": "primary-dags",
    "role_arn": ROLE,
    "execution": "arn:aws:states:us-east-1:111222333444:execution:m:e",
}


@pytest.fixture
def s3control(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made = boto3.client("s3control", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    monkeypatch.setattr(batch_replication, "client", lambda *_: made)
    with Stubber(made) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_only_what_was_not_copied_yet_is_copied(s3control: Stubber) -> None:
    wanted = {
        "AccountId": ACCOUNT,
        "ConfirmationRequired": False,
        "Operation": {"S3ReplicateObject": {}},
        "ManifestGenerator": {
            "S3JobManifestGenerator": {
                "ExpectedBucketOwner": ACCOUNT,
                "SourceBucket": "arn:aws:s3:::primary-dags",
                "EnableManifestOutput": False,
                "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]},
            }
        },
        "Report": {"Enabled": False},
        "Priority": 10,
        "RoleArn": ROLE,
        "Description": ANY,
        "ClientRequestToken": ANY,
    }
    s3control.add_response("create_job", {"JobId": "job-1"}, wanted)

    assert handler(START, None) == {"job_id": "job-1"}


def test_the_same_execution_asks_for_the_same_job(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[str] = []

    class Control:
        def create_job(self, **arguments: Any) -> dict[str, str]:
            tokens.append(arguments["ClientRequestToken"])
            return {"JobId": "job-1"}

    monkeypatch.setattr(batch_replication, "client", lambda *_: Control())
    for execution in ("e1", "e1", "e2"):
        handler({**START, "execution": execution}, None)

    assert tokens[0] == tokens[1] != tokens[2]
    assert len(tokens[0]) <= 64


@pytest.mark.parametrize(
    ("status", "is_over"), [("Preparing", False), ("Active", False), ("Complete", True), ("Failed", True)]
)
def test_a_job_is_over_when_it_has_ended(s3control: Stubber, status: str, *, is_over: bool) -> None:
    expected = {"AccountId": ACCOUNT, "JobId": "job-1"}
    s3control.add_response("describe_job", {"Job": {"JobId": "job-1", "Status": status}}, expected)

    found = handler({"op": "look", **PLACE, "job_id": "job-1"}, None)

    assert (found["job_id"], found["is_over"]) == ("job-1", is_over)


def test_people_read_how_many_objects_were_copied_and_why_others_were_not() -> None:
    job = {
        "JobId": "job-1",
        "Status": "Failed",
        "ProgressSummary": {"TotalNumberOfTasks": 9, "NumberOfTasksSucceeded": 7, "NumberOfTasksFailed": 2},
        "FailureReasons": [{"FailureCode": "AccessDenied", "FailureReason": "no kms:Decrypt"}],
    }

    lines = message(job).splitlines()

    assert lines[1] == "Copied: 7. Not copied: 2."
    assert "Reason: AccessDenied: no kms:Decrypt" in lines
    assert "copy them before a recovery" in lines[-1]
