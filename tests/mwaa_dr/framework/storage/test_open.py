"""Storage URLs as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.open import open_storage
from mwaa_dr.framework.storage.s3 import S3Storage


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("s3://my-bucket", "s3://my-bucket"),
        ("s3://my-bucket/", "s3://my-bucket"),
        ("S3://my-bucket/a/b/", "s3://my-bucket/a/b"),
        ("s3://my.old_Bucket/with space/100%", "s3://my.old_Bucket/with space/100%"),
        ("file:///srv/backups", "file:///srv/backups"),
        ("file:/srv/backups", "file:///srv/backups"),
        ("file://localhost/srv/backups", "file:///srv/backups"),
        ("file:///srv/my%20backups", "file:///srv/my%20backups"),
        ("/srv/backups", "file:///srv/backups"),
        ("/srv/a b", "file:///srv/a%20b"),
    ],
)
def test_a_url_opens_the_storage_that_it_names(url: str, opened: str) -> None:
    storage = open_storage(url, region="eu-west-1")
    assert storage.url == opened
    assert isinstance(storage, S3Storage if opened.startswith("s3") else LocalStorage)


def test_a_relative_path_and_a_home_are_folders_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert open_storage("data").url == (tmp_path / "data").as_uri()
    assert open_storage("./C:data").url.endswith("data")
    assert open_storage("~/data").url == "file:///home/me/data"


def test_what_a_url_opened_opens_again(tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "a b%20c"))
    storage.put("x", b"there")
    assert open_storage(storage.url).get("x") == b"there"


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "s3:/bucket",
        "s3://",
        "s3:///prefix",
        "s3://b/x",
        "s3://bucket with space/x",
        "s3://bucket?x=1",
        "s3://bucket/a//b",
        "s3://bucket/../x",
        "file://host/folder",
        "file://",
        "gs://bucket/x",
        "https://bucket.s3.amazonaws.com/x",
        "a\0b",
    ],
)
def test_any_other_url_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        open_storage(url)
    assert "s3://bucket/prefix" in caught.value.hint


def test_the_key_and_the_region_reach_s3() -> None:
    storage = open_storage("s3://my-bucket", kms_key_arn="arn:key", region="eu-west-1")
    assert isinstance(storage, S3Storage)
    assert storage._encryption["SSEKMSKeyId"] == "arn:key"
    assert storage._client.meta.region_name == "eu-west-1"
