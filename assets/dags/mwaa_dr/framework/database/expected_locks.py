"""How long tables will be locked, told from how long others took to be staged on the same server."""

from __future__ import annotations

from dataclasses import dataclass, field

LOCKED_TO_STAGED = 2.5
"""How long a table is locked, to how long it takes to stage it; measured: docs/performance.md."""


@dataclass(frozen=True, order=True)
class StagingPace:
    """How fast the largest table was staged, which tells how long others take; too small ones tell nothing."""

    rows: int = 10_000
    size: int = 1 << 20
    """Bytes as stored."""
    seconds: float = 0.0

    def locked_for(self, rows: int, size: int) -> float:
        """How long a table that is filled in place will be locked.

        Its bytes are written once, there and then. Its keys and indexes are made of its rows, however large these are.
        """
        by_rows, by_bytes = self.seconds * rows / self.rows, self.seconds * size / max(self.size, 1)
        return max(by_rows, by_bytes) + by_rows * (LOCKED_TO_STAGED - 1)


@dataclass
class ExpectedLocks:
    """The seconds that all tables together will be locked; those that are staged come first."""

    seconds: float = 0.0
    _pace: StagingPace = field(default_factory=StagingPace)

    def staged(self, rows: int, size: int, seconds: float) -> None:
        """Add a table, and learn from it."""
        self.seconds += seconds * LOCKED_TO_STAGED
        self._pace = max(self._pace, StagingPace(rows, size, seconds))

    def in_place(self, rows: int, size: int) -> None:
        """Add a table that waits."""
        self.seconds += self._pace.locked_for(rows, size)
