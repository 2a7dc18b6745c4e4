"""The one seam to the metadata database; whoever builds a `MetadataDb` decides how it is reached."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mwaa_dr.framework.errors import BusyError, DatabaseError

logger = logging.getLogger(__name__)

Connection = Any
Cursor = Any

BACKUP_LOCK = 0x6D77_6161_0001
"""Advisory lock of a backup; such locks write nothing and end with the session."""
CHANGE_LOCK = 0x6D77_6161_0002
"""Advisory lock of a restore or cleanup."""

DATA_EXCEPTION = "22"
"""SQLSTATE class of `invalid input syntax for type integer: "..."`:
https://www.postgresql.org/docs/current/errcodes-appendix.html"""


class MetadataDb:
    """Opens connections to one metadata database; the engine below imports no Airflow."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._open: set[Connection] = set()

    @classmethod
    def from_url(cls, url: str) -> MetadataDb:
        """Reach it by URL; SQLAlchemy's `postgresql+psycopg2://` is understood."""
        import psycopg2

        dsn = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
        return cls(lambda: psycopg2.connect(dsn, connect_timeout=15, application_name="mwaa_dr"))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a connection with the session settings that make text output exact, and close it."""
        try:
            connection = self._connect()
        except Exception as err:
            if _is_own(err):
                raise
            raise DatabaseError(
                f"the metadata database cannot be reached: {first_line(err)}",
                "Check host, port, user and network; the server must accept connections from here.",
            ) from err
        try:
            self._open.add(connection)
            with translated_errors():
                _prepare(connection)
                yield connection
        except BaseException as err:
            conceal(err)
            raise
        finally:
            self._open.discard(connection)
            with suppress(Exception):
                connection.close()

    def cancel(self) -> None:
        """Make the server give up what it is at for us; may be called from another thread, or a signal's."""
        for connection in list(self._open):
            with suppress(Exception):
                connection.cancel()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Run one transaction: committed at the end, rolled back when anything is raised."""
        with self.connection() as connection:
            try:
                with connection.cursor() as cursor:
                    yield cursor
                connection.commit()
            except BaseException:
                with suppress(Exception):
                    connection.rollback()
                raise


def _prepare(connection: Connection) -> None:
    # Airflow's engine may come with an isolation level, or autocommit, that somebody chose for the scheduler.
    connection.rollback()
    connection.set_session(isolation_level="READ COMMITTED", autocommit=False)
    # Not by SET: the driver would go on with the encoding that PGCLIENTENCODING or the server gave it.
    connection.set_client_encoding("UTF8")
    with connection.cursor() as cursor:
        cursor.execute(
            "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';"
            " SET extra_float_digits = 3; SET bytea_output = 'hex';"
            " SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
        )
    connection.commit()


def _is_own(err: Exception) -> bool:
    from mwaa_dr.framework.errors import DrError

    return isinstance(err, DrError)


def first_line(err: BaseException) -> str:
    """The first line of a database error: the lines below may hold values of rows, and so may this of a data error."""
    if (getattr(err, "pgcode", None) or "").startswith(DATA_EXCEPTION):
        return type(err).__name__
    primary = getattr(getattr(err, "diag", None), "message_primary", None)
    return str(primary or str(err).strip().split("\n")[0] or type(err).__name__)


def conceal(err: BaseException) -> None:
    """Leave in an error, and in those behind it, no value of a row for whoever shows the traceback."""
    import psycopg2

    behind, seen = [err], set()
    while behind:
        found = behind.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, psycopg2.Error):
            found.args = (first_line(found),)
        behind += [other for other in (found.__cause__, found.__context__) if other]


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the driver's errors into one clear line without values of rows."""
    import psycopg2

    try:
        yield
    except psycopg2.Error as err:
        raise DatabaseError(f"the metadata database refused: {first_line(err)}") from err


def take_lock(cursor: Cursor, key: int, what: str, wait_seconds: float = 0, *, session: bool = False) -> None:
    """Hold an advisory lock until the transaction ends, or the session; raise BusyError when it cannot be had."""
    deadline = time.monotonic() + wait_seconds
    scope = "" if session else "xact_"
    while True:
        cursor.execute(f"SELECT pg_try_advisory_{scope}lock(%s)", (key,))
        if cursor.fetchone()[0]:
            return
        if time.monotonic() >= deadline:
            raise BusyError(
                f"another {what} is at work on this metadata database",
                "Wait until it has ended; a killed one frees its place when its connection ends.",
            )
        logger.info("waiting for another run to end", extra={"operation": what})
        time.sleep(min(2.0, max(0.1, wait_seconds / 20)))
