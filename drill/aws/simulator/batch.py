"""S3 Batch Operations, as far as S3 Batch Replication needs them: jobs that copy what a bucket held before its rules.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-batch.html and
https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateJob.html: a job goes from New through Preparing and
Active to Complete; with ConfirmationRequired it waits as Suspended; the same ClientRequestToken is the same job; an
object that cannot be copied is a failed task.
"""

from __future__ import annotations

import contextvars
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ministack import app
from ministack.core.iam_evaluator import enforce
from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import s3

from drill.aws.simulator import actions, enforcement, gateway, identity, replication
from drill.aws.simulator.state import door, on_reset

Answer = tuple[int, dict[str, str], bytes]

NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
DONE = ("Complete", "Failed", "Cancelled")
ECHOED = ("Operation", "Report", "ManifestGenerator", "Manifest")
LISTED = ("JobId", "Description", "Priority", "Status", "CreationTime", "TerminationDate", "ProgressSummary")
GENERATOR = "ManifestGenerator/S3JobManifestGenerator"
# What Batch Operations looks for, and how ministack calls an object that no rule has met.
NEVER_REPLICATED = "NONE"


@dataclass
class Job:
    """One job; what was sent is kept as it came."""

    id: str
    region: str
    sent: Element
    status: str = "New"
    created: str = field(default_factory=now_iso)
    ended: str = ""
    reason: str = ""
    tasks: dict[str, int] = field(default_factory=lambda: {"Total": 0, "Succeeded": 0, "Failed": 0})
    failure: tuple[str, str] | None = None

    def text(self, path: str) -> str:
        """What was sent under a path."""
        return str(self.sent.findtext(path) or "")


class Pace:
    """Seconds from New to Active, and again to Complete."""

    seconds = 0.2


_jobs: dict[str, Job] = {}
_next_failure: list[tuple[str, str]] = []


def mend() -> None:
    """Answer the jobs' paths."""
    gateway.ROUTES.append(answer)


async def answer(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer | None:
    """Answer one request, if it is about jobs."""
    match = re.fullmatch(rf"{actions.JOBS}(?:/([^/]+)(?:/(status|priority))?)?", path)
    if not match:
        return None
    action, resource = actions.of_job(method, path, get_region(), get_account_id())
    keys = enforcement.conditions(action, body, query)
    denied = app._enforce_data_plane("s3", action, headers, query, "", resource_arn=resource, service_context=keys)
    if denied:
        return denied  # type: ignore[no-any-return]
    job_id, part = match.groups()
    if not job_id:
        return _create(body) if method == "POST" else _list(query.get("jobStatuses", []))
    job = _jobs.get(job_id)
    if job is None or job.region != get_region():
        return _error("NoSuchJob", f"job {job_id} does not exist", 404)
    if part == "status":
        return _update(job, query["requestedJobStatus"][0], query.get("statusUpdateReason", [""])[0])
    return _described(job)


def _create(body: bytes) -> Answer:
    sent = _plain(fromstring(body))
    token = sent.findtext("ClientRequestToken")
    known = next((job for job in _jobs.values() if job.text("ClientRequestToken") == token), None)
    if known is None:
        if sent.find("Operation/S3ReplicateObject") is None:
            return _error("InvalidRequest", "this simulator knows S3ReplicateObject only", 400)
        known = Job(str(uuid.uuid4()), get_region(), sent)
        _jobs[known.id] = known
        if known.text("ConfirmationRequired") == "true":
            known.status = "Suspended"
        else:
            _begin(known)
    made = Element("CreateJobResult", xmlns=NAMESPACE)
    SubElement(made, "JobId").text = known.id
    return _xml(made)


def _begin(job: Job) -> None:
    job.status = "Preparing"
    _later(lambda: _activate(job))


def _activate(job: Job) -> None:
    if job.status != "Preparing":
        return
    if _next_failure:
        job.failure, job.status, job.ended = _next_failure.pop(), "Failed", now_iso()
        return
    job.status = "Active"
    _later(lambda: _run(job))


def _run(job: Job) -> None:
    if job.status == "Active":
        bucket = job.text(f"{GENERATOR}/SourceBucket").rpartition(":::")[2]
        wanted = job.sent.findall(f"{GENERATOR}/Filter/ObjectReplicationStatuses/member")
        statuses = [element.text for element in wanted]
        for key in _candidates(bucket, statuses):
            outcome = "Succeeded" if _may_replicate(job, bucket, key) and replication.again(bucket, key) else "Failed"
            job.tasks["Total"] += 1
            job.tasks[outcome] += 1
        job.status, job.ended = "Complete", now_iso()


def _candidates(bucket: str, statuses: list[str | None]) -> list[str]:
    """The keys of a bucket that rules fit and whose status is asked for."""
    objects = s3._buckets[bucket]["objects"] if bucket in s3._buckets else {}
    wanted = statuses or [NEVER_REPLICATED, "FAILED", "COMPLETED", "REPLICA"]
    return [
        key
        for key, found in objects.items()
        if (found.get("replication_status") or NEVER_REPLICATED) in wanted and replication.is_eligible(bucket, key)
    ]


def _may_replicate(job: Job, bucket: str, key: str) -> bool:
    """Whether IAM, where it is enforced, lets the job's role begin to replicate an object."""
    if not gateway.is_enforced():
        return True
    signed = identity.credentials(job.text("RoleArn"), "s3-batch-operations")["AWS_ACCESS_KEY_ID"]
    resource = f"arn:aws:s3:::{bucket}/{key}"
    return enforce(signed, "s3:InitiateReplication", "s3control", job.region, resource_arn=resource) is None


def _later(function: Any) -> None:
    timer = threading.Timer(Pace.seconds, contextvars.copy_context().run, [function])
    timer.daemon = True
    timer.start()


def _update(job: Job, wanted: str, reason: str) -> Answer:
    if job.status in DONE or wanted not in ("Ready", "Cancelled"):
        return _error("JobStatusException", f"job {job.id} is {job.status} and cannot be {wanted}", 400)
    job.reason = reason
    if wanted == "Ready":
        _begin(job)
    else:
        job.status, job.ended = "Cancelled", now_iso()
    made = Element("UpdateJobStatusResult", xmlns=NAMESPACE)
    for name, value in (("JobId", job.id), ("Status", job.status), ("StatusUpdateReason", reason)):
        SubElement(made, name).text = value
    return _xml(made)


def _list(statuses: list[str]) -> Answer:
    made = Element("ListJobsResult", xmlns=NAMESPACE)
    listed = SubElement(made, "Jobs")
    for job in _jobs.values():
        if job.region == get_region() and (not statuses or job.status in statuses):
            member = SubElement(listed, "member")
            description = _description(job)
            SubElement(member, "Operation").text = "S3ReplicateObject"
            member.extend(child for child in description if child.tag in LISTED)
    return _xml(made)


def _described(job: Job) -> Answer:
    made = Element("DescribeJobResult", xmlns=NAMESPACE)
    made.append(_description(job))
    return _xml(made)


def _description(job: Job) -> Element:
    made = Element("Job")
    values = {
        "JobId": job.id,
        "JobArn": f"arn:aws:s3:{job.region}:{get_account_id()}:job/{job.id}",
        "Status": job.status,
        "ConfirmationRequired": job.text("ConfirmationRequired"),
        "Description": job.text("Description"),
        "Priority": job.text("Priority"),
        "RoleArn": job.text("RoleArn"),
        "CreationTime": job.created,
        "TerminationDate": job.ended,
        "StatusUpdateReason": job.reason,
    }
    for name, value in values.items():
        if value:
            SubElement(made, name).text = value
    progress = SubElement(made, "ProgressSummary")
    for name, count in job.tasks.items():
        SubElement(progress, "TotalNumberOfTasks" if name == "Total" else f"NumberOfTasks{name}").text = str(count)
    if job.failure is not None:
        failure = SubElement(SubElement(made, "FailureReasons"), "member")
        SubElement(failure, "FailureCode").text, SubElement(failure, "FailureReason").text = job.failure
    made.extend(child for child in job.sent if child.tag in ECHOED)
    return made


def _plain(element: Element) -> Element:
    """The same without its name space."""
    for one in element.iter():
        one.tag = one.tag.rpartition("}")[2]
    return element


def _xml(element: Element) -> Answer:
    return 200, {"Content-Type": "application/xml"}, tostring(element, encoding="utf-8", xml_declaration=True)


def _error(code: str, message: str, status: int) -> Answer:
    made = Element("ErrorResponse")
    error = SubElement(made, "Error")
    SubElement(error, "Code").text, SubElement(error, "Message").text = code, message
    return status, {"Content-Type": "application/xml"}, tostring(made)


@door("batch/pace")
def pace(seconds: float) -> None:
    """How long each step of a job takes."""
    Pace.seconds = seconds


@door("batch/fail")
def fail(code: str, reason: str) -> None:
    """The next job ends as Failed."""
    _next_failure.append((code, reason))


@on_reset
def _forget() -> None:
    for job in _jobs.values():
        job.status = "Cancelled"
    _jobs.clear()
    _next_failure.clear()
    Pace.seconds = 0.2
