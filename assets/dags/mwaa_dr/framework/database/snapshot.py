"""One consistent view of the whole database, shared by the connections that read in parallel."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mwaa_dr.framework.database.connection import (
    BACKUP_LOCK,
    Connection,
    MetadataDb,
    first_line,
    take_lock,
)
from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.errors import DatabaseError
from mwaa_dr.framework.storage.storage import Writer

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

logger = logging.getLogger(__name__)

BUFFER = 1 << 18


@dataclass(frozen=True)
class Snapshot:
    """Connections that all see the database as it was at `time`."""

    connections: tuple[Connection, ...]
    time: datetime

    @property
    def first(self) -> Connection:
        """The connection that took the snapshot; it outlives the others."""
        return self.connections[0]

    def hold(self, tables: Iterable[str]) -> None:
        """Keep these tables from being written anew, as VACUUM FULL does: a row would move to another block.

        Nobody else waits, not even who writes rows: pg_dump takes the same lock.
        """
        with self.first.cursor() as cursor:
            for name in sorted(set(tables)):
                cursor.execute(f"LOCK TABLE {ident(name)} IN ACCESS SHARE MODE")

    def end(self) -> None:
        """Let the server forget the snapshot, which holds up its vacuum; other backups are still kept out."""
        for connection in self.connections:
            with suppress(Exception):
                connection.rollback()


@contextmanager
def open_snapshot(db: MetadataDb, connections: int, wait_seconds: float) -> Iterator[Snapshot]:
    """Open up to `connections` connections on one snapshot; one, where the server does not share it.

    Read only and REPEATABLE READ: nothing can be written by it, and no writer waits for it. Other backups are
    kept out until the block ends; raises BusyError when another one does not end within `wait_seconds`.
    """
    with ExitStack() as stack:
        first = stack.enter_context(_reader(db, wait_seconds))
        shared = _export(first) if connections > 1 else ""
        with first.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            time = cursor.fetchone()[0]
        others = _join(stack, db, shared, connections - 1) if shared else []
        yield Snapshot((first, *others), time)


@contextmanager
def _reader(db: MetadataDb, lock_wait: float | None = None) -> Iterator[Connection]:
    """Open a connection that can only read; with `lock_wait` it first waits for other backups to end."""
    with db.connection() as connection:
        if lock_wait is not None:
            with connection.cursor() as cursor:
                take_lock(cursor, BACKUP_LOCK, "backup", lock_wait, session=True)
            # The snapshot must begin after the wait, or it would be as old as the wait.
            connection.commit()
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        # Never rolled back: in the middle of a COPY that would first read the rest of the table.
        yield connection


def _export(first: Connection) -> str:
    """Share the snapshot of a connection; return its name, or nothing where the server does not share it."""
    import psycopg2

    try:
        with first.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            return str(cursor.fetchone()[0])
    except psycopg2.Error as err:
        _say_refused(err)
        first.rollback()
        return ""


def _join(stack: ExitStack, db: MetadataDb, name: str, count: int) -> list[Connection]:
    """Open more connections on a shared snapshot; as many as can be had."""
    import psycopg2

    joined: list[Connection] = []
    try:
        for _ in range(count):
            connection = stack.enter_context(_reader(db))
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", (name,))
            joined.append(connection)
    except (psycopg2.Error, DatabaseError) as err:
        _say_refused(err)
    return joined


def _say_refused(err: Exception) -> None:
    # Some proxies move a session between servers, where the snapshot is not known.
    logger.warning("the snapshot is not shared, fewer connections are used", extra={"reason": first_line(err)})


class _Forward(io.RawIOBase):
    """Lets a C-level buffer stand between Postgres' rows and our writer: one call per block, not per row."""

    def __init__(self, target: Writer) -> None:
        super().__init__()
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        # A row as large as it may be comes in one piece: passed on in blocks, it is not held once more.
        view = memoryview(data)
        for start in range(0, len(view), BUFFER):
            self._target.write(bytes(view[start : start + BUFFER]))
        return len(view)


def rows_at_once(connection: Connection, query: str) -> int:
    """How many rows of a query may be held together: as many as a buffer takes, and at least one."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(octet_length(r::text)) FROM ({query}) r")
        return max(1, BUFFER // int(cursor.fetchone()[0] or 1))


def copy_out(connection: Connection, query: str, target: Writer, *, header: bool = True) -> int:
    """Stream the rows of a query as Postgres' own CSV, by default with a header; return their number."""
    with connection.cursor() as cursor, io.BufferedWriter(_Forward(target), BUFFER) as buffer:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER {str(header).lower()})", buffer)
        buffer.flush()
        return int(cursor.rowcount)
