"""Our rule in the replication of a bucket that others use, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions import bucket_replication, replication_rules
from lib.functions.bucket_replication import act
from lib.functions.errors import FunctionError, Misconfigured
from tests.support.custom_resources import created, deleted, updated

ROLE = "arn:aws:iam::111222333444:role/ours"
THEIRS = "arn:aws:iam::111222333444:role/theirs"
ID = "mwaa-dr-mwaa-team-primary"


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two versioned buckets in two Regions."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="here")
        client.create_bucket(Bucket="there", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
        for bucket in ("here", "there"):
            versioning(client, bucket, "Enabled")
        yield client


def versioning(client: Any, bucket: str, status: str) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def properties(**changes: str) -> dict[str, str]:
    return {
        "Region": "us-east-1",
        "Bucket": "here",
        "DestinationRegion": "us-west-2",
        "DestinationBucket": "there",
        "ReplicaKey": "",
        "Role": ROLE,
        "RuleId": ID,
        "Deletions": "YES",
        **changes,
    }


def their_rule(**changes: Any) -> dict[str, Any]:
    rule = {
        "ID": "theirs",
        "Status": "Enabled",
        "Priority": 7,
        "Filter": {"Prefix": "logs/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::there"},
    }
    return {**rule, **changes}


def has(client: Any, *rules: dict[str, Any], role: str = ROLE) -> None:
    client.put_bucket_replication(Bucket="here", ReplicationConfiguration={"Role": role, "Rules": [*rules]})


def rules(client: Any) -> dict[str, Any]:
    try:
        found = client.get_bucket_replication(Bucket="here")["ReplicationConfiguration"]["Rules"]
    except client.exceptions.ClientError:
        return {}
    return {rule["ID"]: rule for rule in found}


def test_a_bucket_without_rules_gets_ours(s3: Any) -> None:
    act(created(**properties()))

    rule = rules(s3)[ID]
    assert (rule["Status"], rule["Priority"]) == ("Enabled", 1)
    assert rule["Destination"]["Bucket"] == "arn:aws:s3:::there"


def test_a_removed_dag_is_removed_there_too() -> None:
    rule = replication_rules.our_rule(ID, destination="arn:aws:s3:::there", replica_key="", with_deletions=True)

    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}


def test_a_backup_that_is_removed_stays_there(s3: Any) -> None:
    act(created(**properties(Deletions="NO")))
    (rule,) = s3.get_bucket_replication(Bucket="here")["ReplicationConfiguration"]["Rules"]
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}


def test_the_rules_of_others_stay_as_they_are_and_ours_gets_the_next_priority(s3: Any) -> None:
    has(s3, their_rule())
    before = rules(s3)["theirs"]

    result = act(created(**properties()))

    assert rules(s3)["theirs"] == before
    assert rules(s3)[ID]["Priority"] == 8
    assert result.data == {"Others": "1"}


def test_an_update_keeps_our_priority(s3: Any) -> None:
    made = act(created(**properties()))
    ours = rules(s3)[ID]
    has(s3, ours, their_rule())

    act(updated(made.physical_id, properties(), **properties()))

    assert {name: rule["Priority"] for name, rule in rules(s3).items()} == {ID: 1, "theirs": 7}


def test_a_deletion_takes_only_ours_away(s3: Any) -> None:
    has(s3, their_rule())
    made = act(created(**properties()))

    act(deleted(made.physical_id, **properties()))

    assert set(rules(s3)) == {"theirs"}


def test_a_deletion_leaves_no_empty_configuration(s3: Any) -> None:
    made = act(created(**properties()))

    act(deleted(made.physical_id, **properties()))
    act(deleted(made.physical_id, **properties()))

    assert rules(s3) == {}


def test_a_bucket_that_is_gone_has_nothing_to_delete(s3: Any) -> None:
    act(deleted("x", **properties(Bucket="gone")))


@pytest.mark.parametrize("bucket", ["here", "there"])
def test_a_bucket_that_is_not_versioned_is_refused_in_words(s3: Any, bucket: str) -> None:
    versioning(s3, bucket, "Suspended")

    with pytest.raises(Misconfigured, match=f"versioning of the bucket {bucket} is suspended.*HINT: Enable it"):
        act(created(**properties()))


def test_the_role_of_others_is_not_replaced(s3: Any) -> None:
    has(s3, their_rule(), role=THEIRS)

    with pytest.raises(Misconfigured, match=r"with the role .*theirs.*PRIMARY_DAGS_REPLICATION_ROLE_ARN.*SKIP"):
        act(created(**properties()))
    assert set(rules(s3)) == {"theirs"}


def test_rules_of_the_first_version_are_refused() -> None:
    rule = {name: value for name, value in their_rule(Prefix="").items() if name not in ("Filter", "Priority")}

    with pytest.raises(Misconfigured, match=r"first version \(V1\)"):
        replication_rules.check({"Role": ROLE, "Rules": [rule]}, ID, bucket="here", role=ROLE)


def test_encrypted_objects_are_copied_under_the_replica_key() -> None:
    rule = replication_rules.our_rule(ID, destination="arn:aws:s3:::there", replica_key="arn:k", with_deletions=True)

    assert rule["SourceSelectionCriteria"] == {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    assert rule["Destination"]["EncryptionConfiguration"] == {"ReplicaKmsKeyID": "arn:k"}


def test_a_writer_at_the_same_time_is_noticed(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([None, {"Role": ROLE, "Rules": [their_rule()]}])
    monkeypatch.setattr(bucket_replication, "_read", lambda *_: next(answers))

    with pytest.raises(FunctionError, match="somebody else changes it; HINT: Deploy again"):
        act(created(**properties()))
