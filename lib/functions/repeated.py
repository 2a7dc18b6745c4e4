"""Failures that repeat with every scheduled check: told at once, then once an hour with their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from lib.functions import clock
from lib.functions.aws import error_text
from lib.functions.errors import Misconfigured
from lib.functions.log import logger
from lib.functions.notify import TOLD_EVERY
from lib.functions.record_table import RecordTable, failures

_log = logger(__name__)

_UNTOLD = (ClientError, BotoCoreError, Misconfigured)
"""What the records may answer: a report does not depend on them."""


@dataclass(frozen=True)
class Repeated:
    """One more failure of a kind, and those before it, unless an hour without one lies between them."""

    records: Mapping[str, str]
    name: str
    last: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Mapping[str, str], *kind: str) -> Repeated:
        """The one that has just happened; where the records do not answer it counts as the first."""
        name = failures(*kind)
        try:
            last = RecordTable(records).get(name)
        except _UNTOLD as error:
            _log.warning("the failures before cannot be read", extra={"why": error_text(error)})
            last = {}
        return cls(records, name, {} if clock.is_past(last.get("at", ""), after=TOLD_EVERY) else last)

    @property
    def count(self) -> int:
        """How many there were, this one included."""
        return int(self.last.get("count", "0")) + 1

    @property
    def is_told(self) -> bool:
        """Whether people hear of this one."""
        return clock.is_past(self.last.get("notified_at", ""), after=TOLD_EVERY)

    @property
    def words(self) -> str:
        """What to say of the others like it."""
        if self.count == 1:
            return "It was a check, and changed nothing. If the next ones fail like it, you hear of that once an hour."
        return f"It was a check, and changed nothing: {self.count} have failed like this since {self.last['since']}."

    def remember(self) -> None:
        """Keep it for the next one, once people have heard of it where they should."""
        now = clock.text(clock.now())
        notified_at = now if self.is_told else self.last["notified_at"]
        record = {"count": str(self.count), "since": self.last.get("since", now), "at": now, "notified_at": notified_at}
        try:
            RecordTable(self.records).put(self.name, record)
        except _UNTOLD as error:
            _log.warning("the failure cannot be recorded", extra={"why": error_text(error)})
