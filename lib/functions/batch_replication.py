"""An S3 Batch Replication job: started, and looked at until it has ended."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from lib.functions.aws import client
from lib.functions.log import logger

ENDS = frozenset({"Complete", "Failed", "Cancelled"})
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-job-status.html."""

_log = logger(__name__)


def start(event: Mapping[str, Any]) -> dict[str, Any]:
    """Start it: `job_id`; the same execution asks for the same job. Objects that were copied before are left out."""
    partition = event["role_arn"].split(":")[1]
    generator = {
        "ExpectedBucketOwner": event["account"],
        "SourceBucket": f"arn:{partition}:s3:::{event['bucket']}",
        "EnableManifestOutput": False,
        "Filter": {"EligibleForReplication": True, "ObjectReplicationStatuses": ["NONE", "FAILED"]},
    }
    job = client("s3control", event["region"]).create_job(
        AccountId=event["account"],
        ConfirmationRequired=False,
        Operation={"S3ReplicateObject": {}},
        ManifestGenerator={"S3JobManifestGenerator": generator},
        Report={"Enabled": False},
        Priority=10,
        RoleArn=event["role_arn"],
        Description=f"Objects that were in {event['bucket']} before it was replicated",
        ClientRequestToken=hashlib.sha256(event["execution"].encode()).hexdigest(),
    )
    _log.info("the job is started", extra={"job": job["JobId"]})
    return {"job_id": job["JobId"]}


def look(event: Mapping[str, Any]) -> dict[str, Any]:
    """How far it is: `job_id`, `is_over`, `message` for people."""
    answer = client("s3control", event["region"]).describe_job(AccountId=event["account"], JobId=event["job_id"])
    job = answer["Job"]
    return {"job_id": event["job_id"], "is_over": job["Status"] in ENDS, "message": message(job)}


def message(job: Mapping[str, Any]) -> str:
    """The state of the job in words: how many objects were copied, how many were not, and why."""
    progress = job.get("ProgressSummary", {})
    copied, failed = progress.get("NumberOfTasksSucceeded", 0), progress.get("NumberOfTasksFailed", 0)
    lines = [f"S3 Batch Replication job {job['JobId']}: {job['Status']}.", f"Copied: {copied}. Not copied: {failed}."]
    reasons = job.get("FailureReasons", ())
    lines += [f"Reason: {reason.get('FailureCode')}: {reason.get('FailureReason')}" for reason in reasons]
    if failed or job["Status"] in ("Failed", "Cancelled"):
        lines.append("Objects that were not copied are missing in the secondary Region: copy them before a recovery.")
    return "\n".join(lines)


OPERATIONS = {"start": start, "look": look}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op": "start", "account", "region", "bucket", "role_arn", "execution"}` or `{"op": "look", ..., "job_id"}`."""
    return OPERATIONS[event["op"]](event)
