"""What a person does by hand, on a table and state machines that are there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.functions import overrides, transition
from lib.functions.errors import FunctionError, Misconfigured
from lib.functions.overrides import Override
from lib.functions.record_table import RecordTable
from lib.stop_start.__main__ import main
from lib.stop_start.by_hand import WrongInputError
from tests.support.configuration import start_stop
from tests.support.record_tables import make_table
from tests.support.stubbed_aws import forget_credentials

REGION = "eu-west-1"
RECORDS = {"table": "mwaa-stop-start-records", "region": REGION}
DEV, STAGING = ({"name": name, "region": REGION} for name in ("dev", "staging-1"))
PLAN = start_stop(
    START_STOP_ENVIRONMENTS="[dev, staging]",
    MWAA_ENV_NAME__DEV="dev",
    MWAA_ENV_NAME__STAGING="staging-1",
    MWAA_SCHEDULE_TIME_ZONE__STAGING="America/New_York",
)
CALLER = "arn:aws:sts::123456789012:user/moto"
BACKUP = "20261121T230500Z-1f0c9a7e03b2"


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordTable]:
    """The records of the stack; it is Tuesday, 13:00 in Berlin and 7:00 in New York."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("lib.functions.clock.now", lambda: datetime(2026, 12, 1, 12, tzinfo=timezone.utc))
    with mock_aws():
        yield make_table(RECORDS)


def test_keep_running_tells_until_when_and_what_follows(table: RecordTable) -> None:
    assert main(["keep-running", "dev", "22:00"], PLAN) == (
        "dev keeps running until Tue 2026-12-01 22:00 CET (2026-12-01T22:00:00+01:00); "
        "left out: stop Tue 2026-12-01 20:00 CET; the next stop is due Wed 2026-12-02 20:00 CET"
    )
    until = datetime.fromisoformat("2026-12-01T22:00:00+01:00")
    found = overrides.find(table, DEV)
    assert found
    assert (found.what, found.until) == ("running", until)
    assert found.by.startswith("arn:aws:sts::123456789012:")
    assert not overrides.find(table, STAGING)


def test_stay_stopped_counts_what_it_leaves_out_and_no_days_off() -> None:
    plan = start_stop(MWAA_DAYS_OFF="[2026-12-02]")
    assert main(["stay-stopped", "dev", "7d"], plan) == (
        "dev stays stopped until Tue 2026-12-08 13:00 CET (2026-12-08T13:00:00+01:00); "
        "left out: start Thu 2026-12-03 06:00 CET, Fri 2026-12-04 06:00 CET, 2 more; "
        "the next start is due Wed 2026-12-09 06:00 CET"
    )


def test_an_override_that_changes_nothing_says_so() -> None:
    said = main(["keep-running", "dev", "2h"], PLAN)
    assert "; no stop is due before that; the next stop is due Tue 2026-12-01 20:00 CET" in said


def test_a_time_is_that_of_the_environment(table: RecordTable) -> None:
    main(["keep-running", "staging-1", "2026-12-01T22:00"], PLAN)
    found = overrides.find(table, STAGING)
    assert found
    assert found.until.isoformat() == "2026-12-01T22:00:00-05:00"


@pytest.mark.parametrize("name", ["staging", "STAGING", "staging-1"])
def test_an_environment_is_called_by_its_name_or_by_that_of_its_section(table: RecordTable, name: str) -> None:
    main(["keep-running", name, "2h"], PLAN)
    assert overrides.find(table, STAGING)


def test_the_last_override_counts(table: RecordTable) -> None:
    main(["stay-stopped", "dev", "3d"], PLAN)
    main(["keep-running", "dev", "2h"], PLAN)
    found = overrides.find(table, DEV)
    assert found
    assert found.what == "running"


def test_the_function_obeys_what_was_written() -> None:
    """The same record, read by the first step of a stop."""
    asked: dict[str, Any] = {"op": "decide", "what": "stop", "environment": DEV, "records": RECORDS}
    asked |= {"input": {"scheduled_for": "2026-12-01T12:00:00Z"}, "days_off": [], "calendar": None}
    asked |= {"when_busy": "WAIT", "execution": "e"}
    assert transition.handler(asked, None)["act"]
    main(["keep-running", "dev", "2h"], PLAN)
    assert not transition.handler(asked, None)["act"]
    main(["end-override", "dev"], PLAN)
    assert transition.handler(asked, None)["act"]


def test_end_override_says_what_it_was() -> None:
    main(["stay-stopped", "dev", "3d"], PLAN)
    assert main(["end-override", "dev"], PLAN) == (
        "dev: it no longer stays stopped until 2026-12-04T13:00:00+01:00; from now on its schedules count"
    )
    assert main(["end-override", "dev"], PLAN) == "dev: there was no override; from now on its schedules count"


def test_an_override_that_is_over_was_none(table: RecordTable) -> None:
    overrides.put(table, DEV, Override("running", datetime(2026, 12, 1, 12, tzinfo=timezone.utc), "ops"))
    assert "there was no override" in main(["end-override", "dev"], PLAN)


def test_the_preview_looks_at_overrides_where_it_is_asked_to() -> None:
    main(["keep-running", "dev", "22:00"], PLAN)
    assert "no stop" not in main(["preview"], PLAN)
    said = main(["preview", "--with-overrides"], PLAN)
    assert said.count("no stop") == 1
    assert "no stop  it is to keep running until 2026-12-01T22:00:00+01:00, says arn:aws:sts::" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["keep-running", "prod", "2h"],
            "no environment 'prod' is stopped and started here; HINT: Known are dev, staging-1.",
        ),
        (["keep-running", "dev", "tonight"], "'tonight' is no moment; HINT: Write it as 22:00,"),
        (["stay-stopped", "dev", "2026-11-30T22:00"], "2026-11-30T22:00:00+01:00 is over; HINT:"),
        (["stop", "dev", "--when-busy", "later"], 'the input has when_busy = "later"; HINT: It is WAIT, SKIP, FORCE.'),
        (["start", "dev", "--backup-id", "latest"], 'the input has backup_id = "latest"; HINT: It is a backup id,'),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(table: RecordTable, arguments: list[str], words: str) -> None:
    with pytest.raises(WrongInputError) as refused:
        main(arguments, PLAN)
    assert str(refused.value).startswith(words)
    assert not overrides.find(table, DEV)


def machine(name: str) -> str:
    """A state machine in the account of the configuration."""
    made = boto3.client("stepfunctions", REGION).create_state_machine(
        name=name, definition="{}", roleArn="arn:aws:iam::111222333444:role/x"
    )
    return str(made["stateMachineArn"])


@pytest.mark.parametrize(
    ("arguments", "name", "given"),
    [
        (["stop", "dev"], "mwaa-stop-start-dev-stop", {}),
        (["stop", "staging"], "mwaa-stop-start-staging-1-stop", {}),
        (["stop", "dev", "--when-busy", "force"], "mwaa-stop-start-dev-stop", {"when_busy": "force"}),
        (["start", "dev"], "mwaa-stop-start-dev-start", {}),
        (["start", "dev", "--backup-id", BACKUP], "mwaa-stop-start-dev-start", {"backup_id": BACKUP}),
    ],
)
def test_a_transition_by_hand_is_an_execution_of_the_state_machine(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str, given: dict[str, str]
) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111222333444")
    states = boto3.client("stepfunctions", REGION)
    arn = machine(name)
    said = main(arguments, PLAN)
    [begun] = states.list_executions(stateMachineArn=arn)["executions"]
    found = states.describe_execution(executionArn=begun["executionArn"])
    assert said.endswith(f" has begun: {begun['executionArn']}")
    assert json.loads(found["input"]) == given


def test_a_state_machine_that_is_not_there_is_named_in_one_line() -> None:
    with pytest.raises(FunctionError) as refused:
        main(["stop", "dev"], PLAN)
    assert str(refused.value) == (
        "there is no state machine mwaa-stop-start-dev-stop in account 111222333444, eu-west-1; HINT: Deploy it first."
    )


def test_a_table_that_is_not_there_is_named_in_one_line() -> None:
    boto3.client("dynamodb", REGION).delete_table(TableName=RECORDS["table"])
    with pytest.raises(Misconfigured, match=r"^the table mwaa-stop-start-records in eu-west-1: ResourceNotFound"):
        main(["keep-running", "dev", "2h"], PLAN)


def test_without_credentials_it_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_credentials(monkeypatch)
    with pytest.raises(Misconfigured, match=r"^cannot .*: NoCredentialsError: "):
        main(["end-override", "dev"], PLAN)
