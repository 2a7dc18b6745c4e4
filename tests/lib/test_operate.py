"""What a person does after and during a failover, on a table and a schedule that are there."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lib import operate
from lib.functions import record_table, records
from lib.functions.errors import FunctionError
from lib.functions.record_table import FAILED_OVER, RecordTable
from tests.support.configuration import recovery
from tests.support.record_tables import make_table
from tests.support.stubbed_aws import forget_credentials

REGION = "us-west-2"


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordTable]:
    """The records of the secondary Region, and its schedule, which is off."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        table = make_table({"table": "mwaa-team-records", "region": REGION})
        boto3.client("scheduler", REGION).create_schedule(
            Name="mwaa-team-health-check",
            ScheduleExpression="rate(5 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            State="DISABLED",
            Target={"Arn": "arn:aws:states:us-west-2:1:stateMachine:x", "RoleArn": "arn:aws:iam::1:role/x"},
        )
        yield table


def state() -> str:
    schedule = boto3.client("scheduler", REGION).get_schedule(Name="mwaa-team-health-check")
    return str(schedule["State"])


def test_rearm_forgets_the_failover_and_checks_the_primary_again(table: RecordTable) -> None:
    table.put(FAILED_OVER, {"environment": "x.us-west-2", "at": "2026-11-22T02:06:19+00:00"})

    said = operate.main(["rearm"], recovery())

    assert said == "the failover is forgotten; the health check is on again"
    assert (table.get(FAILED_OVER), state()) == ({}, "ENABLED")


def test_rearm_leaves_a_check_off_that_is_to_be_off() -> None:
    said = operate.main(["rearm"], recovery(HEALTH_CHECK_ENABLED="NO"))

    assert said == "no failover was recorded; HEALTH_CHECK_ENABLED=NO: nobody checks the primary"
    assert state() == "DISABLED"


@pytest.mark.parametrize(("answer", "word"), [((), "APPROVED"), (("REFUSED",), "REFUSED")])
@pytest.mark.parametrize("name", ["run-7", "arn:aws:states:us-west-2:111222333444:execution:mwaa-team-recovery:run-7"])
def test_an_answer_is_written_beside_what_was_asked(
    table: RecordTable, answer: tuple[str, ...], word: str, name: str
) -> None:
    asked = record_table.approval("arn:aws:states:us-west-2:1:execution:m:run-7")
    table.put(asked, {"execution": "e", "deadline": "d"})

    operate.main(["approve", name, *answer], recovery())

    assert table.get(asked)["answer"] == word


def test_an_answer_that_nobody_asked_for_is_refused_in_words() -> None:
    with pytest.raises(FunctionError, match="no execution 'run-8' waits for an answer; HINT"):
        operate.main(["approve", "run-8"], recovery())


@pytest.mark.parametrize(
    ("arguments", "cannot"), [(["rearm"], "cannot rearm"), (["approve", "run-7"], "cannot answer run-7")]
)
def test_without_credentials_it_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], cannot: str
) -> None:
    forget_credentials(monkeypatch)
    with pytest.raises(FunctionError, match=f"^{cannot}: NoCredentialsError: Unable to locate credentials$"):
        operate.main(arguments, recovery())


def test_who_is_not_allowed_to_is_told_who_has_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetItem")
    monkeypatch.setattr(records, "rearm", mock.Mock(side_effect=denied))
    with pytest.raises(FunctionError, match=r"^cannot rearm: .* HINT: Allow it to whoever runs this\.$"):
        operate.main(["rearm"], recovery())
