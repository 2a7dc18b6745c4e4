"""Wait for an environment, with an end: what is broken and what takes too long is told at once.

One look per call. A wait that fails and is redriven later finds its old deadline, and the environment as it was left:
then it is AGAIN the creation's turn, once for each redrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from lib.functions import clock, mwaa
from lib.functions.errors import DeadlinePassed, EnvironmentBroken, FunctionError
from lib.functions.mwaa import Place

GRACE = timedelta(minutes=3)
"""For so long a new environment need not be known everywhere."""


def begun(event: Mapping[str, Any]) -> dict[str, Any]:
    """What a wait is told of its beginning: the time, and how often the execution had been redriven."""
    return {"started_at": clock.text(clock.now()), "redrive_count": int(event.get("redrive_count", 0))}


def wait(event: Mapping[str, Any]) -> dict[str, Any]:
    """READY, or WAIT; AGAIN: begin anew, after a redrive; PENDING_TOLD: as WAIT, once a person has been told.

    Raises EnvironmentBroken with MWAA's own error, and DeadlinePassed.
    """
    place, until = Place.of(event["environment"]), event["until"]
    found = mwaa.find(place)
    status = mwaa.status_of(found)
    waited = clock.now() - clock.moment(event["started_at"])
    if status in (mwaa.GONE if until == "DELETED" else mwaa.USABLE):
        return {"outcome": "READY", "status": status}
    was_redriven = is_later_redrive(event, "created_in_redrive")
    if was_redriven and until == "DELETED" and status not in mwaa.BROKEN | {"DELETING"}:
        # Created anew by another execution, while this one did not run.
        return {"outcome": "AGAIN", "status": status}
    failure: FunctionError | None = None
    if until == "AVAILABLE" and _is_broken(status, waited):
        failure = _broken(place, found, status)
    elif waited > timedelta(minutes=event["deadline_mins"]):
        failure = _late(place, status, event)
    if failure:
        if was_redriven:
            return {"outcome": "AGAIN", "status": status}
        raise failure
    # PENDING waits for endpoints of the customer: https://docs.aws.amazon.com/mwaa/latest/userguide/vpc-endpoint-management.html
    needs_a_person = status == "PENDING" and until == "AVAILABLE"
    return {"outcome": "PENDING_TOLD" if needs_a_person else "WAIT", "status": status}


def _is_broken(status: str, waited: timedelta) -> bool:
    """Whether no waiting will make it available."""
    if status == mwaa.NOT_FOUND:
        return waited > GRACE
    return status in mwaa.BROKEN | mwaa.GONE | {"DELETING"}


def _broken(place: Place, found: Mapping[str, Any] | None, status: str) -> EnvironmentBroken:
    said = mwaa.last_error(found) if found else ""
    return EnvironmentBroken(f"{place} is {status}{f', MWAA says: {said}' if said else ''}")


def _late(place: Place, status: str, event: Mapping[str, Any]) -> DeadlinePassed:
    return DeadlinePassed(
        f"{place} is still {status}, not {event['until']}, after {event['deadline_mins']} minutes from "
        f"{event['started_at']}"
    )


def is_later_redrive(event: Mapping[str, Any], begun_in: str) -> bool:
    """Whether the execution was redriven since the wait began; `begun_in` names the member that says when."""
    return int(event.get("redrive_count", 0)) > int(event.get(begun_in, 0))
