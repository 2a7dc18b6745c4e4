"""The engine's increments against its full backups: of the same rows, one after the other, in each round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.churn import Churn
from benchmarks.competitors import Engine
from benchmarks.environments import SOURCE, run
from benchmarks.figures import ADDED, BASE, FULL, INCREMENT
from benchmarks.process import Taken
from drill.postgres import Postgres

CONNECTIONS = 2
Note = Callable[[str, str, Taken], None]


@dataclass
class Increments:
    """A plain full backup, one that begins a chain, the churn, and the increment."""

    server: Postgres
    folder: Path
    churn: Churn
    _chain: Engine = field(init=False)

    def __post_init__(self) -> None:
        self._chain = Engine(ADDED, self.server, self.folder / "chain", CONNECTIONS, mode="INCREMENTAL")

    def round(self, note: Note) -> None:
        """Measure all three; the source has other rows afterwards."""
        full = Engine(FULL, self.server, self.folder / "full", CONNECTIONS)
        note(INCREMENT, FULL, full.backup())
        base = self._chain.backup()
        note(INCREMENT, BASE, base)
        run(self.server, SOURCE, *self.churn.statements())
        both = self._chain.add()
        note(INCREMENT, ADDED, replace(both, stored=both.stored - base.stored))
