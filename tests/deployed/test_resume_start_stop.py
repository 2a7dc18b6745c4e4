"""Stop and start, deployed: every step fails, and is gone on with by a redrive or by a new execution."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support import resuming_nights as resuming
from tests.support.night import Night
from tests.support.resuming import tasks_that_can_fail
from tests.support.resuming_nights import (
    GONE,
    GONE_ALREADY,
    LEFT,
    SKIP,
    STARTED,
    THERE,
    UNPAUSED,
    Starting,
    Stopping,
    becomes,
)

pytestmark = pytest.mark.slow

NOTE_IS_OVER = "Misconfigured"
"""The note of the DAGs has ended, since they are active again: HINT: Start a new execution."""

STOP = {
    "Take the lease": Stopping("dynamodb", UNPAUSED, GONE),
    "Look at the environment": Stopping("airflow", UNPAUSED),
    "Look whether the environment is available": Stopping(
        "airflow", UNPAUSED, before=becomes("UPDATING"), meanwhile=becomes("AVAILABLE")
    ),
    "Look whether the deletion of before has ended": Stopping(
        "airflow", LEFT, GONE_ALREADY, before=becomes("DELETING"), after=Night.vanish
    ),
    "End the note of what is gone": Stopping("dynamodb", LEFT, GONE_ALREADY, before=Night.vanish),
    "Check that the start before has restored it": Stopping("dynamodb", UNPAUSED),
    "Note which DAGs are active": Stopping("airflow", UNPAUSED, late=(resuming.ACTIVE, "")),
    "Pause the DAGs that are idle": Stopping("airflow"),
    "Make the noted DAGs active again": Stopping(
        "airflow", before=resuming.begin_long_work, asked=SKIP, late=(UNPAUSED, ""), end=resuming.GOES_ON
    ),
    "Give the lease back": Stopping(
        "dynamodb", UNPAUSED, resuming.GOES_ON, before=resuming.begin_long_work, asked=SKIP, end=resuming.GOES_ON
    ),
    "Wait until the backup DAG is parsed": Stopping("airflow"),
    "Back the metadata up": Stopping("airflow"),
    "Store the blueprint": Stopping("airflow", redriven=NOTE_IS_OVER),
    "Verify the backup and the blueprint": Stopping("s3", redriven=NOTE_IS_OVER),
    "Check that nothing has run since the backup": Stopping("airflow", redriven=NOTE_IS_OVER),
    "Record the stop": Stopping("dynamodb", redriven="StillBusy"),
    "Delete the environment": Stopping("airflow", redriven=NOTE_IS_OVER, late=(LEFT, GONE)),
    "Look whether the environment is gone": Stopping("airflow", LEFT, GONE),
    "End the note and give the lease back": Stopping("dynamodb", LEFT, GONE),
}

START = {
    "Take the lease": Starting("dynamodb", replaced=THERE),
    "Look back at the stop": Starting("dynamodb"),
    "Look whether the deletion of before has ended": Starting(
        "airflow", before=resuming.a_deletion_that_lasts, after=Night.vanish
    ),
    "Forget the stop": Starting("dynamodb", before=resuming.there_again, end=THERE, anew=THERE, restores=0),
    "Give the lease back, since it is there": Starting(
        "dynamodb", before=resuming.there_again, end=THERE, anew=THERE, replaced=THERE, restores=0
    ),
    "Check that the start can succeed": Starting("s3", replaced="PreflightFailed"),
    "Create the environment": Starting("airflow"),
    "Look whether the failed creation is gone": Starting("airflow", before=resuming.a_failed_creation),
    "Look whether the environment is available": Starting("airflow"),
    "Look at the environment": Starting("airflow"),
    "Wait until the restore DAG is parsed": Starting("airflow"),
    "Restore the metadata": Starting("airflow", restores=2),
    "Record the restore": Starting("dynamodb"),
    "Take our tag off the environment": Starting("airflow"),
    "Update the environment": Starting("airflow"),
    "Record the start": Starting("dynamodb", anew=THERE),
    "Give the lease back": Starting("dynamodb", anew=THERE, replaced=STARTED),
}

ELSEWHERE = {"Let the paused DAGs become active again"}
"""What follows a stop and a reactivation that have both failed: tests/deployed/test_start_stop.py."""


@pytest.fixture
def site(night: Night) -> Night:
    return night


@pytest.fixture(scope="module")
def record(one_night: Night) -> Mapping[str, str]:
    """What is written of a stop."""
    one_night.begin()
    return resuming.stopped_once(one_night)


def test_every_step_that_can_fail_is_here(one_night: Night) -> None:
    for what, steps in (("stop", STOP.keys()), ("start", START.keys() | ELSEWHERE)):
        assert tasks_that_can_fail(one_night.states(what), "Take the lease") == steps


@pytest.mark.parametrize("is_late", [False, True], ids=["refused", "late"])
@pytest.mark.parametrize("state", STOP)
def test_a_stop_that_fails_loses_nothing_when_it_is_redriven_and_begun_anew(
    site: Night, state: str, is_late: bool
) -> None:
    resuming.go_on_with_a_stop(site, state, STOP[state], is_late=is_late)


@pytest.mark.parametrize("state", START)
def test_a_start_that_fails_is_gone_on_with_by_redrives(site: Night, record: Mapping[str, str], state: str) -> None:
    before = site.environment()
    resuming.asleep(site, record)
    resuming.go_on_with_a_start_by_redrives(site, state, START[state], before)


@pytest.mark.parametrize("state", START)
def test_a_start_that_fails_is_gone_on_with_by_a_new_one(site: Night, record: Mapping[str, str], state: str) -> None:
    before = site.environment()
    resuming.asleep(site, record)
    resuming.go_on_with_a_start_by_a_new_one(site, state, START[state], before)
