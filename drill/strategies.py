"""The strategies that can be rehearsed, and how each one's recovery time is made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from drill.executions import Execution


@dataclass(frozen=True)
class Span:
    """A part of a recovery: from the entry of one state to the end of another one."""

    name: str
    first: str
    last: str


RESTORE = Span("metadata restore", "Restore the metadata", "Restore the metadata")
CREATION = Span("environment creation", "Create the secondary environment", "Look whether the secondary is available")
CLEANUP = Span("cleanup of the standby", "Clean the standby up", "Let the standby cool off")


@dataclass(frozen=True)
class Strategy:
    """One way to recover; the README of the samples names the formula of its RTO."""

    name: str
    dr_type: str
    title: str
    formula: str
    spans: tuple[Span, ...]

    def measured(self, execution: Execution) -> Iterator[tuple[str, timedelta]]:
        """How long each part took, of those that came to an end."""
        for span in self.spans:
            first, last = execution.first_visit(span.first), execution.visit(span.last)
            if first and last and last.left:
                yield span.name, last.left - first.entered


WARM_STANDBY = Strategy(
    "warm_standby",
    "WARM_STANDBY",
    "Warm standby",
    "RTO >= interval of the health check + metadata restore",
    (CLEANUP, RESTORE),
)
BACKUP_RESTORE = Strategy(
    "backup_restore",
    "BACKUP_RESTORE",
    "Backup and restore",
    "RTO >= interval of the health check + environment creation + metadata restore",
    (CREATION, RESTORE),
)

STRATEGIES = {strategy.name: strategy for strategy in (WARM_STANDBY, BACKUP_RESTORE)}
"""In the order in which a rehearsal without a choice plays them."""
