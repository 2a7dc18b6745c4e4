"""A restore that takes long on purpose, so that the living Airflow around it has time to get into trouble."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mwaa_dr.framework.database.merge import Merger
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.report import Report
from tests.living.conftest import World
from tests.living.environment import Living, Pulse
from tests.support import engine
from tests.support.amid_merge import amid_merge

HELD_SECONDS = 60.0
AT_THE_END_SECONDS = 3.0


@dataclass(frozen=True)
class Held:
    """What was seen of a restore that held its locks."""

    report: Report
    pulse: Pulse
    before: dict[str, int]
    """Component -> process."""
    after: dict[str, int]


@contextmanager
def merge_held(seconds: float, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Let the merge sleep where a large backup takes its time: all runs and their tasks are written, not committed."""
    phase = Merger._locked_phase

    def take_time() -> None:
        meanwhile()
        time.sleep(seconds)

    def slow_phase(self: Merger) -> None:
        phase(self)
        time.sleep(AT_THE_END_SECONDS)

    with pytest.MonkeyPatch.context() as patch:
        amid_merge(patch, take_time)
        patch.setattr(Merger, "_locked_phase", slow_phase)
        yield


def restore_held(
    second: Living,
    world: World,
    in_flight: InFlight = InFlight.DROP,
    *,
    seconds: float = HELD_SECONDS,
    meanwhile: Callable[[], None] = lambda: None,
    **options: Any,
) -> Held:
    """Restore the primary's backup into an environment that is at work, slowly."""
    before = second.pids()
    pulse = Pulse(second.url)
    with pulse.taken(), merge_held(seconds, meanwhile):
        report = engine.restore(second.url, world.place, version=world.version, in_flight=in_flight, **options)
    return Held(report, pulse, before, second.pids())
