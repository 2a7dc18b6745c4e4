"""No call to AWS goes on for ever."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lib.functions.aws import client, error_code, error_text


@pytest.fixture(autouse=True)
def _someone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def test_a_client_has_the_region_and_the_time_outs_that_it_was_given() -> None:
    config = client("mwaa", "eu-west-1", connect=1, read=2, attempts=1).meta.config

    assert (config.region_name, config.connect_timeout, config.read_timeout) == ("eu-west-1", 1, 2)
    assert config.retries["total_max_attempts"] == 1


def test_an_error_of_aws_is_told_in_one_line_with_its_code() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "not\nallowed"}}, "GetObject")

    assert error_code(error) == "AccessDenied"
    assert error_text(error) == "AccessDenied: not allowed"


def test_an_error_without_a_code_is_told_by_its_class() -> None:
    error = EndpointConnectionError(endpoint_url="https://airflow.example")

    assert error_code(error) == ""
    assert error_text(error).startswith("EndpointConnectionError: Could not connect")
