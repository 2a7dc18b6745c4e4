"""A lease: of all executions that want the same thing one acts, and it knows when that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.functions import clock, executions
from lib.functions.errors import LeaseLost, LeaseUnchecked
from lib.functions.log import logger
from lib.functions.record_table import LEASE, RecordTable

_log = logger(__name__)

_TAKE_OVERS = 3
"""How many ended holders in a row are replaced; more would mean that others are faster."""


@dataclass(frozen=True)
class Lease:
    """The record that says who acts: `execution`, `redrive_count`, `at`."""

    table: RecordTable
    execution: str
    redrive_count: int = 0
    """How often the execution had been redriven when it asked."""
    name: str = LEASE

    @classmethod
    def of(cls, event: Mapping[str, Any], *, name: str = LEASE) -> Lease:
        """The lease that `{"records", "execution", "redrive_count"}` is about."""
        return cls(RecordTable(event["records"]), event["execution"], int(event.get("redrive_count", 0)), name)

    def take(self) -> str:
        """Take it, also from an execution that has ended; the execution that holds it then, another one if it runs."""
        former: dict[str, str] = {}
        for _ in range(_TAKE_OVERS):
            former = self.table.claim(self.name, self._wanted, former=former)
            holder = former["execution"]
            if holder == self.execution or executions.is_running(holder):
                return holder
            _log.info("the holder of the lease has ended", extra={"holder": holder})
        return former["execution"]

    def hold(self) -> None:
        """Keep it for what is done next; raises LeaseLost where it was taken while this execution did not run.

        Written anew, so that an execution which has seen this one ended cannot take it any more.
        """
        if self.table.renew(self.name, self._wanted):
            return
        holder = self.table.get(self.name).get("execution", "")
        who = executions.name(holder) if holder else "another one, which has given it back,"
        raise LeaseLost(
            f"{who} has taken the lease since {executions.name(self.execution)} failed: nothing is done any more"
        )

    def held(self) -> dict[str, Any]:
        """Hold it for a redrive that goes on, as TAKEN; raises LeaseLost as `hold` does."""
        self.hold()
        return self.told("TAKEN", self.execution, "this execution still acts")

    def claim(self) -> bool:
        """Take it where nobody has it, or keep it; False where it is that of another one, which may have ended."""
        return self.table.claim(self.name, self._wanted, former={})["execution"] == self.execution

    def give_back(self) -> bool:
        """Let others act; False where it was not this execution's."""
        return self.table.give_back(self.name, self.execution)

    def told(self, outcome: str, holder: str, reason: str) -> dict[str, Any]:
        """What a state machine learns of it; `redrive_count` is what `check` compares."""
        return {"outcome": outcome, "holder": holder, "reason": reason, "redrive_count": self.redrive_count}

    @property
    def _wanted(self) -> dict[str, str]:
        told = {"execution": self.execution, "redrive_count": str(self.redrive_count)}
        return {**told, "at": clock.text(clock.now())}


def check(event: Mapping[str, Any]) -> None:
    """Raise LeaseUnchecked where the execution was redriven after it held its lease: another one may act by now.

    It needs no way to the records, which a function in a VPC may not have. What comes without `lease` has none.
    """
    told = event.get("lease")
    if told and told["redrive_count"] != told["held_in_redrive"]:
        raise LeaseUnchecked(f"redrive {told['redrive_count']} has not looked yet whether this execution still acts")
