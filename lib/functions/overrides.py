"""Overrides: for a while a person wants an environment to run, or to stay away, whatever its schedules say.

The record outlives the environment, and ends by itself: nobody has to delete it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lib.functions import clock
from lib.functions.record_table import RecordTable, hold

RUNNING = "running"
STOPPED = "stopped"

HINDERED = {"stop": RUNNING, "start": STOPPED}
"""The transition -> the override that hinders it."""

_WORDS = {RUNNING: "it is to keep running until", STOPPED: "it is to stay stopped until"}


@dataclass(frozen=True)
class Override:
    """What an environment is to be until when."""

    what: str
    until: datetime
    by: str

    @property
    def words(self) -> str:
        """What is wanted, and since whom."""
        return f"{_WORDS[self.what]} {clock.text(self.until)}, says {self.by}"

    def hinders(self, transition: str, at: datetime) -> bool:
        """Whether a stop or a start that is due at some time is to be left out."""
        return self.what == HINDERED[transition] and at < self.until


def find(table: RecordTable, environment: Mapping[str, str]) -> Override | None:
    """The override of an environment, be it over or not."""
    record = table.get(hold(environment))
    return Override(record["what"], clock.moment(record["until"]), record["by"]) if record else None


def put(table: RecordTable, environment: Mapping[str, str], override: Override) -> None:
    """Write an override, in place of the one before."""
    written = {"what": override.what, "until": clock.text(override.until), "by": override.by}
    table.put(hold(environment), {**written, "at": clock.text(clock.now())})


def end(table: RecordTable, environment: Mapping[str, str]) -> Override | None:
    """Forget an override, and say which one; None where there was none that is not over."""
    found = find(table, environment)
    table.delete(hold(environment))
    return found if found and found.until > clock.now() else None
