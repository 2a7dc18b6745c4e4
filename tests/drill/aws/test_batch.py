"""Batch Replication as https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from tests.drill.aws.test_replication import Pair, rule
from tests.support.local_aws import eventually

REPLICATE: dict[str, Any] = {"S3ReplicateObject": {}}


class Jobs:
    """Jobs of the first Region."""

    def __init__(self, aws: LocalAws) -> None:
        self.account, self.client = aws.account, aws.client("s3control")

    def create(self, token: str = "one", **more: Any) -> str:
        """The id of a job that copies what the rules of `original` have not copied yet."""
        wanted = {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]}
        manifest = {"SourceBucket": "arn:aws:s3:::original", "EnableManifestOutput": False, "Filter": wanted}
        made = self.client.create_job(
            **{
                "AccountId": self.account,
                "ConfirmationRequired": False,
                "Operation": REPLICATE,
                "Report": {"Enabled": False},
                "ClientRequestToken": token,
                "Priority": 1,
                "RoleArn": f"arn:aws:iam::{self.account}:role/batch",
                "ManifestGenerator": {"S3JobManifestGenerator": manifest},
                **more,
            }
        )
        return str(made["JobId"])

    def job(self, job: str) -> dict[str, Any]:
        """A job's description."""
        return dict(self.client.describe_job(AccountId=self.account, JobId=job)["Job"])

    def ended(self, job: str) -> dict[str, Any]:
        """A job's description once it has ended."""
        eventually(lambda: self.job(job)["Status"] in ("Complete", "Failed", "Cancelled"))
        return self.job(job)


@pytest.fixture
def jobs(aws: LocalAws) -> Jobs:
    """Jobs, done at once."""
    return Jobs(aws)


@pytest.fixture
def pair(aws: LocalAws, jobs: Jobs) -> Pair:
    """An original with two objects from before its rule."""
    pair = Pair(aws)
    for key in ("dags/a.py", "other"):
        pair.put(key)
    pair.rules(rule(Filter={"Prefix": "dags/"}))
    return pair


def test_a_job_copies_what_was_there_before_the_rule(pair: Pair, jobs: Jobs) -> None:
    done = jobs.ended(jobs.create(Description="first copy"))
    assert pair.copies() == ["dags/a.py"]
    assert (done["Status"], done["Description"]) == ("Complete", "first copy")
    tasks = done["ProgressSummary"]
    assert (tasks["TotalNumberOfTasks"], tasks["NumberOfTasksSucceeded"], tasks["NumberOfTasksFailed"]) == (1, 1, 0)
    assert done["Operation"] == REPLICATE


def test_what_was_copied_already_is_not_copied_again(pair: Pair, jobs: Jobs) -> None:
    jobs.ended(jobs.create())
    assert jobs.ended(jobs.create("two"))["ProgressSummary"]["TotalNumberOfTasks"] == 0


def test_a_copy_that_cannot_be_made_is_a_failed_task(pair: Pair, jobs: Jobs) -> None:
    pair.west.client("s3").delete_bucket(Bucket="copy")
    done = jobs.ended(jobs.create())
    assert (done["Status"], done["ProgressSummary"]["NumberOfTasksFailed"]) == ("Complete", 1)


def test_the_same_request_token_is_the_same_job(pair: Pair, jobs: Jobs) -> None:
    assert jobs.create() == jobs.create()
    assert len(jobs.client.list_jobs(AccountId=jobs.account)["Jobs"]) == 1


def test_a_job_goes_through_preparing_and_active(pair: Pair, jobs: Jobs, aws: LocalAws) -> None:
    aws.batch.pace(1)
    job = jobs.create()
    assert jobs.job(job)["Status"] == "Preparing"
    eventually(lambda: jobs.job(job)["Status"] == "Active")
    found = jobs.client.list_jobs(AccountId=jobs.account, JobStatuses=["Active"])["Jobs"]
    assert [(one["JobId"], one["Operation"]) for one in found] == [(job, "S3ReplicateObject")]
    assert jobs.ended(job)["Status"] == "Complete"


def test_a_job_that_needs_confirmation_waits_for_it(pair: Pair, jobs: Jobs) -> None:
    job = jobs.create(ConfirmationRequired=True)
    assert jobs.job(job)["Status"] == "Suspended"
    jobs.client.update_job_status(AccountId=jobs.account, JobId=job, RequestedJobStatus="Ready")
    assert jobs.ended(job)["Status"] == "Complete"


def test_a_job_is_cancelled_and_then_over(pair: Pair, jobs: Jobs, aws: LocalAws) -> None:
    aws.batch.pace(60)
    job = jobs.create()
    cancel = {"AccountId": jobs.account, "JobId": job, "RequestedJobStatus": "Cancelled"}
    jobs.client.update_job_status(**cancel)
    assert jobs.ended(job)["Status"] == "Cancelled"
    with pytest.raises(ClientError, match="JobStatusException"):
        jobs.client.update_job_status(**cancel)


def test_a_job_fails_on_demand_with_its_reason(pair: Pair, jobs: Jobs, aws: LocalAws) -> None:
    aws.batch.fail(code="ManifestGenerationFailed", reason="no permission")
    failed = jobs.ended(jobs.create())
    assert failed["FailureReasons"] == [{"FailureCode": "ManifestGenerationFailed", "FailureReason": "no permission"}]


def test_a_job_that_is_not_there_is_an_error(jobs: Jobs) -> None:
    with pytest.raises(ClientError, match="NoSuchJob"):
        jobs.job("nowhere")


def test_a_function_reaches_the_jobs_too(pair: Pair, jobs: Jobs) -> None:
    job = jobs.create()
    function = pair.east.function(
        """
        import boto3
        def handler(event, context):
            return boto3.client("s3control").describe_job(**event)["Job"]["JobId"]
        """
    )
    event = json.dumps({"AccountId": jobs.account, "JobId": job}).encode()
    answer = pair.east.client("lambda").invoke(FunctionName=function, Payload=event)
    assert json.loads(answer["Payload"].read()) == job
