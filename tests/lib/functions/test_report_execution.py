"""An execution that ended badly is told with its step, its reason and the next command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from lib.functions import executions, notify
from lib.functions.report_execution import handler
from tests.support.record_tables import RECORDS, REGION, Account

ARN = "arn:aws:states:us-west-2:111222333444:execution:mwaa-recovery:it-is-1"
MACHINE = "arn:aws:states:us-west-2:111222333444:stateMachine:mwaa-recovery"
WHEN = datetime(2026, 11, 22, tzinfo=timezone.utc)
ASKED = {"executionArn": ARN, "reverseOrder": True, "includeExecutionData": False, "maxResults": 1000}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("stepfunctions", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(executions, "steps", lambda _: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def entered(name: str) -> dict[str, Any]:
    return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}


def left(name: str) -> dict[str, Any]:
    return {"type": "TaskStateExited", "stateExitedEventDetails": {"name": name}}


def failed(error: str, cause: str = "", *, type_: str = "TaskFailed") -> dict[str, Any]:
    key = type_[0].lower() + type_[1:] + "EventDetails"
    return {"type": type_, key: {"resourceType": "lambda", "resource": "invoke", "error": error, "cause": cause}}


def history(*events: dict[str, Any], more: str = "") -> dict[str, Any]:
    """A page of it, newest first, from events in the order in which they happened."""
    numbered = [{"timestamp": WHEN, "id": number, **event} for number, event in enumerate(events, start=1)]
    for event in numbered:
        for details in event.values():
            if isinstance(details, dict) and event["type"].startswith("Execution"):
                details.pop("resource", None)
                details.pop("resourceType", None)
    return {"events": numbered[::-1], **({"nextToken": more} if more else {})}


def event(status: str = "FAILED", *, topic: str, **more: Any) -> dict[str, Any]:
    detail = {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "it-is-1", "status": status}
    return {"event": {"source": "aws.states", "detail": {**detail, **more}}, "topic_arn": topic}


def describe(states: Stubber, **more: Any) -> None:
    """What Step Functions tells of the execution, before its history is asked for."""
    told = {"executionArn": ARN, "stateMachineArn": MACHINE, "name": "it-is-1", "input": "{}", **more}
    told |= {"status": told.get("status", "FAILED"), "startDate": WHEN}
    states.add_response("describe_execution", told, {"executionArn": ARN})


def happened(states: Stubber, *events: dict[str, Any], **more: Any) -> None:
    """What Step Functions tells of the execution and its history."""
    describe(states, **more)
    states.add_response("get_execution_history", history(*events), ASKED)


def lambda_says(message: str, error: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": error, "stackTrace": ["File lib/functions"]})


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line)[2:] for line in text.splitlines() if line.startswith("aws stepfunctions")]


def test_a_failed_step_is_named_with_what_it_said(aws: Account, states: Stubber) -> None:
    cause = lambda_says("no verified backup in the bucket", "PreflightFailed")
    happened(
        states,
        {"type": "ExecutionStarted"},
        entered("Take the lease"),
        left("Take the lease"),
        entered("Check that recovery can succeed"),
        failed("PreflightFailed", cause),
        failed("PreflightFailed", cause, type_="ExecutionFailed"),
    )
    told = handler(event(topic=aws.topic), None)
    assert told == {
        "step": "Check that recovery can succeed",
        "reason": "PreflightFailed: no verified backup in the bucket",
    }
    [(subject, text)] = aws.told()
    assert subject == "mwaa-recovery failed: Check that recovery can succeed"
    assert "PreflightFailed: no verified backup in the bucket" in text


def test_the_commands_go_on_with_it_or_start_anew_with_the_same_input(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), failed("DagFailed"), input='{"simulate_dr": "YES"}')
    handler(event(topic=aws.topic), None)
    assert commands(aws.told()[0][1]) == [
        ["redrive-execution", "--region", REGION, "--execution-arn", ARN],
        ["start-execution", "--region", REGION, "--state-machine-arn", MACHINE, "--input", '{"simulate_dr": "YES"}'],
    ]


def test_after_a_failed_creation_a_redrive_helps_too(aws: Account, states: Stubber) -> None:
    cause = lambda_says("CREATE_FAILED: subnets have no route", "EnvironmentBroken")
    happened(states, entered("Wait for the environment"), failed("EnvironmentBroken", cause))
    handler(event(topic=aws.topic), None)
    text = aws.told()[0][1]
    assert [command[0] for command in commands(text)] == ["redrive-execution", "start-execution"]
    assert "would fail again" not in text


def test_after_something_has_run_since_the_backup_a_stop_begins_anew(aws: Account, states: Stubber) -> None:
    cause = lambda_says("dev is not quiet, it is not deleted", "StillBusy")
    happened(states, entered("Check that nothing has run since the backup"), failed("StillBusy", cause))
    handler(event(topic=aws.topic), None)
    text = aws.told()[0][1]
    assert [command[0] for command in commands(text)] == ["start-execution"]
    assert "a redrive would fail again" in text


def test_a_time_out_names_the_step_that_never_ended(aws: Account, states: Stubber) -> None:
    happened(
        states,
        entered("Look"),
        left("Look"),
        entered("Wait a minute"),
        {"type": "ExecutionTimedOut"},
        error="States.Timeout",
        status="TIMED_OUT",
    )
    told = handler(event("TIMED_OUT", topic=aws.topic), None)
    assert told == {"step": "Wait a minute", "reason": "States.Timeout"}
    assert aws.told()[0][0] == "mwaa-recovery timed out: Wait a minute"


def test_a_heartbeat_that_went_silent_is_the_reason(aws: Account, states: Stubber) -> None:
    happened(
        states,
        entered("Restore"),
        failed("States.HeartbeatTimeout", type_="TaskTimedOut"),
        failed("States.HeartbeatTimeout", type_="ExecutionFailed"),
    )
    assert handler(event(topic=aws.topic), None) == {"step": "Restore", "reason": "States.HeartbeatTimeout"}


def test_who_aborted_it_may_say_why(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), failed("", "wrong backup", type_="ExecutionAborted"))
    assert handler(event("ABORTED", topic=aws.topic), None) == {"step": "Restore", "reason": "wrong backup"}
    assert aws.told()[0][0] == "mwaa-recovery was aborted: Restore"


def test_a_retry_before_the_last_failure_does_not_hide_it(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), failed("AirflowUnavailable", "503"), failed("AirflowRefused", "404"))
    assert handler(event(topic=aws.topic), None)["reason"] == "AirflowRefused: 404"


def test_a_step_on_an_older_page_of_the_history_is_found(aws: Account, states: Stubber) -> None:
    describe(states)
    states.add_response("get_execution_history", history(failed("DagFailed"), more="older"), ASKED)
    states.add_response("get_execution_history", history(entered("Restore")), {**ASKED, "nextToken": "older"})
    assert handler(event(topic=aws.topic), None) == {"step": "Restore", "reason": "DagFailed"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExecutionDoesNotExist", "InvalidArn", "InvalidToken"])
def test_it_is_told_even_when_the_history_cannot_be_read(aws: Account, states: Stubber, code: str) -> None:
    states.add_client_error("describe_execution", code, expected_params={"executionArn": ARN})
    states.add_client_error("get_execution_history", code, expected_params=ASKED)
    told = handler(event(topic=aws.topic, error="Misconfigured", cause="denied"), None)
    assert told == {"step": "a step that the history does not show", "reason": "Misconfigured: denied"}
    assert len(aws.told()) == 1


@pytest.mark.parametrize("given", ["", '["cut', "[]"])
def test_an_input_that_is_not_whole_is_not_passed_off_as_empty(aws: Account, states: Stubber, given: str) -> None:
    happened(states, entered("Restore"), input=given)
    handler(event(topic=aws.topic), None)
    text = aws.told()[0][1]
    assert commands(text)[1][-1] == "{}"
    assert "The input of this execution cannot be read" in text


def test_the_empty_input_of_the_schedule_is_known(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), input="{}")
    handler(event(topic=aws.topic), None)
    assert "cannot be read" not in aws.told()[0][1]


def test_an_input_is_one_word_of_the_command_whatever_it_holds(aws: Account, states: Stubber) -> None:
    given = {"Comment": "it's a drill; rm -rf $HOME"}
    happened(states, entered("Restore"), input=json.dumps(given))
    handler(event(topic=aws.topic), None)
    assert json.loads(commands(aws.told()[0][1])[1][-1]) == given


@pytest.mark.parametrize("name", ["Prüfen", "x" * 300, "two\nlines"])
def test_the_subject_is_one_that_sns_takes(aws: Account, states: Stubber, name: str) -> None:
    happened(states, entered(name))
    handler(event(topic=aws.topic), None)
    subject = aws.told()[0][0]
    assert subject.isascii()
    assert len(subject) < 100
    assert "\n" not in subject


def test_what_cannot_be_redriven_is_started_anew(aws: Account, states: Stubber) -> None:
    why = "Execution start time exceeds the redrivable period"
    happened(states, entered("Restore"), redriveStatus="NOT_REDRIVABLE", redriveStatusReason=why)
    handler(event(topic=aws.topic), None)
    text = aws.told()[0][1]
    assert [command[0] for command in commands(text)] == ["start-execution"]
    assert why in text


def test_an_execution_that_was_redriven_meanwhile_is_told_as_it_ended(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), status="RUNNING")
    handler(event("ABORTED", topic=aws.topic), None)
    assert aws.told()[0][0] == "mwaa-recovery was aborted: Restore"


CHECKS = {"records": RECORDS, "acts_from": "Take the lease"}
BEGUN = {"executionArn": ARN, "includeExecutionData": False, "maxResults": 1000}
DECIDING = (entered("Decide what to do"), failed("KeyError", "'health'"))


def check_fails(
    aws: Account,
    states: Stubber,
    *events: dict[str, Any],
    before: tuple[dict[str, Any], ...] = (),
    status: str = "FAILED",
    more: str = "",
    **described: Any,
) -> bool:
    """Whether people hear of an execution that the schedule has started."""
    happened(states, *before, *events, **described)
    if described.get("input", "{}") == "{}" and "redriveCount" not in described:
        page = history(*before, *events, more=more)
        states.add_response("get_execution_history", {**page, "events": page["events"][::-1]}, BEGUN)
    known = len(aws.told())
    handler({**event(status, topic=aws.topic), "checks": CHECKS}, None)
    return len(aws.told()) > known


def test_a_check_that_fails_all_night_is_told_at_once_and_once_an_hour(aws: Account, states: Stubber) -> None:
    told = []
    for _ in range(26):
        told.append(check_fails(aws, states, *DECIDING))
        aws.later(minutes=5)
    assert [number * 5 for number, is_told in enumerate(told) if is_told] == [0, 60, 120]
    texts = [text for _, text in aws.told()]
    assert "you hear of that once an hour" in texts[0]
    assert "13 have failed like this since 2026-11-22T12:11:30+00:00" in texts[1]
    assert "25 have failed like this" in texts[2]
    assert all("Reason: KeyError: 'health'" in text for text in texts)


def test_another_failure_of_a_check_is_told_at_once(aws: Account, states: Stubber) -> None:
    assert check_fails(aws, states, *DECIDING)
    assert check_fails(aws, states, entered("Read the input"), failed("KeyError"))
    assert check_fails(aws, states, entered("Decide what to do"), failed("Misconfigured", "denied"))
    assert check_fails(aws, states, *DECIDING, status="ABORTED")
    assert not check_fails(aws, states, entered("Decide what to do"), failed("KeyError", "another cause"))


def test_a_failure_after_a_good_hour_is_a_new_one(aws: Account, states: Stubber) -> None:
    check_fails(aws, states, *DECIDING)
    aws.later(minutes=61)
    assert check_fails(aws, states, *DECIDING)
    assert "you hear of that once an hour" in aws.told()[-1][1]


def test_an_execution_that_came_to_the_lease_is_always_told(aws: Account, states: Stubber) -> None:
    lease = (entered("Take the lease"), left("Take the lease"))
    assert check_fails(aws, states, entered("Take the lease"), failed("NotReady"))
    for _ in range(3):
        assert check_fails(aws, states, entered("Restore the metadata"), failed("DagFailed"), before=lease)


@pytest.mark.parametrize("more", [{"input": '{"simulate_dr": "YES"}'}, {"input": '["cut'}, {"redriveCount": 1}])
def test_what_a_person_has_started_or_redriven_is_always_told(
    aws: Account, states: Stubber, more: dict[str, Any]
) -> None:
    assert all(check_fails(aws, states, *DECIDING, **more) for _ in range(3))
    assert "It was a check" not in aws.told()[0][1]


def test_a_history_whose_beginning_does_not_tell_is_always_told(aws: Account, states: Stubber) -> None:
    assert all(check_fails(aws, states, *DECIDING, more="later") for _ in range(3))


def test_a_check_whose_history_cannot_be_read_is_always_told(aws: Account, states: Stubber) -> None:
    for number in range(1, 4):
        describe(states)
        states.add_client_error("get_execution_history", "ThrottlingException", expected_params=ASKED)
        states.add_client_error("get_execution_history", "ThrottlingException", expected_params=BEGUN)
        handler({**event(topic=aws.topic), "checks": CHECKS}, None)
        assert len(aws.told()) == number


def test_records_that_do_not_answer_keep_no_report_back(aws: Account, states: Stubber) -> None:
    gone = {**CHECKS, "records": {**RECORDS, "table": "gone"}}
    for number in range(1, 3):
        happened(states, *DECIDING)
        states.add_response("get_execution_history", history(*DECIDING), BEGUN)
        handler({**event(topic=aws.topic), "checks": gone}, None)
        assert len(aws.told()) == number


def test_a_report_that_could_not_be_sent_is_sent_when_it_is_asked_for_again(
    aws: Account, states: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(notify, "publish", refuse)
        with pytest.raises(ConnectionError):
            check_fails(aws, states, *DECIDING)
    assert check_fails(aws, states, *DECIDING)


def test_a_scheduled_execution_is_started_anew_as_a_person_does(aws: Account, states: Stubber) -> None:
    happened(states, entered("Restore"), input='{"scheduled_for": "2026-11-22T06:00:00Z", "backup_id": "B"}')
    handler(event(topic=aws.topic), None)
    assert json.loads(commands(aws.told()[0][1])[1][-1]) == {"backup_id": "B"}


def test_one_that_has_begun_is_told_at_once(aws: Account, states: Stubber) -> None:
    assert handler(event("RUNNING", topic=aws.topic), None) == {"told": True}
    [(subject, text)] = aws.told()
    assert subject == "mwaa-recovery has begun"
    assert text.startswith("The execution it-is-1 of mwaa-recovery has begun.")
    assert text.endswith(ARN)


def test_one_that_has_succeeded_tells_what_it_did(aws: Account, states: Stubber) -> None:
    told = {"subject": "dev is stopped", "message": "It took 40 min.\n7 rows are in the backup."}
    describe(states, status="SUCCEEDED", output=json.dumps({"told": told, "backup": {"rows": 7}}))
    assert handler(event("SUCCEEDED", topic=aws.topic), None) == {"told": True}
    [(subject, text)] = aws.told()
    assert (subject, text) == ("dev is stopped", f"{told['message']}\n\nExecution: {ARN}")


@pytest.mark.parametrize("output", [None, "null", "{}", "[]", '{"told": null}', '{"told": {"subject": "x"}}'])
def test_one_that_has_nothing_to_say_is_silent(aws: Account, states: Stubber, output: str | None) -> None:
    describe(states, status="SUCCEEDED", **({"output": output} if output else {}))
    assert handler(event("SUCCEEDED", topic=aws.topic), None) == {"told": False}
    assert aws.told() == []


def test_a_success_that_cannot_be_read_is_asked_for_again(aws: Account, states: Stubber) -> None:
    states.add_client_error("describe_execution", "ThrottlingException", expected_params={"executionArn": ARN})
    with pytest.raises(ClientError, match="ThrottlingException"):
        handler(event("SUCCEEDED", topic=aws.topic), None)
