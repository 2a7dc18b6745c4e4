"""Deadlines of interrupted runs: those of finished ones mean nothing, and none may call back for what was missed."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work


def drop_deadlines(work: Work, stages: Mapping[str, Staged]) -> None:
    """Restore no deadline: no run goes on."""
    for name in ("deadline", "callback"):
        if name in stages:
            work.run(f"DELETE FROM {stages[name].name}")


def settle_deadlines(work: Work, stages: Mapping[str, Staged]) -> None:
    """A deadline that has passed comes back as missed: all their callbacks would be called at the commit."""
    deadlines = stages.get("deadline")
    if deadlines is None:
        return
    missed = "missed = true" if deadlines.has("missed") else "callback_state = COALESCE(callback_state, 'failed')"
    work.run(f"UPDATE {deadlines.name} SET {missed} WHERE deadline_time < now()")
