"""Custom resource: our rule in the replication of a bucket, beside those of others."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from lib.functions import replication_rules
from lib.functions.aws import client, error_code, error_text
from lib.functions.cfn import Request, Result, serve
from lib.functions.errors import FunctionError, Misconfigured
from lib.functions.log import logger

_log = logger(__name__)


def act(request: Request) -> Result:
    """Properties: Region, Bucket, DestinationRegion, DestinationBucket, ReplicaKey (or empty), Role, RuleId,
    and Deletions: whether delete markers are copied, YES or NO.

    The attribute `Others` is the number of rules that others made. PUT replaces everything: what was written is read
    again and compared, since S3 has no condition for it.
    """
    properties = request.properties
    bucket = properties["Bucket"]
    s3 = client("s3", properties["Region"])
    if request.kind == "Delete":
        _remove(s3, bucket, properties["RuleId"])
        return Result(request.physical_id)
    _check_versioning(s3, bucket)
    _check_versioning(client("s3", properties["DestinationRegion"]), properties["DestinationBucket"])
    theirs = _add(s3, properties)
    return Result(f"{bucket}/{properties['RuleId']}", {"Others": str(theirs)})


def _check_versioning(s3: Any, bucket: str) -> None:
    try:
        status = s3.get_bucket_versioning(Bucket=bucket).get("Status", "never enabled")
    except ClientError as error:
        raise Misconfigured(f"the bucket {bucket} cannot be looked at: {error_text(error)}") from error
    if status != "Enabled":
        hint = f"HINT: Enable it: aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration"
        raise Misconfigured(
            f"versioning of the bucket {bucket} is {status.lower()}, and replication needs it; {hint} Status=Enabled"
        )


def _add(s3: Any, properties: Any) -> int:
    bucket, role = properties["Bucket"], properties["Role"]
    there = _read(s3, bucket)
    replication_rules.check(there, properties["RuleId"], bucket=bucket, role=role)
    partition = role.split(":")[1]
    ours = replication_rules.our_rule(
        properties["RuleId"],
        destination=f"arn:{partition}:s3:::{properties['DestinationBucket']}",
        replica_key=properties["ReplicaKey"],
        with_deletions=properties["Deletions"] == "YES",
    )
    wanted = replication_rules.with_ours(there, ours, role=role)
    _write(s3, bucket, wanted)
    theirs = len(wanted["Rules"]) - 1
    if theirs:
        _log.warning("the bucket has rules of others, which stay", extra={"bucket": bucket, "rules": theirs})
    return theirs


def _remove(s3: Any, bucket: str, rule_id: str) -> None:
    try:
        there = _read(s3, bucket)
    except ClientError as error:
        if error_code(error) == "NoSuchBucket":
            return
        raise
    if not there or len(replication_rules.others(there, rule_id)) == len(there["Rules"]):
        return
    left = replication_rules.without_ours(there, rule_id)
    if left:
        _write(s3, bucket, left)
    else:
        s3.delete_bucket_replication(Bucket=bucket)


def _read(s3: Any, bucket: str) -> dict[str, Any] | None:
    try:
        configuration: dict[str, Any] = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    except ClientError as error:
        if error_code(error) == "ReplicationConfigurationNotFoundError":
            return None
        raise
    return configuration


def _write(s3: Any, bucket: str, wanted: dict[str, Any]) -> None:
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=wanted)
    if not replication_rules.is_same(wanted, _read(s3, bucket)):
        raise FunctionError(
            f"the replication of {bucket} is not what was written: somebody else changes it; HINT: Deploy again."
        )


handler = serve(act)
