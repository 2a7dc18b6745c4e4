"""What people look after while the primary is healthy: told at once, once an hour, and when it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.functions import notify
from lib.functions.attention import handler
from lib.functions.record_table import concern
from tests.support.record_tables import RECORDS, Account

WELL = {"backup_id": "one", "trouble": ""}
OLD = {"backup_id": "one", "trouble": "the newest backup is old"}
STORED = {"stored": True, "why": "it has changed"}
DENIED = {
    "Error": "Misconfigured",
    "Cause": json.dumps({"errorMessage": "KMS denies it", "errorType": "Misconfigured"}),
}


def look_after(aws: Account, *, backups: dict[str, Any] = WELL, blueprint: dict[str, Any] = STORED) -> list[str]:
    found = {"backups": backups, "blueprint": blueprint}
    event = {
        "records": RECORDS,
        "topic_arn": aws.topic,
        "execution": "arn:execution",
        "concerns": {
            name: {"what": f"the {name} of prod", "found": told, "advice": [f"look at {name}"]}
            for name, told in found.items()
        },
    }
    told: list[str] = handler(event, None)["told"]
    return told


def test_nobody_is_told_that_all_is_well(aws: Account) -> None:
    assert look_after(aws) == []
    assert aws.told() == []


def test_people_are_told_what_is_wrong_since_when_and_what_to_look_at(aws: Account) -> None:
    assert look_after(aws, backups=OLD) == ["backups"]
    ((subject, text),) = aws.told()
    assert subject == "Look after the backups of prod"
    assert "Since 2026-11-22T12:11:30+00:00: the newest backup is old" in text
    assert "look at backups" in text
    assert "arn:execution" in text


def test_a_step_that_failed_is_told_with_its_reason(aws: Account) -> None:
    assert look_after(aws, blueprint=DENIED) == ["blueprint"]
    assert "Misconfigured: KMS denies it" in aws.told()[0][1]


@pytest.mark.parametrize("error", [{"Error": "States.Timeout"}, {"Error": "Runtime.ExitError", "Cause": ""}])
def test_a_step_that_crashed_is_told(aws: Account, error: dict[str, str]) -> None:
    assert look_after(aws, backups=error) == ["backups"]
    assert error["Error"] in aws.told()[0][1]


def test_it_is_told_again_once_an_hour_since_the_same_moment(aws: Account) -> None:
    told = []
    for _ in range(26):
        told.append(bool(look_after(aws, blueprint=DENIED)))
        aws.later(minutes=5)
    assert [number * 5 for number, is_told in enumerate(told) if is_told] == [0, 60, 120]
    assert all("Since 2026-11-22T12:11:30" in text for _, text in aws.told())


def test_people_are_told_once_that_it_is_over(aws: Account) -> None:
    look_after(aws, backups=OLD)
    aws.later(hours=3)
    assert [look_after(aws) for _ in range(3)] == [["backups"], [], []]
    subject, text = aws.told()[-1]
    assert subject == "All is well again with the backups of prod"
    assert "since 2026-11-22T12:11:30" in text


def test_what_comes_and_goes_is_told_once_an_hour_too(aws: Account) -> None:
    told = []
    for number in range(24):
        told += look_after(aws, blueprint=DENIED if number % 2 else STORED)
        aws.later(minutes=5)
    # It is bad for the first time at 5 min, and over at 10; the same an hour later.
    assert len(told) == 4


def test_each_concern_is_told_by_itself(aws: Account) -> None:
    look_after(aws, backups=OLD)
    assert look_after(aws, backups=OLD, blueprint=DENIED) == ["blueprint"]
    assert look_after(aws, blueprint=DENIED) == ["backups"]


def test_what_could_not_be_told_is_told_the_next_time(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(notify, "publish", refuse)
        with pytest.raises(ConnectionError):
            look_after(aws, backups=OLD)
    assert aws.table.get(concern("backups")) == {}
    assert look_after(aws, backups=OLD) == ["backups"]
