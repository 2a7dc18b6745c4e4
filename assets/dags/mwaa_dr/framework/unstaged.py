"""Tables of a backup that are read last, when it is known whether they go into the living tables themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.table_reader import TableReader

ROOM = 2
"""So many times what is fetched must be free on the disk."""


@dataclass(frozen=True, order=True)
class Pace:
    """How fast the largest table was staged, which tells how long others take; too small ones tell nothing."""

    rows: int = 10_000
    size: int = 1 << 20
    seconds: float = 0.0

    def seconds_for(self, rows: int, size: int) -> float:
        """How long a table takes, by its rows or by its bytes, whichever are more."""
        return self.seconds * max(rows / self.rows, size / max(self.size, 1))


@dataclass
class Unstaged:
    """Such tables, their files at hand inside the `with` block: nobody waits for a network while tables are locked."""

    cursor: Cursor
    reader: TableReader
    tables: Collection[str]
    settle: dict[str, Callable[[Staged], None]] = field(default_factory=dict)
    """Table -> what is to be done with its rows wherever they lie then."""
    _folder: TemporaryDirectory[str] | None = field(default=None, init=False)

    def __enter__(self) -> Unstaged:
        if self.tables and not self.reader.storage.is_near:
            self._folder = TemporaryDirectory(prefix="mwaa_dr_")
            near = LocalStorage(Path(self._folder.name))
            for name in self.tables:
                for file in self.reader.manifest.files_of(name):
                    self.reader.copy(file, near)
            self.reader = replace(self.reader, storage=near)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder:
            self._folder.cleanup()

    def load(self, stage: Staged) -> None:
        """Load a table into the living one."""
        self.reader.load(self.cursor, stage, self.reader.manifest.files_of(stage.table.name))
        self._settled(stage)

    def stage(self, stages: Mapping[str, Staged]) -> None:
        """Stage them all, as the others are."""
        for name in tuple(self.tables):
            self.stage_one(stages[name])

    def stage_one(self, stage: Staged) -> None:
        """Stage a table that shall wait no longer."""
        stage.in_place = False
        self.reader.stage(self.cursor, stage, self.reader.manifest.files_of(stage.table.name))
        self.tables = [name for name in self.tables if name != stage.table.name]
        self._settled(stage)

    def _settled(self, stage: Staged) -> None:
        if stage.table.name in self.settle:
            self.settle[stage.table.name](stage)


def has_room(size: int) -> bool:
    """Whether the disk of this machine takes so many bytes without being filled by them."""
    return shutil.disk_usage(gettempdir()).free >= ROOM * size
