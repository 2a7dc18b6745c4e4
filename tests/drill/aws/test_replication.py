"""Replication as https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html says."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from tests.support.local_aws import Builder

ROLE = "arn:aws:iam::000000000000:role/replication"


def rule(priority: int = 1, **more: Any) -> dict[str, Any]:
    """A rule of the current form that copies everything to `copy`."""
    return {
        "ID": f"rule-{priority}",
        "Priority": priority,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copy"},
        **more,
    }


class Pair:
    """A bucket in the first Region and its copy in the second."""

    def __init__(self, aws: LocalAws) -> None:
        self.east, self.west = Builder(aws), Builder(aws, "us-west-2")
        self.east.bucket("original")
        self.west.bucket("copy")
        self.s3 = self.east.client("s3")

    def rules(self, *rules: dict[str, Any]) -> None:
        """Put these rules."""
        wanted = {"Role": ROLE, "Rules": list(rules)}
        self.s3.put_bucket_replication(Bucket="original", ReplicationConfiguration=wanted)

    def put(self, key: str, **more: Any) -> None:
        """Write an object."""
        self.s3.put_object(Bucket="original", Key=key, Body=b"x", **more)

    def copies(self, bucket: str = "copy") -> list[str]:
        """The keys in the copy."""
        found = self.west.client("s3").list_objects_v2(Bucket=bucket)
        return [item["Key"] for item in found.get("Contents", [])]

    def status(self, key: str) -> str:
        """The replication status of an object."""
        return str(self.s3.head_object(Bucket="original", Key=key).get("ReplicationStatus"))


@pytest.fixture
def pair(aws: LocalAws) -> Pair:
    """Two buckets without rules."""
    return Pair(aws)


def test_what_is_written_after_the_rule_is_copied_and_nothing_from_before(pair: Pair) -> None:
    pair.put("before")
    pair.rules(rule())
    pair.put("after")
    assert pair.copies() == ["after"]
    assert pair.status("after") == "COMPLETED"
    assert pair.west.client("s3").head_object(Bucket="copy", Key="after")["ReplicationStatus"] == "REPLICA"


def test_a_large_upload_in_parts_is_copied(pair: Pair) -> None:
    pair.rules(rule())
    upload = pair.s3.create_multipart_upload(Bucket="original", Key="large")["UploadId"]
    part = pair.s3.upload_part(Bucket="original", Key="large", UploadId=upload, PartNumber=1, Body=b"x" * 10)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    pair.s3.complete_multipart_upload(Bucket="original", Key="large", UploadId=upload, MultipartUpload=parts)
    assert pair.copies() == ["large"]


def test_each_destination_gets_its_copy(pair: Pair) -> None:
    pair.west.bucket("theirs")
    theirs = rule(2, Destination={"Bucket": "arn:aws:s3:::theirs"})
    pair.rules(rule(1, Filter={"Prefix": "dags/"}), theirs)
    pair.put("dags/a.py")
    pair.put("other")
    assert pair.copies() == ["dags/a.py"]
    assert pair.copies("theirs") == ["dags/a.py", "other"]


@pytest.mark.parametrize(("status", "left"), [("Enabled", []), ("Disabled", ["a"])])
def test_a_delete_marker_is_copied_by_the_rule(pair: Pair, status: str, left: list[str]) -> None:
    pair.rules(rule(DeleteMarkerReplication={"Status": status}))
    pair.put("a")
    pair.s3.delete_object(Bucket="original", Key="a")
    assert pair.copies() == left


def test_deleting_a_version_is_never_copied(pair: Pair) -> None:
    pair.rules(rule(DeleteMarkerReplication={"Status": "Enabled"}))
    version = pair.s3.put_object(Bucket="original", Key="a", Body=b"x")["VersionId"]
    pair.s3.delete_object(Bucket="original", Key="a", VersionId=version)
    assert pair.copies() == ["a"]


def test_what_a_kms_key_encrypts_is_copied_only_when_the_rule_selects_it(pair: Pair) -> None:
    key = "arn:aws:kms:us-west-2:000000000000:alias/backups"
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/primary"}
    pair.rules(rule())
    pair.put("ignored", **encrypted)
    destination = {"Bucket": "arn:aws:s3:::copy", "EncryptionConfiguration": {"ReplicaKmsKeyID": key}}
    selected = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    pair.rules(rule(SourceSelectionCriteria=selected, Destination=destination))
    pair.put("selected", **encrypted)
    assert pair.copies() == ["selected"]
    assert pair.west.client("s3").head_object(Bucket="copy", Key="selected")["SSEKMSKeyId"] == key


def test_replication_lags_on_demand_and_catches_up(pair: Pair, aws: LocalAws) -> None:
    pair.rules(rule())
    aws.hold_replication("original", after=1)
    for key in ("one", "two", "three"):
        pair.put(key)
    assert pair.copies() == ["one"]
    assert pair.status("three") == "PENDING"
    assert aws.release_replication("original") == 2
    assert pair.copies() == ["one", "three", "two"]
    assert pair.status("three") == "COMPLETED"


def test_rules_need_versioned_buckets_that_exist(pair: Pair) -> None:
    nowhere = rule(Destination={"Bucket": "arn:aws:s3:::nowhere"})
    with pytest.raises(ClientError, match="Destination bucket must exist"):
        pair.rules(nowhere)
    pair.west.bucket("plain", versioned=False)
    with pytest.raises(ClientError, match="must have versioning enabled"):
        pair.rules(rule(Destination={"Bucket": "arn:aws:s3:::plain"}))
