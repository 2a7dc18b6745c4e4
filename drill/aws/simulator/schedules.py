"""EventBridge Scheduler: a schedule whose time has passed sooner than the clock says."""

from __future__ import annotations

import time

from ministack.services import scheduler

from drill.aws.simulator.state import door


def mend() -> None:
    """Nothing: the door is enough."""


@door("schedules/age")
def age(region: str, name: str, minutes: float) -> None:
    """Let a schedule, of the group `default`, have fired so long ago; the next look at all schedules sees it."""
    places = [place for place in scheduler._schedules._data if place[1:] == (region, f"default/{name}")]
    if not places:
        raise KeyError(f"there is no schedule {name} in {region}")
    scheduler._schedule_last_fired[places[0]] = time.time() - minutes * 60
