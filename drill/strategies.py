"""What can be rehearsed, and how the time that each takes is made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from drill.executions import Execution
from lib.config.catalog import Product


@dataclass(frozen=True)
class Span:
    """A part of a recovery: from the entry of one state to the end of another one."""

    name: str
    first: str
    last: str


RESTORE = Span("metadata restore", "Restore the metadata", "Restore the metadata")
CREATION = Span("environment creation", "Create the secondary environment", "Look whether the secondary is available")
GONE = "Look whether the environment is gone"
"""The state of a stop after which there is no environment."""
CLEANUP = Span("cleanup of the standby", "Clean the standby up", "Let the standby cool off")


@dataclass(frozen=True)
class Strategy:
    """One way to recover, of which the README of the samples names the formula of the RTO; or stop and start."""

    name: str
    dr_type: str
    """Empty: no recovery."""
    title: str
    formula: str
    spans: tuple[Span, ...]

    @property
    def product(self) -> Product:
        """What is deployed for it."""
        return Product.RECOVERY if self.dr_type else Product.START_STOP

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

STOP_START = Strategy(
    "stop_start",
    "",
    "Stop and start",
    "away >= end of running work + backup + proof + deletion + time that it is gone + environment creation"
    " + metadata restore",
    (
        Span("end of running work", "Note which DAGs are active", "Pause the DAGs that are idle"),
        Span("backup", "Wait until the backup DAG is parsed", "Back the metadata up"),
        Span("proof", "Store the blueprint", "Check that nothing has run since the backup"),
        Span("deletion", "Record the stop", GONE),
        Span("environment creation", "Create the environment", "Look whether the environment is available"),
        RESTORE,
    ),
)

STRATEGIES = {strategy.name: strategy for strategy in (WARM_STANDBY, BACKUP_RESTORE, STOP_START)}
"""In the order in which a rehearsal without a choice plays them."""
