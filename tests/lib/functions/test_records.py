"""Who acts, and what has been done: never twice, and never by two."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lib.functions import executions
from lib.functions.errors import LeaseLost, Misconfigured
from lib.functions.record_table import BACKUPS, FAILED_OVER, LEASE, RecordTable
from lib.functions.records import handler
from tests.support.record_tables import FACTS, RECORDS, REGION, SECONDARY, Account


def do(op: str, execution: str = "", **more: Any) -> dict[str, Any]:
    return handler({"op": op, "records": RECORDS, "execution": execution, **more}, None)


def record(execution: str) -> dict[str, Any]:
    return do("record_failover", execution, environment=SECONDARY, **FACTS)


def fail_over(aws: Account) -> str:
    """An execution that took over, to its end."""
    one = aws.execution()
    do("take_lease", one)
    record(one)
    do("finish_failover", one)
    return one


def test_the_first_execution_takes_the_lease(aws: Account) -> None:
    one = aws.execution()
    assert do("take_lease", one)["outcome"] == "TAKEN"
    assert aws.table.get(LEASE)["execution"] == one


def test_an_execution_that_asks_again_still_holds_the_lease(aws: Account) -> None:
    one = aws.execution()
    assert [do("take_lease", one)["outcome"] for _ in range(2)] == ["TAKEN", "TAKEN"]


def test_a_second_execution_does_not_act_while_the_first_runs(aws: Account) -> None:
    one, other = aws.execution(), aws.execution()
    do("take_lease", one)
    told = do("take_lease", other)
    assert (told["outcome"], told["holder"]) == ("HELD", one)
    assert aws.table.get(LEASE)["execution"] == one


def test_force_does_not_take_the_lease_of_one_that_runs(aws: Account) -> None:
    do("take_lease", aws.execution())
    assert do("take_lease", aws.execution(), input={"force": "YES"})["outcome"] == "HELD"


def test_the_lease_of_an_execution_that_has_ended_is_taken_over(aws: Account) -> None:
    ended, one = aws.execution(), aws.execution()
    do("take_lease", ended)
    boto3.client("stepfunctions", region_name=REGION).stop_execution(executionArn=ended)
    assert do("take_lease", one)["outcome"] == "TAKEN"
    assert aws.table.get(LEASE)["execution"] == one


def test_the_lease_of_an_execution_that_is_forgotten_is_taken_over(aws: Account) -> None:
    one = aws.execution()
    aws.table.put(LEASE, {"execution": one.replace(executions.name(one), "forgotten"), "at": "long ago"})
    assert do("take_lease", one)["outcome"] == "TAKEN"


def test_of_two_that_take_over_only_one_acts(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, fast, slow = aws.execution(running=False), aws.execution(), aws.execution()
    aws.table.put(LEASE, {"execution": ended, "at": "before"})
    asked: list[str] = []
    is_running = executions.is_running

    def while_the_fast_one_takes_it(arn: str) -> bool:
        if not asked:
            asked.append(arn)
            assert do("take_lease", fast)["outcome"] == "TAKEN"
        return is_running(arn)

    monkeypatch.setattr(executions, "is_running", while_the_fast_one_takes_it)
    told = do("take_lease", slow)
    assert (told["outcome"], told["holder"]) == ("HELD", fast)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_holder_that_cannot_be_asked_about_keeps_the_lease(
    aws: Account, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    one = aws.execution()
    do("take_lease", one)
    states = boto3.client("stepfunctions", region_name=REGION)
    with Stubber(states) as stub:
        stub.add_client_error("describe_execution", code, expected_params={"executionArn": one})
        monkeypatch.setattr(executions, "steps", lambda _: states)
        with pytest.raises(ClientError, match=code):
            do("take_lease", aws.execution())
    assert aws.table.get(LEASE)["execution"] == one


def test_a_failover_is_recorded_while_the_lease_is_held(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    assert record(one) == FACTS
    assert aws.table.get(LEASE)["execution"] == one
    assert aws.table.get(FAILED_OVER) == {
        "environment": "my-mwaa-dr.us-west-2",
        "backup_id": "20261122T120000Z",
        "snapshot_time": "2026-11-22T12:00:00Z",
        "paused_at_creation_was": "false",
        "execution": one,
        "at": "2026-11-22T12:11:30+00:00",
    }


def test_a_failover_that_is_finished_gives_the_lease_back(aws: Account) -> None:
    fail_over(aws)
    assert aws.table.get(LEASE) == {}
    assert aws.table.get(FAILED_OVER)["finished_at"] == "2026-11-22T12:11:30+00:00"


def test_recording_and_finishing_twice_is_the_same_as_once(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    assert record(one) == record(one)
    assert do("finish_failover", one) == do("finish_failover", one) == {"finished": True}


def test_a_failover_that_was_forgotten_meanwhile_is_not_finished(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    record(one)
    do("rearm")
    assert do("finish_failover", one) == {"finished": False}
    assert (aws.table.get(FAILED_OVER), aws.table.get(LEASE)) == ({}, {})


def test_after_a_failover_no_execution_recovers_again(aws: Account) -> None:
    one = fail_over(aws)
    told = do("take_lease", aws.execution())
    assert (told["outcome"], told["holder"]) == ("FAILED_OVER", one)
    assert "my-mwaa-dr.us-west-2" in told["reason"]
    assert "./build.sh rearm" in told["reason"]
    assert aws.table.get(LEASE) == {}


def test_a_failover_that_was_not_finished_is_left_to_the_next_execution(aws: Account) -> None:
    ended, one = aws.execution(running=False), aws.execution()
    do("take_lease", ended)
    record(ended)
    told = do("take_lease", one)
    assert (told["outcome"], told["holder"], told["failover"]) == ("UNFINISHED", ended, FACTS)
    assert aws.table.get(LEASE)["execution"] == one
    do("finish_failover", one)
    assert do("take_lease", aws.execution())["outcome"] == "FAILED_OVER"


def test_a_drill_finishes_no_failover(aws: Account) -> None:
    ended = aws.execution(running=False)
    do("take_lease", ended)
    record(ended)
    assert do("take_lease", aws.execution(), input={"activate_dags": False})["outcome"] == "FAILED_OVER"
    assert aws.table.get(LEASE) == {}


def test_one_that_waited_while_the_other_finished_does_not_recover_again(
    aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = aws.execution(), aws.execution()
    do("take_lease", one)
    claim = RecordTable.claim

    def after_the_other_has_finished(table: RecordTable, *arguments: Any, **more: Any) -> dict[str, str]:
        record(one)
        do("finish_failover", one)
        return claim(table, *arguments, **more)

    monkeypatch.setattr(RecordTable, "claim", after_the_other_has_finished)
    assert do("take_lease", other)["outcome"] == "FAILED_OVER"


@pytest.mark.parametrize("flags", [{"force": "yes"}, {"force": True}])
def test_force_recovers_although_a_failover_is_recorded(aws: Account, flags: dict[str, Any]) -> None:
    fail_over(aws)
    assert do("take_lease", aws.execution(), input=flags)["outcome"] == "TAKEN"


def test_rearming_lets_the_next_recovery_happen(aws: Account) -> None:
    fail_over(aws)
    assert do("rearm") == {"rearmed": True}
    assert do("rearm") == {"rearmed": False}
    assert do("take_lease", aws.execution())["outcome"] == "TAKEN"


def test_after_rearming_backups_of_the_primary_have_time_to_arrive(aws: Account) -> None:
    aws.table.put(BACKUPS, {"since": "2026-01-01T00:00:00+00:00", "backup_id": "before"})
    do("rearm")
    assert aws.table.get(BACKUPS) == {}


def test_a_redrive_holds_the_lease_that_nobody_has_taken(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    assert do("hold_lease", one, redrive_count=2)["redrive_count"] == 2
    assert aws.table.get(LEASE)["redrive_count"] == "2"


@pytest.mark.parametrize("op", ["hold_lease", "record_failover", "finish_failover"])
def test_one_whose_lease_was_taken_does_nothing_more(aws: Account, op: str) -> None:
    ended, other = aws.execution(running=False), aws.execution()
    do("take_lease", ended)
    record(ended)
    do("take_lease", other)
    before = aws.table.get(FAILED_OVER)
    with pytest.raises(
        LeaseLost, match=f"^{executions.name(other)} has taken the lease since {executions.name(ended)}"
    ):
        do(op, ended, environment=SECONDARY, redrive_count=1, **FACTS)
    assert aws.table.get(FAILED_OVER) == before
    assert aws.table.get(LEASE)["execution"] == other


def test_one_whose_lease_was_taken_and_given_back_does_nothing_more(aws: Account) -> None:
    ended = aws.execution(running=False)
    do("take_lease", ended)
    fail_over(aws)
    with pytest.raises(LeaseLost, match="another one, which has given it back, has taken the lease"):
        do("hold_lease", ended, redrive_count=1)


def test_one_that_is_redriven_while_it_is_taken_over_keeps_the_lease(
    aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, other = aws.execution(running=False), aws.execution()
    do("take_lease", ended)
    is_running = executions.is_running
    redriven: list[str] = []

    def before_the_other_writes(arn: str) -> bool:
        if redriven:
            return True
        was_running = is_running(arn)
        redriven.append(arn)
        do("hold_lease", ended, redrive_count=1)
        return was_running

    monkeypatch.setattr(executions, "is_running", before_the_other_writes)
    assert do("take_lease", other)["outcome"] == "HELD"
    assert aws.table.get(LEASE)["execution"] == ended


def test_only_the_holder_gives_the_lease_back(aws: Account) -> None:
    one = aws.execution()
    do("take_lease", one)
    assert do("release", aws.execution()) == {"released": False}
    assert do("release", one) == {"released": True}
    assert do("release", one) == {"released": False}


def test_a_table_that_is_not_there_is_said_by_name(aws: Account) -> None:
    with pytest.raises(Misconfigured, match="the table other in us-west-2: ResourceNotFoundException"):
        handler({"op": "release", "records": {**RECORDS, "table": "other"}, "execution": "one"}, None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", Misconfigured),
        ("ProvisionedThroughputExceededException", ClientError),
        ("InternalServerError", ClientError),
        ("TransactionConflictException", ClientError),
    ],
)
def test_what_the_table_refuses_is_raised(aws: Account, code: str, expected: type[Exception]) -> None:
    with Stubber(aws.table._client) as stub:
        stub.add_client_error("put_item", code)
        with pytest.raises(expected, match=code):
            aws.table.put("health", {"answer": "HEALTHY"})


def test_records_are_read_as_they_are_now(aws: Account) -> None:
    with Stubber(aws.table._client) as stub:
        asked = {"TableName": "mwaa-records", "Key": {"name": {"S": "lease"}}, "ConsistentRead": True}
        stub.add_response("get_item", {}, asked)
        assert aws.table.get(LEASE) == {}
