"""A lease: one execution acts; one that has ended without giving it back is replaced."""

from __future__ import annotations

from lib.functions import clock, executions
from lib.functions.log import logger
from lib.functions.record_table import RecordTable

_log = logger(__name__)

_TAKE_OVERS = 3
"""How many ended holders in a row are replaced; more would mean that others are faster."""


def take(table: RecordTable, name: str, execution: str) -> str:
    """The execution that holds the lease of that name in the end."""
    wanted = {"execution": execution, "at": clock.text(clock.now())}
    holder = ""
    for _ in range(_TAKE_OVERS):
        holder = table.claim(name, wanted, former=holder)["execution"]
        if holder == execution or executions.is_running(holder):
            return holder
        _log.info("the holder of the lease has ended", extra={"holder": holder})
    return holder


def give_back(table: RecordTable, name: str, execution: str) -> bool:
    """Delete the record; False where it was not this execution's any more."""
    given = table.give_back(name, execution)
    if not given:
        _log.warning("the lease was not this execution's any more", extra={"execution": execution})
    return given


def told(outcome: str, holder: str, reason: str) -> dict[str, str]:
    """What a state machine learns of a lease that it asked for."""
    return {"outcome": outcome, "holder": holder, "reason": reason}
