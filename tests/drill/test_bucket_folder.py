"""A DAGs folder follows its bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from drill.bucket_folder import BucketFolder
from tests.support.s3 import BUCKET, simulated_s3


@pytest.fixture
def s3() -> Iterator[Any]:
    with simulated_s3() as client:
        yield client


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_new_changed_and_deleted_objects_are_followed(s3: Any, tmp_path: Path) -> None:
    folder = BucketFolder(s3, BUCKET, "dags/", tmp_path)
    for key in ("dags/a.py", "dags/package/b.py", "dags/", "plugins/c.py"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"first")
    folder.follow()
    assert contents(tmp_path) == {"a.py": "first", "package/b.py": "first"}
    s3.put_object(Bucket=BUCKET, Key="dags/a.py", Body=b"second")
    s3.delete_object(Bucket=BUCKET, Key="dags/package/b.py")
    folder.follow()
    assert contents(tmp_path) == {"a.py": "second"}


def test_a_silent_bucket_changes_nothing(s3: Any, tmp_path: Path) -> None:
    folder = BucketFolder(s3, BUCKET, "dags/", tmp_path)
    s3.put_object(Bucket=BUCKET, Key="dags/a.py", Body=b"first")
    folder.follow()

    def silent(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    s3.meta.events.register("before-send.s3", silent)
    folder.follow()
    assert contents(tmp_path) == {"a.py": "first"}
