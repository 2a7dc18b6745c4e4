"""Whether every row of a backup finds the row it belongs to, for millions of rows in little memory."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from types import TracebackType

from mwaa_dr.framework.csv_rows import Row
from mwaa_dr.framework.manifest import TableFile
from mwaa_dr.framework.model.table import Merge
from mwaa_dr.framework.model.tables import Tables

PARTS = 256
"""Files that the keys of a table are spread over; one part at a time is held in memory."""
BUFFERED = 1 << 16
"""Keys of a table that wait in memory before they are written."""
KEYS = {"dag_run": ("dag_id", "run_id"), "task_instance": ("dag_id", "task_id", "run_id", "map_index")}
"""What the rows below a run refer to it and to its task instances by."""


class _Spool:
    """Hashes of keys on disk: 64 bits each, of which the low ones choose the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = array("q")
        self.count = 0
        folder.mkdir()

    def add(self, hashed: int) -> None:
        self._waiting.append(hashed)
        self.count += 1
        if len(self._waiting) == BUFFERED:
            self.flush()

    def flush(self) -> None:
        parts: list[array[int]] = [array("q") for _ in range(PARTS)]
        for hashed in self._waiting:
            parts[hashed % PARTS].append(hashed)
        for number, part in enumerate(parts):
            if part:
                with (self._folder / str(number)).open("ab") as file:
                    part.tofile(file)
        self._waiting = array("q")

    def part(self, number: int) -> array[int]:
        path, part = self._folder / str(number), array("q")
        if path.exists():
            part.frombytes(path.read_bytes())
        return part


@dataclass(frozen=True)
class _Link:
    """Rows of one table that refer to rows of another, by columns of their own."""

    child: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.child} -> {self.parent}"


@dataclass
class KeyFollower:
    """Reads the rows of all tables once and then knows which references lead nowhere; a context manager.

    Only those that a foreign key guards: a soft one may dangle in a healthy database, and the restore mends it.
    Python's own hash is used: it is seeded anew in each process, so that nobody can build two keys that collide.
    """

    tables: Tables
    files: Sequence[TableFile]
    _stack: ExitStack = field(default_factory=ExitStack)
    _folder: Path = Path()
    _spools: dict[tuple[str, tuple[str, ...]], _Spool] = field(default_factory=dict)

    def __enter__(self) -> KeyFollower:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="mwaa-dr-verify-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def follow(self, file: TableFile, rows: Iterable[Row]) -> int:
        """Note the keys in the rows of a table; return the number of rows."""
        links = self._links()
        wanted = {link.columns for link in links if link.child == file.table}
        wanted |= {link.key for link in links if link.parent == file.table}
        takers = [(self._spool(file.table, key), itemgetter(*map(file.columns.index, key))) for key in sorted(wanted)]
        count = 0
        for row in rows:
            count += 1
            for spool, take in takers:
                spool.add(hash(take(row)))
        for spool, _ in takers:
            spool.flush()
        return count

    def results(self) -> Iterator[tuple[str, int, int]]:
        """For each kind of reference its name, the number of rows that have one, and of those that lead nowhere."""
        for link in self._links():
            children = self._spool(link.child, link.columns)
            parents = self._spool(link.parent, link.key)
            dangling = 0
            for number in range(PARTS):
                known = set(parents.part(number))
                dangling += sum(1 for hashed in children.part(number) if hashed not in known)
            yield link.name, children.count, dangling

    def _links(self) -> list[_Link]:
        columns = {file.table: set(file.columns) for file in self.files}
        links = []
        for table in self.tables:
            if table.merge is not Merge.RUN_CHILD or table.name not in columns:
                continue
            if table.parent_key:
                links.append(_Link(table.name, table.run, table.parent, (table.parent_key,)))
                continue
            key = ("id",) if len(table.run) == 1 else KEYS["dag_run"]
            links.append(_Link(table.name, table.run, "dag_run", key))
            if table.parent != "dag_run":
                links.append(_Link(table.name, KEYS[table.parent], table.parent, KEYS[table.parent]))
        return [
            link
            for link in links
            if set(link.columns) <= columns[link.child] and set(link.key) <= columns.get(link.parent, set())
        ]

    def _spool(self, table: str, key: tuple[str, ...]) -> _Spool:
        if (table, key) not in self._spools:
            self._spools[table, key] = _Spool(self._folder / str(len(self._spools)))
        return self._spools[table, key]
