"""One execution for one stack, however often CloudFormation asks."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import ANY, Stubber

from lib.functions import start_once
from lib.functions.start_once import act
from tests.support.custom_resources import created, deleted, updated

MACHINE = "arn:aws:states:us-east-1:111222333444:stateMachine:m"
PROPERTIES = {"Region": "us-east-1", "StateMachine": MACHINE}
EXPECTED = {"stateMachineArn": MACHINE, "name": ANY, "input": "{}"}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    made = boto3.client("stepfunctions", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    monkeypatch.setattr(start_once, "client", lambda *_: made)
    with Stubber(made) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_creation_starts_an_execution(states: Stubber) -> None:
    answer = {"executionArn": "arn:aws:states:us-east-1:111222333444:execution:m:x", "startDate": 0}
    states.add_response("start_execution", answer, EXPECTED)

    assert act(created(**PROPERTIES)).physical_id == answer["executionArn"]


def test_a_creation_that_is_asked_for_twice_is_the_same_execution(states: Stubber) -> None:
    states.add_client_error("start_execution", "ExecutionAlreadyExists", expected_params=EXPECTED)

    found = act(created(**PROPERTIES)).physical_id

    assert found.startswith("arn:aws:states:us-east-1:111222333444:execution:m:")


def test_neither_an_update_nor_a_deletion_starts_one(states: Stubber) -> None:
    assert act(updated("x", PROPERTIES, **PROPERTIES)).physical_id == "x"
    assert act(deleted("x", **PROPERTIES)).physical_id == "x"
