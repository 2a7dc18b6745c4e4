"""Tables of a backup that are read last, when it is known whether they go into the living tables themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from types import TracebackType

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.match import target_columns, values
from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.database.staging import Staged, make_stage, other_rows
from mwaa_dr.framework.manifest import TableFile
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.table_reader import TableReader

ROOM = 2
"""So many times what is fetched must be free on the disk."""


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
        files = self.reader.manifest.files_of(stage.table.name)
        kept = " AND ".join(f"{ident(column)} IS NULL" for column in stage.table.fixed if stage.has(column))
        self.reader.load(self.cursor, stage, files, which=kept)
        missing = self.reader.manifest.rows_of(stage.table.name) - stage.rows
        if kept and missing:
            self._load_others(stage, files, f"NOT ({kept})", missing)
        self._settled(stage)

    def _load_others(self, stage: Staged, files: Sequence[TableFile], which: str, missing: int) -> None:
        """Load those few rows that must forget a value first: it points at what is not here."""
        aside = replace(stage, in_place=False)
        make_stage(self.cursor, aside)
        self.reader.load(self.cursor, aside, files, which=which)
        if aside.rows != missing:
            raise other_rows(files[0].file, stage.rows + aside.rows, stage.rows + missing)
        self.cursor.execute(
            f"INSERT INTO {stage.name} ({target_columns(stage)}) SELECT {values(stage, 's', {})} FROM {aside.name} s"
        )
        self.cursor.execute(f"DROP TABLE {aside.name}")
        stage.rows += aside.rows

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
