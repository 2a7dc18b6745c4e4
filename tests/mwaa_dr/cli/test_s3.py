"""The command line on a simulated S3 and KMS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from mwaa_dr.cli.main import main
from tests.support.metadata import Metadata
from tests.support.s3 import BUCKET, simulated_s3

REGION = "us-east-1"
STORAGE = ("--storage", f"s3://{BUCKET}", "--region", REGION)


@pytest.fixture
def s3() -> Iterator[Any]:
    with simulated_s3() as client:
        yield client


def test_a_backup_under_two_keys_is_verified_and_restored_with_one_of_them(
    s3: Any, primary: Metadata, secondary: Metadata, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = boto3.client("kms", REGION), boto3.client("kms", "eu-west-1")
    keys = [client.create_key()["KeyMetadata"] for client in (here, there)]
    primary.insert("variable", key="greeting", val="a secret value", is_encrypted=False)
    arns = [part for key in keys for part in ("--kms-key-arn", key["Arn"])]

    assert main(["backup", "--database", primary.url, *STORAGE, *arns, "--s3-kms-key-arn", keys[0]["Arn"]]) == 0
    here.disable_key(KeyId=keys[0]["KeyId"])
    assert main(["verify", "--level", "data", *STORAGE]) == 0
    assert main(["restore", "--database", secondary.url, "--environment", "dr.eu-west-1", *STORAGE]) == 0
    assert secondary.one("SELECT val FROM variable") == "a secret value"

    paths = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert {path.split("/")[:2][1] for path in paths} == {"local"}
    stored = next(path for path in paths if path.endswith("variable.csv.gz.enc"))
    assert s3.head_object(Bucket=BUCKET, Key=stored)["SSEKMSKeyId"] == keys[0]["Arn"]
    assert "a secret value" not in "".join(capsys.readouterr())


def test_a_bucket_that_does_not_exist_is_one_line(
    s3: Any, primary: Metadata, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--database", primary.url, "--storage", "s3://no-such-bucket-here", "--region", REGION]) == 1
    error, hint = capsys.readouterr().err.splitlines()

    assert "does not exist" in error
    assert hint.startswith("HINT: ")
