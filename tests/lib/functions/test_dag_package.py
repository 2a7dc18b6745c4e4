"""The DAG package in the DAGs bucket: ours is put and removed, everything else stays."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions.dag_package import act
from lib.functions.errors import Misconfigured
from tests.support.custom_resources import created, deleted, updated

PREFIX = "dags/mwaa_dr/"
NEW = {"backup.py": b"dag", "framework/a.py": b"a"}


@pytest.fixture(autouse=True)
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="dags")
        client.create_bucket(Bucket="assets")
        client.put_object(Bucket="dags", Key="dags/mine.py", Body=b"mine")
        client.put_object(Bucket="dags", Key=f"{PREFIX}notes.txt", Body=b"mine too")
        yield client


def package(s3: Any, key: str, files: dict[str, bytes]) -> dict[str, str]:
    """The properties of a package that has been uploaded."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    s3.put_object(Bucket="assets", Key=key, Body=body.getvalue())
    return {"Region": "us-east-1", "Bucket": "dags", "Prefix": PREFIX, "PackageBucket": "assets", "PackageKey": key}


def keys(s3: Any) -> set[str]:
    return {one["Key"] for one in s3.list_objects_v2(Bucket="dags")["Contents"]}


OTHERS = {"dags/mine.py", f"{PREFIX}notes.txt"}


def test_every_file_becomes_an_object_below_the_folder(s3: Any) -> None:
    result = act(created(**package(s3, "1.zip", NEW)))

    assert keys(s3) == OTHERS | {f"{PREFIX}backup.py", f"{PREFIX}framework/a.py"}
    assert s3.get_object(Bucket="dags", Key=f"{PREFIX}backup.py")["Body"].read() == b"dag"
    assert (result.physical_id, result.data) == (f"s3://dags/{PREFIX}", {"Files": "2"})


def test_a_new_package_removes_what_it_has_no_more(s3: Any) -> None:
    old = package(s3, "1.zip", {**NEW, "old.py": b"old"})
    made = act(created(**old))

    act(updated(made.physical_id, old, **package(s3, "2.zip", {**NEW, "new.py": b"new"})))

    assert keys(s3) == OTHERS | {f"{PREFIX}{name}" for name in ("backup.py", "framework/a.py", "new.py")}


def test_a_deletion_removes_ours_and_nothing_else(s3: Any) -> None:
    properties = package(s3, "1.zip", NEW)
    made = act(created(**properties))

    act(deleted(made.physical_id, **properties))

    assert keys(s3) == OTHERS


def test_a_deletion_succeeds_when_bucket_or_package_is_gone(s3: Any) -> None:
    properties = package(s3, "1.zip", NEW)

    act(deleted("x", **{**properties, "Bucket": "gone"}))
    act(deleted("x", **{**properties, "PackageKey": "gone.zip"}))

    assert keys(s3) == OTHERS


def test_another_folder_is_filled_before_the_old_one_is_removed(s3: Any) -> None:
    properties = package(s3, "1.zip", NEW)
    made = act(created(**properties))

    moved = act(updated(made.physical_id, properties, **{**properties, "Prefix": "airflow/mwaa_dr/"}))

    assert f"{PREFIX}backup.py" in keys(s3)  # CloudFormation deletes the old resource afterwards
    assert "airflow/mwaa_dr/backup.py" in keys(s3)
    assert moved.physical_id != made.physical_id


def test_a_bucket_that_is_not_there_is_told_in_words(s3: Any) -> None:
    with pytest.raises(Misconfigured, match=r"cannot be written to the DAGs bucket nobodys: NoSuchBucket.*HINT"):
        act(created(**{**package(s3, "1.zip", NEW), "Bucket": "nobodys"}))
