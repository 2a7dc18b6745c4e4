"""Tables of a backup that are read last, when it is known whether they go into the living tables themselves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.manifest import TableFile
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

    @classmethod
    def of(cls, files: Sequence[TableFile], seconds: float) -> Pace:
        """The pace of a table."""
        return cls(sum(file.rows for file in files), sum(file.size for file in files), seconds)

    def seconds_for(self, files: Sequence[TableFile]) -> float:
        """How long a table takes, by its rows or by its bytes, whichever are more."""
        other = self.of(files, 0)
        return self.seconds * max(other.rows / self.rows, other.size / max(self.size, 1))


@dataclass
class Unstaged:
    """The files of such tables, at hand inside the `with` block: nobody waits for a network while tables are locked."""

    cursor: Cursor
    reader: TableReader
    files: Mapping[str, Sequence[TableFile]]
    """By table."""
    _folder: TemporaryDirectory[str] | None = field(default=None, init=False)

    def __enter__(self) -> Unstaged:
        if self.files and not self.reader.storage.is_near:
            self._folder = TemporaryDirectory(prefix="mwaa_dr_")
            near = LocalStorage(Path(self._folder.name))
            for files in self.files.values():
                for file in files:
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
        self.reader.load(self.cursor, stage, self.files[stage.table.name])

    def stage(self, stages: Mapping[str, Staged]) -> None:
        """Stage them all, as the others are."""
        for name, files in self.files.items():
            stages[name].in_place = False
            self.reader.stage(self.cursor, stages[name], files)


def has_room(files: Sequence[TableFile]) -> bool:
    """Whether the disk of this machine takes files without being filled by them."""
    return shutil.disk_usage(gettempdir()).free >= ROOM * sum(file.size for file in files)
