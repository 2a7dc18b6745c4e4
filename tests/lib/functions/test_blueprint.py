"""A blueprint is stored while the environment is well, only when it changed, and never half understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions.blueprint import Shelf, handler, read
from lib.functions.blueprint_fields import carried
from lib.functions.errors import BlueprintMissing, Misconfigured, NotReady
from tests.support.environments import PRIMARY, STATUSES, an_environment
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

REGION = "us-west-2"
SHELF = Shelf("backups", "environment.json", REGION)
STORE = {"op": "store", "environment": PRIMARY, "bucket": "backups", "key": "environment.json", "bucket_region": REGION}


@pytest.fixture
def aws() -> Iterator[StubbedAws]:
    with mock_aws(), stubbed_aws() as aws:
        yield aws


@pytest.fixture
def s3(aws: StubbedAws) -> Any:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket="backups", VersioningConfiguration={"Status": "Enabled"})
    return client


def tell(aws: StubbedAws, **changes: Any) -> None:
    environment = an_environment(**changes)
    aws.script("mwaa", PRIMARY["region"]).add_response(
        "get_environment", {"Environment": environment}, {"Name": "prod"}
    )


def versions(s3: Any) -> int:
    return len(s3.list_object_versions(Bucket="backups").get("Versions", ()))


def test_what_was_stored_is_read_again(aws: StubbedAws, s3: Any) -> None:
    tell(aws)

    assert handler(STORE, None)["stored"] is True
    assert read(SHELF) == carried(an_environment())


def test_it_is_stored_again_only_when_it_changed(aws: StubbedAws, s3: Any) -> None:
    for workers in (10, 10, 11):
        tell(aws, MaxWorkers=workers)

    assert [handler(STORE, None)["stored"] for _ in range(3)] == [True, False, True]
    assert versions(s3) == 2
    assert read(SHELF)["MaxWorkers"] == 11


@pytest.mark.parametrize("status", ["AVAILABLE", "UPDATE_FAILED"])
def test_one_that_can_be_used_is_stored(aws: StubbedAws, s3: Any, status: str) -> None:
    tell(aws, Status=status)

    assert handler(STORE, None)["stored"] is True


@pytest.mark.parametrize("status", sorted(STATUSES - {"AVAILABLE", "UPDATE_FAILED"}))
def test_one_in_any_other_state_leaves_the_blueprint_as_it_is(aws: StubbedAws, s3: Any, status: str) -> None:
    tell(aws, Status=status)

    answer = handler(STORE, None)

    assert answer == {
        "stored": False,
        "why": f"environment 'prod' in us-east-1 is {status}: its blueprint stays as it is",
    }
    assert versions(s3) == 0


def test_one_that_is_gone_leaves_the_blueprint_as_it_is(aws: StubbedAws, s3: Any) -> None:
    aws.script("mwaa", "us-east-1").add_client_error("get_environment", "ResourceNotFoundException", "no", 404)

    assert "NOT_FOUND" in handler(STORE, None)["why"]


def test_the_answer_holds_no_airflow_option(aws: StubbedAws, s3: Any) -> None:
    tell(aws, AirflowConfigurationOptions={"smtp.smtp_password": "hunter2"})

    assert "hunter2" not in json.dumps(handler(STORE, None))


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("AccessDeniedException", 403, Misconfigured),
        ("ValidationException", 400, Misconfigured),
        ("ThrottlingException", 429, NotReady),
        ("InternalServerException", 500, NotReady),
    ],
)
def test_an_environment_that_cannot_be_looked_at_is_an_error(
    aws: StubbedAws, s3: Any, code: str, status: int, raised: type[Exception]
) -> None:
    aws.script("mwaa", "us-east-1").add_client_error("get_environment", code, "because", status)

    with pytest.raises(raised, match="environment 'prod' in us-east-1"):
        handler(STORE, None)


def test_a_bucket_that_refuses_is_an_error_that_names_it(aws: StubbedAws) -> None:
    tell(aws)

    with pytest.raises(Misconfigured, match=r"s3://backups/environment\.json: NoSuchBucket"):
        handler(STORE, None)


def test_a_blueprint_that_was_never_stored_says_how_it_comes_to_be(s3: Any) -> None:
    with pytest.raises(BlueprintMissing, match=r"no blueprint s3://backups/environment\.json .*healthy once"):
        read(SHELF)


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "NoSuchKey"])
def test_a_blueprint_that_may_not_be_read_is_missing(aws: StubbedAws, code: str) -> None:
    aws.script("s3", REGION).add_client_error("get_object", code, "no", 403)

    with pytest.raises(BlueprintMissing, match=code):
        read(SHELF)


def test_a_storage_that_is_busy_is_worth_asking_again(aws: StubbedAws) -> None:
    aws.script("s3", REGION).add_client_error("get_object", "SlowDown", "no", 503)

    with pytest.raises(NotReady, match="SlowDown"):
        read(SHELF)


@pytest.mark.parametrize("body", ["", "[]", "{", "{}", '{"Environment": {}}', '{"blueprint_format": 1, "fields": 1}'])
def test_what_is_no_blueprint_is_refused(s3: Any, body: str) -> None:
    s3.put_object(Bucket="backups", Key="environment.json", Body=body)

    with pytest.raises(BlueprintMissing, match="is no blueprint"):
        read(SHELF)


def test_a_blueprint_of_a_newer_version_is_refused(s3: Any) -> None:
    s3.put_object(Bucket="backups", Key="environment.json", Body='{"blueprint_format": 2, "fields": {}}')

    with pytest.raises(BlueprintMissing, match="has format 2, this version reads 1"):
        read(SHELF)


def test_an_unknown_op_is_refused() -> None:
    with pytest.raises(ValueError, match="'read'"):
        handler({**STORE, "op": "read"}, None)
