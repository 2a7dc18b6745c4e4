"""Every wait has an end: what is broken or late fails with MWAA's own words, and a redrive begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from lib.functions import clock
from lib.functions.environment import handler
from lib.functions.errors import DeadlinePassed, EnvironmentBroken
from tests.support.environments import SECONDARY, STATUSES, an_environment, failed
from tests.support.stubbed_aws import StubbedAws, stubbed_aws

BROKEN = frozenset({"CREATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED"})
READY = frozenset({"AVAILABLE", "UPDATE_FAILED"})
NOW = datetime(2026, 11, 22, 2, 6, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def aws() -> Iterator[StubbedAws]:
    with stubbed_aws() as aws:
        yield aws


def tell(aws: StubbedAws, environment: dict[str, Any] | None) -> None:
    mwaa = aws.script("mwaa", SECONDARY["region"])
    if environment is None:
        mwaa.add_client_error("get_environment", "ResourceNotFoundException", "no", 404)
    else:
        mwaa.add_response("get_environment", {"Environment": environment})


def status(name: str) -> dict[str, Any]:
    return an_environment(SECONDARY, Status=name)


def wait(*, minutes: int = 10, until: str = "AVAILABLE", **changes: Any) -> dict[str, Any]:
    started = NOW - timedelta(minutes=minutes)
    event = {
        "op": "wait",
        "environment": SECONDARY,
        "until": until,
        "started_at": started.isoformat(),
        "deadline_mins": 35,
        "redrive_count": 0,
        "created_in_redrive": 0,
        **changes,
    }
    return handler(event, None)


@pytest.mark.parametrize("name", sorted(READY))
def test_what_can_be_used_is_ready_even_after_the_deadline(aws: StubbedAws, name: str) -> None:
    tell(aws, status(name))

    assert wait(minutes=90) == {"outcome": "READY", "status": name}


@pytest.mark.parametrize("name", sorted(STATUSES - READY - BROKEN - {"PENDING"}))
def test_what_is_on_its_way_is_waited_for_until_the_deadline(aws: StubbedAws, name: str) -> None:
    tell(aws, status(name))
    tell(aws, status(name))

    assert wait(minutes=35) == {"outcome": "WAIT", "status": name}
    with pytest.raises(DeadlinePassed, match=f"is still {name}, not AVAILABLE, after 35 minutes"):
        wait(minutes=36)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_is_broken_fails_at_once_in_the_words_of_mwaa(aws: StubbedAws, name: str) -> None:
    tell(aws, failed(status=name))

    words = f"is {name}, MWAA says: INCORRECT_CONFIGURATION: the execution role cannot be assumed"
    with pytest.raises(EnvironmentBroken, match=words):
        wait()


def test_a_failure_without_a_word_of_mwaa_is_still_told(aws: StubbedAws) -> None:
    tell(aws, an_environment(SECONDARY, Status="CREATE_FAILED", LastUpdate=None))

    with pytest.raises(EnvironmentBroken, match=r"in us-west-2 is CREATE_FAILED$"):
        wait()


def test_a_new_environment_may_not_be_known_at_first_but_must_be_later(aws: StubbedAws) -> None:
    tell(aws, None)
    tell(aws, None)

    assert wait(minutes=1) == {"outcome": "WAIT", "status": "NOT_FOUND"}
    with pytest.raises(EnvironmentBroken, match="is NOT_FOUND"):
        wait(minutes=4)


@pytest.mark.parametrize(
    ("environment", "minutes"),
    [(failed(), 10), (failed(status="UNAVAILABLE"), 10), (status("CREATING"), 90), (None, 9)],
)
def test_what_failed_before_a_redrive_begins_anew_once(
    aws: StubbedAws, environment: dict[str, Any] | None, minutes: int
) -> None:
    tell(aws, environment)
    tell(aws, environment)

    assert wait(minutes=minutes, redrive_count=2, created_in_redrive=1)["outcome"] == "AGAIN"
    with pytest.raises((EnvironmentBroken, DeadlinePassed)):
        wait(minutes=minutes, redrive_count=2, created_in_redrive=2)


def test_a_redrive_does_not_begin_anew_while_all_goes_well(aws: StubbedAws) -> None:
    tell(aws, status("CREATING"))

    assert wait(redrive_count=1)["outcome"] == "WAIT"


def test_an_environment_that_needs_a_person_says_so(aws: StubbedAws) -> None:
    tell(aws, status("PENDING"))
    tell(aws, status("PENDING"))

    assert wait()["outcome"] == "PENDING_TOLD"
    with pytest.raises(DeadlinePassed, match="is still PENDING"):
        wait(minutes=36)


def test_a_wait_may_have_begun_at_a_time_of_step_functions(aws: StubbedAws) -> None:
    tell(aws, status("CREATING"))

    with pytest.raises(DeadlinePassed, match=r"minutes from 2026-11-01T10:00:00\.123Z"):
        wait(started_at="2026-11-01T10:00:00.123Z")


@pytest.mark.parametrize("name", [None, "DELETED"])
def test_a_deletion_is_over_when_it_is_gone(aws: StubbedAws, name: str | None) -> None:
    tell(aws, status(name) if name else None)

    assert wait(until="DELETED", minutes=90)["outcome"] == "READY"


@pytest.mark.parametrize("name", sorted(STATUSES - {"DELETED"}))
def test_a_deletion_that_does_not_end_is_told_after_its_deadline(aws: StubbedAws, name: str) -> None:
    tell(aws, status(name))
    tell(aws, status(name))

    assert wait(until="DELETED")["outcome"] == "WAIT"
    with pytest.raises(DeadlinePassed, match=f"is still {name}, not DELETED"):
        wait(until="DELETED", minutes=36)


GOING = frozenset({"CREATE_FAILED", "UNAVAILABLE", "DELETING"})


@pytest.mark.parametrize("name", sorted(STATUSES - {"DELETED"}))
def test_a_redrive_does_not_wait_for_the_deletion_of_what_somebody_has_created_since(
    aws: StubbedAws, name: str
) -> None:
    tell(aws, status(name))

    assert wait(until="DELETED", redrive_count=1)["outcome"] == ("WAIT" if name in GOING else "AGAIN")
