"""The input of a stop or a start: what the schedule writes, and what a person may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.functions import clock, overrides
from lib.functions.backup_manifest import backup_time
from lib.functions.errors import Misconfigured
from lib.functions.execution_input import IGNORED, shown
from lib.functions.until import until

WHEN_BUSY = ("WAIT", "SKIP", "FORCE")

OVERRIDES = {"keep_running_until": overrides.RUNNING, "stay_stopped_until": overrides.STOPPED}
"""Key, as a person writes it -> what the environment is to be."""

KEYS = {
    "stop": ("scheduled_for", "when_busy", *OVERRIDES),
    "start": ("scheduled_for", "backup_id", *OVERRIDES),
}


@dataclass(frozen=True)
class TransitionInput:
    """What an execution was asked for."""

    scheduled_for: datetime | None = None
    """When it was due; None: a person started it."""
    when_busy: str | None = None
    """Instead of what the configuration says."""
    backup_id: str | None = None
    """Instead of the backup of the stop."""
    override: tuple[str, datetime] | None = None
    """Only note that the environment is to be `running` or `stopped` until then."""


def read(what: str, given: object) -> TransitionInput:
    """The input of a `stop` or a `start`; raises Misconfigured.

    >>> read("stop", {"When_Busy": "force"}).when_busy
    'FORCE'
    """
    if not isinstance(given, Mapping):
        raise Misconfigured(f"the input is {shown(given)}; HINT: It is an object, as {{}}.")
    asked = {name.lower(): value for name, value in given.items() if name.lower() not in IGNORED}
    for name in asked:
        if name not in KEYS[what]:
            raise Misconfigured(f"the input has {shown(name)}; HINT: A {what} knows {', '.join(KEYS[what])}.")
    if noted := sorted(asked.keys() & OVERRIDES.keys()):
        return TransitionInput(override=_override(noted[0], asked))
    return TransitionInput(**{name: _value(name, value) for name, value in asked.items()})


def _override(name: str, asked: Mapping[str, Any]) -> tuple[str, datetime]:
    if len(asked) > 1:
        raise Misconfigured(f"the input has {', '.join(sorted(asked))}; HINT: An override is given alone.")
    return OVERRIDES[name], until(str(asked[name]))


def _value(name: str, given: object) -> Any:
    reader, allowed = _READERS[name]
    try:
        return reader(str(given).strip())
    except ValueError:
        raise Misconfigured(f"the input has {name} = {shown(given)}; HINT: It is {allowed}.") from None


def _moment(text: str) -> datetime:
    found = clock.moment(text)
    if not found.tzinfo:
        raise ValueError
    return found


def _when_busy(text: str) -> str:
    return WHEN_BUSY[WHEN_BUSY.index(text.upper())]


def _backup_id(text: str) -> str:
    if not backup_time(text):
        raise ValueError
    return text


_READERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "scheduled_for": (_moment, "what EventBridge Scheduler writes, as 2026-12-01T19:00:00Z"),
    "when_busy": (_when_busy, ", ".join(WHEN_BUSY)),
    "backup_id": (_backup_id, "a backup id, as 20261121T230500Z-1f0c9a7e03b2"),
}
