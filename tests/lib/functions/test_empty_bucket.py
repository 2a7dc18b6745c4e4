"""A bucket is emptied with all its past before it goes, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions import empty_bucket
from lib.functions.empty_bucket import act
from lib.functions.errors import NotReady
from tests.support.custom_resources import created, deleted, updated

BUCKET = {"Region": "us-east-1", "Bucket": "backups"}


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket with two versions of an object, one deleted object, and one object."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="backups")
        client.put_bucket_versioning(Bucket="backups", VersioningConfiguration={"Status": "Enabled"})
        for key in ("a", "a", "b", "c"):
            client.put_object(Bucket="backups", Key=key, Body=b"x")
        client.delete_object(Bucket="backups", Key="b")
        yield client


def test_a_deletion_leaves_no_version_and_no_delete_marker(s3: Any) -> None:
    act(deleted("backups", **BUCKET))

    left = s3.list_object_versions(Bucket="backups")
    assert (left.get("Versions"), left.get("DeleteMarkers")) == (None, None)


def test_nothing_but_a_deletion_touches_an_object(s3: Any) -> None:
    act(created(**BUCKET))
    act(updated("backups", BUCKET, **BUCKET))

    assert len(s3.list_object_versions(Bucket="backups")["Versions"]) == 4


def test_a_bucket_that_is_gone_is_empty() -> None:
    act(deleted("gone", Region="us-east-1", Bucket="gone"))


def test_a_large_bucket_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(empty_bucket, "PAGES", 1)

    with pytest.raises(NotReady, match="backups is not empty yet"):
        act(deleted("backups", **BUCKET))
