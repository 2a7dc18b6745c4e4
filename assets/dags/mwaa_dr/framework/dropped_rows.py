"""The rows that are gone from a file since it was written: by their numbers, and left out when the file is read."""

from __future__ import annotations

import heapq
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.gunzip import BLOCK, lines_of, proved_whole
from mwaa_dr.framework.manifest import DroppedRows
from mwaa_dr.framework.storage.storage import Reader, Storage, Writer

EXACT = 512
"""Bytes in which the end of a row is looked for mark by mark."""
ALWAYS = 1 << 62
_MARK = re.compile(rb'["\n]')


class Runs:
    """Numbers of rows, counted from 0, as runs of neighbours."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self.firsts, self.ends = array("q"), array("q")
        for number in numbers:
            self.add(number, number + 1)

    def __len__(self) -> int:
        return sum(self.ends) - sum(self.firsts)

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.firsts)

    def add(self, first: int, end: int) -> None:
        """Add a run that lies behind all others."""
        if self.ends and self.ends[-1] == first:
            self.ends[-1] = end
        else:
            self.firsts.append(first)
            self.ends.append(end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.firsts, self.ends, strict=True)

    def others(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The numbers in a range that are in none of the runs, as runs."""
        for run in range(bisect_right(self.ends, first), bisect_left(self.firsts, end)):
            if first < self.firsts[run]:
                yield first, self.firsts[run]
            first = self.ends[run]
        if first < end:
            yield first, end

    def union(self, other: Runs) -> Runs:
        """All of both, which have none in common."""
        both = Runs()
        for first, end in heapq.merge(self, other):
            both.add(first, end)
        return both


Dropped = Mapping[tuple[str, str], Runs]
"""Folder and name of a file -> the rows that are gone from it."""


def write_dropped(target: Writer, dropped: Dropped) -> int:
    """Write a line for each file, and one for each run: how many rows stay before it, and how many are gone."""
    for (folder, file), runs in sorted(dropped.items()):
        target.write(f">{folder}/{file}\n".encode())
        before = 0
        for first, end in runs:
            target.write(b"%d %d\n" % (first - before, end - first))
            before = end
    return sum(map(len, dropped.values()))


def read_dropped(storage: Storage, path: str, told: DroppedRows) -> Dropped:
    """Read what `write_dropped` wrote; raises DamagedBackupError for anything else."""
    found: dict[tuple[str, str], Runs] = {}
    try:
        with proved_whole(storage, path, told) as source:
            for line in lines_of(source):
                if line.startswith(b">"):
                    folder, _, file = line[1:].decode().partition("/")
                    runs = found[folder, file] = Runs()
                    continue
                kept, gone = map(int, line.split(b" "))
                first = (runs.ends[-1] if runs.ends else 0) + kept
                runs.add(first, first + gone)
    except (ValueError, UnboundLocalError, OverflowError) as err:
        raise DamagedBackupError(f"file '{told.file}' is no list of dropped rows") from err
    return found


class KeptRows:
    """A CSV with a header, without the rows that are gone; a row is known by its end, and none is taken apart.

    Postgres ends a record with LF, and puts a value that holds one into quotes.
    """

    def __init__(self, source: Reader, dropped: Runs) -> None:
        self._source = source
        self._steps = _steps(dropped)
        self._is_kept, self._left = next(self._steps)
        self._is_inside = False

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes; nothing at the end."""
        while data := self._source.read(min(size, BLOCK) if size > 0 else BLOCK):
            if kept := b"".join(self._kept(data)):
                return kept
        return b""

    def _kept(self, data: bytes) -> Iterator[bytes]:
        parts = data.split(b'"')
        ends = b"".join(parts[self._is_inside :: 2]).count(b"\n")
        if ends < self._left:
            self._left -= ends
            self._is_inside ^= len(parts) % 2 == 0
            if self._is_kept:
                yield data
        elif len(data) > EXACT:
            middle = len(data) // 2
            yield from self._kept(data[:middle])
            yield from self._kept(data[middle:])
        else:
            yield from self._kept_exactly(data)

    def _kept_exactly(self, data: bytes) -> Iterator[bytes]:
        start = 0
        for mark in _MARK.finditer(data):
            if mark[0] == b'"':
                self._is_inside = not self._is_inside
                continue
            self._left -= not self._is_inside
            if not self._left:
                if self._is_kept:
                    yield data[start : mark.end()]
                start = mark.end()
                self._is_kept, self._left = next(self._steps)
        if self._is_kept:
            yield data[start:]


def _steps(dropped: Runs) -> Iterator[tuple[bool, int]]:
    """Whether the next records are kept, and how many of them; the header is the first one."""
    before, header = 0, 1
    for first, end in dropped:
        yield True, first - before + header
        yield False, end - first
        before, header = end, 0
    yield True, ALWAYS
