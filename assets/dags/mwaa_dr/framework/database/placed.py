"""Which rows of a table are new since an older snapshot, and where those lie that are not.

A row that is updated becomes a new version of it elsewhere in the table, written by another transaction; a version
that stays, stays where it is until the table is written anew, which gives it another file.
https://www.postgresql.org/docs/current/ddl-system-columns.html
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import operator
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.connection import Connection, Cursor
from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.database.selection import rows_of, where
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.places import PLACE, as_numbers

BLOCKS = 256
"""Of a range: 2 MB of rows."""
Blocks = tuple[int, int | None]

_IN_ORDER = {
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
}
_HASH = "hashtidextended(ctid, 0)"
_PLACES = "string_agg(tidsend(ctid), ''::bytea)"
_WIDE = 8
"""Bytes of a hash, as the server sends it."""
_BOTH = PLACE + _WIDE


@dataclass(frozen=True)
class Seen:
    """What a snapshot sees of a range of blocks."""

    rows: int
    hash: int
    new_rows: int
    """Those that were not there at the older snapshot, or not for certain."""
    new_hash: int
    new_places: bytes
    """One behind the other, in the order in which the rows come."""

    @property
    def old_rows(self) -> int:
        """Those that were there at the older snapshot."""
        return self.rows - self.new_rows

    @property
    def old_hash(self) -> int:
        """Of their places."""
        return self.hash ^ self.new_hash


@dataclass(frozen=True)
class Server:
    """What the transactions and the places of a snapshot belong to."""

    identity: str
    horizon: int


def see_server(cursor: Cursor, revision: str) -> Server:
    """What must be the same for transactions and places to mean the same.

    A server that was restored from a copy, of a snapshot of its disks or to a point in time, gives the numbers of lost
    transactions anew; but it was started since, and so was one that took over.
    """
    cursor.execute(
        "SELECT concat_ws(' ', pg_postmaster_start_time(), d.oid, current_setting('server_version_num')),"
        " pg_snapshot_xmin(pg_current_snapshot())::text"
        " FROM pg_database d WHERE d.datname = current_database()"
    )
    identity, horizon = cursor.fetchone()
    return Server(f"{identity} {revision}", int(horizon))


def fingerprint(cursor: Cursor, table: Table, columns: Collection[str], ours: Collection[str]) -> str:
    """What decides, beside its rows, what is stored of a table; the table must be held, or it may be another soon."""
    cursor.execute(
        """
        SELECT pg_relation_filenode(c.oid)::text, string_agg(concat_ws(' ', a.attnum, a.attname,
               format_type(a.atttypid, a.atttypmod), a.attmissingval::text), ', ' ORDER BY a.attnum)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.oid = to_regclass(%s) GROUP BY c.oid
        """,
        (ident(table.name),),
    )
    told = [*map(str, cursor.fetchone()), rows_of(table, tuple(columns), ours)]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def can_be_added_to(table: Table, catalog: Catalog, least: int) -> bool:
    """Whether only the changes of a table may be stored; small ones are not worth it."""
    lies_alone = table.name not in catalog.divided and catalog.sizes[table.name] >= least
    return catalog.reads_ranges and lies_alone and not table.whole


@contextmanager
def in_order(connection: Connection) -> Iterator[Cursor]:
    """Have the rows of a table come in the order of their places; the connection is in a transaction."""
    with connection.cursor() as cursor:
        for name, value in _IN_ORDER.items():
            cursor.execute(f"SET LOCAL {name} = {value}")
        yield cursor
        for name in _IN_ORDER:
            cursor.execute(f"SET LOCAL {name} TO DEFAULT")


def is_new(cursor: Cursor, horizon: int) -> str:
    """The condition of a row that was written by a transaction from the horizon on.

    The counter of transactions has 32 bits in a row; `age` says how far one lies back, as long as it is not 2^31.
    """
    cursor.execute(f"SELECT age('{horizon % 2**32}'::xid)")
    return f"age(xmin) <= {int(cursor.fetchone()[0])}"


def see(cursor: Cursor, table: Table, ours: Collection[str], blocks: Blocks) -> Seen:
    """Count the rows in a range of blocks, and hash their places; all of them count as new."""
    asked = f"count(*), bit_xor({_HASH}), {_PLACES}"
    rows, hashed, found = _asked(cursor, table, where(table, ours, blocks), asked)
    return Seen(rows, hashed or 0, rows, hashed or 0, bytes(found or b""))


def compare(
    cursor: Cursor, table: Table, ours: Collection[str], blocks: Blocks, new: str, *, with_old: bool
) -> tuple[Seen, bytes | None]:
    """Count and hash likewise; `new` says which rows were not there before.

    Returns the places of those that were, too, where these are asked for: to read the range once more costs as much.
    """
    # The condition is looked at for each row and each time that it is written here.
    both = f"string_agg(tidsend(ctid) || int8send({_HASH}), ''::bytea) FILTER (WHERE {new})"
    of_old = f", {_PLACES} FILTER (WHERE NOT {new})" if with_old else ""
    asked = f"count(*), bit_xor({_HASH}), {both}{of_old}"
    rows, hashed, found, *old = _asked(cursor, table, where(table, ours, blocks), asked)
    of_new = bytes(found or b"")
    seen = Seen(rows, hashed or 0, len(of_new) // _BOTH, _hash_of(of_new), _places_of(of_new))
    return seen, bytes(old[0] or b"") if with_old else None


def _asked(cursor: Cursor, table: Table, which: str, what: str) -> Any:
    cursor.execute(f"SELECT {what} FROM {ident(table.name)}{which}")
    return cursor.fetchone()


def _places_of(found: bytes) -> bytes:
    """The places alone, of places with their hashes."""
    places = bytearray(len(found) // _BOTH * PLACE)
    for byte in range(PLACE):
        places[byte::PLACE] = found[byte::_BOTH]
    return bytes(places)


def _hash_of(found: bytes) -> int:
    """The hashes alone, as the server would put them together."""
    hashes = as_numbers([found[PLACE + byte :: _BOTH] for byte in range(_WIDE)])
    return functools.reduce(operator.xor, hashes, 0)


def places(cursor: Cursor, table: Table, ours: Collection[str], blocks: Blocks, also: str) -> bytes:
    """The places of rows in a range of blocks, one behind the other."""
    return bytes(_asked(cursor, table, where(table, ours, blocks, also), _PLACES)[0] or b"")


def lies_at(places: bytes) -> str:
    """The condition of rows by their places; the server reads them in this order, and nothing else."""
    listed = ",".join(f'"({block},{row})"' for block, row in struct.iter_unpack(">IH", places))
    return f"ctid = ANY ('{{{listed}}}'::tid[])"


def ranges(blocks: Blocks, known_end: int) -> list[Blocks]:
    """A range of blocks in shorter ones; what lies behind the end that is known belongs to the last one."""
    first, end = blocks
    firsts = range(first, max(known_end if end is None else end, first + 1), BLOCKS)
    return list(itertools.pairwise([*firsts, end]))
