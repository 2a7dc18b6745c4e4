"""Where the rows of a file lie in their table: what tells later which of them are still there."""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.gunzip import exactly, proved_whole
from mwaa_dr.framework.storage.storage import Storage, Writer

PLACE = 6
"""Bytes of a place, as the server sends a `ctid`: four of the block, two of the row in it."""
_HEAD = struct.Struct(">II")


@dataclass(frozen=True)
class PlacesFile:
    """The file that has the places of the rows of one file of a table, in their order."""

    backup_id: str
    """The backup in whose folder both lie."""
    of: str
    """The file with the rows."""
    file: str
    size: int
    sha256: str


def write_places(target: Writer, first_block: int, places: bytes) -> None:
    """Write the places of the rows in a range of blocks; byte by byte of a place, which makes them short."""
    if places:
        target.write(_HEAD.pack(first_block, len(places) // PLACE))
        target.write(b"".join(places[byte::PLACE] for byte in range(PLACE)))


def read_places(storage: Storage, path: str, told: PlacesFile) -> Iterator[tuple[int, int, bytes]]:
    """For each range of blocks its first one, the number of places in it, and these as they are stored.

    Raises DamagedBackupError at the latest at the end: nothing is to be concluded before that.
    """
    with proved_whole(storage, path, told) as source:
        while head := exactly(source, _HEAD.size):
            if len(head) < _HEAD.size:
                raise DamagedBackupError(f"file '{told.file}' is cut short")
            first_block, rows = _HEAD.unpack(head)
            planes = exactly(source, rows * PLACE)
            if len(planes) < rows * PLACE:
                raise DamagedBackupError(f"file '{told.file}' is cut short")
            yield first_block, rows, planes


def as_numbers(planes: Sequence[bytes]) -> array[int]:
    """What the server sent in up to eight bytes, as numbers that differ where it does; all at once: they are many."""
    wide = bytearray(8 * len(planes[0]))
    for byte, plane in enumerate(planes):
        wide[byte if sys.byteorder == "big" else len(planes) - 1 - byte :: 8] = plane
    numbers = array("q")
    numbers.frombytes(wide)
    return numbers


def of_stored(rows: int, stored: bytes) -> array[int]:
    """The places that `read_places` gave."""
    return as_numbers([stored[byte * rows : (byte + 1) * rows] for byte in range(PLACE)])


def of_sent(places: bytes) -> array[int]:
    """The places that a server sent one behind the other."""
    return as_numbers([places[byte::PLACE] for byte in range(PLACE)])


def missing(was: array[int], there: array[int]) -> Iterator[int]:
    """The indexes of the places that are not there any more; both are in order, and nearly all are alike."""
    index = at = 0
    while index < len(was):
        at = bisect_left(there, was[index], at)
        alike = _alike(was, index, there, at)
        if not alike:
            yield index
            index += 1
        index, at = index + alike, at + alike


def _alike(one: array[int], first: int, other: array[int], begin: int) -> int:
    """How many numbers are the same from there on: ever more at once, and ever fewer from the first difference on."""
    count, size, grows = 0, 1, True
    most = min(len(one) - first, len(other) - begin)
    while count < most:
        size = min(size, most - count)
        if one[first + count : first + count + size] == other[begin + count : begin + count + size]:
            count += size
            size = size * 2 if grows else max(size // 2, 1)
        elif size == 1:
            break
        else:
            size, grows = size // 2, False
    return count
