"""What AWS answers becomes one of two errors: ask again, or let a person change something."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
)

from lib.functions.calls import calling
from lib.functions.errors import BlueprintMissing, FunctionError, Misconfigured, NotReady

URL = "https://api.airflow.us-east-1.amazonaws.com"


def refused(code: str, status: int = 400) -> ClientError:
    error = {"Error": {"Code": code, "Message": "because"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(error, "GetEnvironment")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("SlowDown", 503),
        refused("SomethingNew", 502),
        ConnectTimeoutError(endpoint_url=URL),
        ReadTimeoutError(endpoint_url=URL),
        EndpointConnectionError(endpoint_url=URL),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
)
def test_what_may_pass_is_worth_asking_again(error: Exception) -> None:
    with pytest.raises(NotReady, match=r"^cannot look now: "), calling("look"):
        raise error


def test_what_is_refused_names_the_reason() -> None:
    with pytest.raises(Misconfigured, match=r"^cannot look: ValidationException: because$"), calling("look"):
        raise refused("ValidationException")


def test_what_is_denied_says_what_to_do() -> None:
    with pytest.raises(Misconfigured, match=r"AccessDenied: because HINT: Allow it to the role"), calling("look"):
        raise refused("AccessDenied", 403)


def test_what_the_sdk_does_not_send_is_named() -> None:
    mwaa = boto3.client("mwaa", region_name="us-east-1")

    with pytest.raises(Misconfigured, match=r"cannot look: ParamValidationError: .*Name"), calling("look"):
        mwaa.get_environment(Name=7)


def test_what_was_said_already_is_not_said_again() -> None:
    with pytest.raises(BlueprintMissing, match=r"^gone$"), calling("look"):
        raise BlueprintMissing("gone")
    assert issubclass(BlueprintMissing, FunctionError)
