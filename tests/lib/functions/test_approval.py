"""A person approves a recovery, or does not."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from lib.functions.approval import handler
from lib.functions.errors import NotApproved
from tests.support.record_tables import PRIMARY, RECORDS, REGION, Account, account

EXECUTION = "arn:aws:states:us-west-2:111222333444:execution:mwaa-recovery:it-is-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with account(monkeypatch) as made:
        yield made


def ask(aws: Account, *, minutes: int = 30) -> dict[str, Any]:
    more = {"topic_arn": aws.topic, "primary": PRIMARY, "reason": "MWAA says UNAVAILABLE", "deadline_mins": minutes}
    return handler({"op": "ask", "records": RECORDS, "execution": EXECUTION, **more}, None)


def look(execution: str = EXECUTION) -> str:
    return str(handler({"op": "look", "records": RECORDS, "execution": execution}, None)["answer"])


def answer(said: str) -> dict[str, Any]:
    return handler({"op": "answer", "records": RECORDS, "name": "it-is-1", "answer": said}, None)


def test_the_question_tells_why_until_when_and_how(aws: Account) -> None:
    assert ask(aws) == {"deadline": "2026-11-22T12:41:30+00:00"}
    [(subject, text)] = aws.told()
    assert subject == "Approve the recovery of my-mwaa?"
    for part in ("MWAA says UNAVAILABLE", "2026-11-22 12:41 UTC", "./build.sh approve it-is-1", EXECUTION):
        assert part in text


def test_it_waits_until_somebody_answers(aws: Account) -> None:
    ask(aws)
    assert look() == "WAITING"
    assert answer("APPROVED") == {"answered": True}
    assert look() == "APPROVED"


def test_a_refusal_is_an_answer(aws: Account) -> None:
    ask(aws)
    answer("REFUSED")
    assert look() == "REFUSED"


def test_the_command_of_the_notification_approves(aws: Account) -> None:
    ask(aws)
    command = next(line for line in aws.told()[0][1].splitlines() if line.startswith("aws dynamodb"))
    words = shlex.split(command)
    given = dict(zip(words[3::2], words[4::2], strict=True))
    boto3.client("dynamodb", region_name=given["--region"]).update_item(
        TableName=given["--table-name"],
        Key=json.loads(given["--key"]),
        UpdateExpression=given["--update-expression"],
        ExpressionAttributeValues=json.loads(given["--expression-attribute-values"]),
        ConditionExpression=given["--condition-expression"],
    )
    assert (given["--region"], look()) == (REGION, "APPROVED")


def test_nobody_in_time_is_not_approved(aws: Account) -> None:
    ask(aws)
    aws.later(minutes=29, seconds=59)
    assert look() == "WAITING"
    aws.later(seconds=1)
    with pytest.raises(NotApproved, match=r"by 2026-11-22T12:41:30\+00:00; HINT: .* redrive-execution"):
        look()


def test_an_approval_after_the_deadline_counts_for_a_redrive(aws: Account) -> None:
    ask(aws)
    aws.later(hours=5)
    answer("APPROVED")
    assert look() == "APPROVED"


def test_asking_again_neither_moves_the_deadline_nor_forgets_an_answer(aws: Account) -> None:
    ask(aws)
    answer("APPROVED")
    aws.later(minutes=10)
    assert ask(aws) == {"deadline": "2026-11-22T12:41:30+00:00"}
    assert look() == "APPROVED"


def test_the_approval_of_one_execution_is_not_anothers(aws: Account) -> None:
    ask(aws)
    answer("APPROVED")
    with pytest.raises(NotApproved):
        look(EXECUTION.replace("it-is-1", "it-is-2"))


def test_what_was_not_asked_cannot_be_approved(aws: Account) -> None:
    assert answer("APPROVED") == {"answered": False}
