"""One table of an increment: the rows that are new since its parent, and the numbers of those that are gone."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from mwaa_dr.framework.backup_files import BackupFiles
from mwaa_dr.framework.chain import Range, TableChain
from mwaa_dr.framework.database import placed
from mwaa_dr.framework.database.connection import Connection, Cursor
from mwaa_dr.framework.database.placed import Blocks, Seen
from mwaa_dr.framework.database.selection import rows_of
from mwaa_dr.framework.database.snapshot import copy_out
from mwaa_dr.framework.dropped_rows import Runs, read_dropped, write_dropped
from mwaa_dr.framework.manifest import DroppedRows, Manifest, TableFile
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.places import PLACE, PlacesFile, missing, of_sent, of_stored, read_places, write_places
from mwaa_dr.framework.storage.storage import Writer

MOST_RUNS = 500_000
"""Runs of neighbouring rows that may be gone from a table, which are held in memory."""


MOST_HELD = 2_000_000
"""New rows of a table whose places are held in memory, six bytes each."""
MOST_ASKED = 2_000
"""Rows that are asked for by their places at once."""
SPARSE = 8
"""Where so many rows come for each new one, the new ones are asked for by their places."""
ANYWHERE: Blocks = (0, None)
TOO_MANY = "too many rows of its parent are gone"


@dataclass
class _Kept:
    """What was learned of some ranges of blocks, on disk."""

    _spool: IO[bytes]
    _lies: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __contains__(self, first: int) -> bool:
        return first in self._lies

    def keep(self, first: int, data: bytes) -> None:
        """Keep what was learned of the range that begins there."""
        self._lies[first] = self._spool.seek(0, os.SEEK_END), len(data)
        self._spool.write(data)

    def of(self, first: int) -> bytes:
        """What was kept of it."""
        begin, size = self._lies[first]
        self._spool.seek(begin)
        return self._spool.read(size)


class WholeTable(Exception):  # noqa: N818 - a way out, not an error
    """The table is better stored whole, with the reason."""


@dataclass(frozen=True)
class Grown:
    """What an increment stores of a table, and what the next one needs to know of it."""

    files: tuple[TableFile, ...]
    dropped: tuple[DroppedRows, ...]
    chain: TableChain


@dataclass
class Growth:
    """Compares a table with what its parent's files hold; `grow` does it once."""

    connection: Connection
    files: BackupFiles
    table: Table
    columns: tuple[str, ...]
    ours: tuple[str, ...]
    parent: Manifest
    before: TableChain
    horizon: int
    """The parent's."""
    blocks: int
    """That the table has now."""
    _is_new: str = ""
    _seen: list[tuple[Blocks, Seen]] = field(default_factory=list)
    _there: _Kept = field(init=False)
    """The places of the rows from before the horizon, of the ranges in which the parent saw other ones."""

    def grow(self) -> Grown:
        """Store what has changed; raises WholeTable where that is no gain, or what the parent left does not fit."""
        with placed.in_order(self.connection) as cursor, tempfile.TemporaryFile() as spool:
            self._there = _Kept(spool)
            self._is_new = placed.is_new(cursor, self.horizon)
            self._seen = list(self._look(cursor))
            kept = sum(seen.old_rows for _, seen in self._seen)
            new = sum(seen.new_rows for _, seen in self._seen)
            if any(seen.rows for (first, _), seen in self._seen if first >= max(self.before.end, self.blocks)):
                raise WholeTable("it has rows behind its end")
            if new >= kept:
                raise WholeTable(f"{new:,} of its {new + kept:,} rows are new")
            older, dropped = self._older(kept)
            own = [self._new(cursor, new)] if new else []
        files = [*older, *(file for file, _ in own)]
        end = max(self.before.end, self.blocks)
        return Grown(
            tuple(replace(file, parts=len(files)) for file in files),
            dropped,
            TableChain(
                self.before.fingerprint,
                tuple(Range(first, seen.rows, seen.hash) for (first, _), seen in self._seen if first < end),
                end,
                (*self._places(older), *(places for _, places in own)),
            ),
        )

    def _ranges(self) -> list[Blocks]:
        """Those of the parent, and what has been added behind them."""
        bounds = [*(one.first for one in self.before.ranges), self.before.end]
        return [*itertools.pairwise(bounds), *placed.ranges((self.before.end, None), self.blocks)]

    def _look(self, cursor: Cursor) -> Iterator[tuple[Blocks, Seen]]:
        """What the server sees of each range; of very many new rows the places are asked for again."""
        before = {one.first: (one.rows, one.hash) for one in self.before.ranges}
        held, with_old = 0, False
        for blocks in self._ranges():
            seen, old = placed.compare(cursor, self.table, self.ours, blocks, self._is_new, with_old=with_old)
            with_old = (seen.old_rows, seen.old_hash) != before.get(blocks[0], (0, 0))
            if with_old:  # and so is the next one, probably
                self._there.keep(blocks[0], self._old_places(cursor, blocks) if old is None else old)
            held += seen.new_rows
            yield blocks, seen if held <= MOST_HELD else replace(seen, new_places=b"")

    def _old_places(self, cursor: Cursor, blocks: Blocks) -> bytes:
        return placed.places(cursor, self.table, self.ours, blocks, f"NOT {self._is_new}")

    def _new(self, cursor: Cursor, expected: int) -> tuple[TableFile, PlacesFile]:
        """Store the rows that are new, and their places."""

        def fill(target: Writer) -> int:
            queries = (
                rows_of(self.table, self.columns, self.ours, blocks=blocks, also=which)
                for blocks, which in self._of_new()
            )
            return sum(
                copy_out(self.connection, query, target, header=not number) for number, query in enumerate(queries)
            )

        def fill_places(target: Writer) -> None:
            for blocks, seen in self._seen:
                if seen.new_rows:
                    found = seen.new_places or placed.places(cursor, self.table, self.ours, blocks, self._is_new)
                    write_places(target, blocks[0], found)

        file = self.files.write(self.table.name, self.columns, fill)
        if file.rows != expected:
            raise WholeTable(f"{file.rows:,} rows were copied, {expected:,} counted")
        name = f"{self.table.name}.places.gz"
        return file, PlacesFile(self.files.backup_id, file.file, name, *self.files.write_beside(name, fill_places))

    def _of_new(self) -> Iterator[tuple[Blocks, str]]:
        """How the new rows are asked for: few of a range by their places, which spares reading the others once more."""
        few = b""
        for blocks, seen in self._seen:
            is_sparse = bool(seen.new_places) and seen.new_rows * SPARSE <= seen.rows
            if is_sparse:
                few += seen.new_places
            if few and len(few) >= (MOST_ASKED * PLACE if is_sparse or not seen.new_rows else 1):
                yield ANYWHERE, placed.lies_at(few)
                few = b""
            if seen.new_rows and not is_sparse:
                yield blocks, self._is_new
        if few:
            yield ANYWHERE, placed.lies_at(few)

    def _older(self, kept: int) -> tuple[list[TableFile], tuple[DroppedRows, ...]]:
        """The parent's files, each with the number of rows that are still there, and the list of the others."""
        known = {(one.backup_id, one.of): one for one in self.before.places}
        told = self.parent.dropped_of(self.table.name)
        gone = dict(read_dropped(self.files.storage, self._path(told), told)) if told else {}
        found: Counter[int] = Counter()
        files, grows = [], False
        for file in self.parent.files_of(self.table.name):
            place = self.parent.folder_of(file), file.file
            before = gone.pop(place, Runs())
            now = before.union(_few(self._lost(known[place], before, found)))
            grows = grows or len(now) > len(before)
            rows = file.rows + len(before) - len(now)
            if rows:
                files.append(replace(file, backup_id=place[0], rows=rows, dropped=len(now)))
                gone[place] = now
        self._check(files, found, kept, gone.values())
        if not any(gone.values()):
            return files, ()
        if told and not grows:
            return files, (replace(told, backup_id=self.parent.folder_of(told)),)
        return files, (self._store({place: runs for place, runs in gone.items() if len(runs)}),)

    def _lost(self, told: PlacesFile, gone: Runs, found: Counter[int]) -> Iterator[int]:
        """The numbers of the rows of a file that were there at the parent's snapshot, and are no longer."""
        number = 0
        for first, rows, stored in read_places(self.files.storage, self._path(told), told):
            if first in self._there:
                there, was_there = of_sent(self._there.of(first)), of_stored(rows, stored)
                # Of the others the place may have been taken by another row since.
                for begin, end in gone.others(number, number + rows):
                    lost = [begin + index for index in missing(was_there[begin - number : end - number], there)]
                    found[first] += end - begin - len(lost)
                    yield from lost
            number += rows

    def _check(self, files: list[TableFile], found: Counter[int], kept: int, gone: Collection[Runs]) -> None:
        """Raise WholeTable unless the files hold each row that the server has from before, and no other."""
        differ = any(seen.old_rows != found[first] for (first, _), seen in self._seen if first in self._there)
        if differ or sum(file.rows for file in files) != kept:
            raise WholeTable("the files of its parent hold other rows")
        if sum(runs.count for runs in gone) > MOST_RUNS or sum(map(len, gone)) > kept:
            raise WholeTable(TOO_MANY)

    def _store(self, gone: Mapping[tuple[str, str], Runs]) -> DroppedRows:
        name = f"{self.table.name}.dropped.gz"
        stored = self.files.write_beside(name, lambda target: write_dropped(target, gone))
        return DroppedRows(self.table.name, name, sum(map(len, gone.values())), *stored)

    def _places(self, older: list[TableFile]) -> Iterator[PlacesFile]:
        """Those of the parent's files that are still needed."""
        needed = {(file.backup_id, file.file) for file in older}
        return (one for one in self.before.places if (one.backup_id, one.of) in needed)

    def _path(self, told: PlacesFile | DroppedRows) -> str:
        folder = told.backup_id or self.parent.backup_id
        return f"{self.files.environment.id}/{folder}/{told.file}"


def _few(numbers: Iterator[int]) -> Runs:
    """The numbers as runs; raises WholeTable as soon as these are too many to be held."""
    runs = Runs()
    for number in numbers:
        runs.add(number, number + 1)
        if runs.count > MOST_RUNS:
            raise WholeTable(TOO_MANY)
    return runs
