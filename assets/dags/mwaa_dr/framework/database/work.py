"""A cursor for what changes the database: counts, repeats what lost a race, and gives up when it takes too long."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from mwaa_dr.framework.database.connection import Cursor, first_line
from mwaa_dr.framework.errors import BusyError, DatabaseError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
LATER = 10
"""Milliseconds: the server's clock must not run out before ours, which then tells why."""


class LateError(Exception):
    """What had to hurry was not done in time."""


class Work:
    """Runs the statements of one transaction; after `start_clock` all of them share one time limit."""

    def __init__(self, cursor: Cursor, *, lock_seconds: int, dry_run: bool = False) -> None:
        self.cursor = cursor
        self.dry_run = dry_run
        self._limit = lock_seconds
        self._locked_at: float | None = None
        self._hurry_until = math.inf

    @property
    def locked_seconds(self) -> float:
        """How long the locks have been held."""
        return time.monotonic() - self._locked_at if self._locked_at else 0.0

    def start_clock(self) -> None:
        """From now on locks are held that others may wait for."""
        self._locked_at = self._locked_at or time.monotonic()

    def hurry(self, seconds: float) -> None:
        """From now on there is so much time and no more; raise LateError, or the driver's QueryCanceled, after it."""
        self.start_clock()
        self._hurry_until = time.monotonic() + seconds

    @property
    def is_late(self) -> bool:
        """Whether what had to hurry was not done in time."""
        return time.monotonic() >= self._hurry_until

    def start_over(self) -> None:
        """Stop the clock: what was locked has been let go."""
        self._locked_at, self._hurry_until = None, math.inf
        self.cursor.execute("SET LOCAL statement_timeout = 0")

    def run(self, sql: str) -> int:
        """Execute a statement; return the number of rows that it touched."""
        self._limit_statement()
        self.cursor.execute(sql)
        return max(0, int(self.cursor.rowcount))

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Execute a query; return its rows, which must be few."""
        self._limit_statement()
        self.cursor.execute(sql)
        return [tuple(row) for row in self.cursor.fetchall()]

    def one(self, sql: str) -> int:
        """Execute a query for one number; NULL counts as 0."""
        return int(str(self.rows(sql)[0][0] or 0))

    def exists(self, query: str) -> bool:
        """Whether a query has any row."""
        return bool(self.rows(f"SELECT EXISTS ({query})")[0][0])

    def retried(self, step: Callable[[], Result]) -> Result:
        """Repeat a step that lost a race against the living Airflow; its locks are let go in between.

        Raises BusyError when it loses each time.
        """
        from psycopg2 import errors

        lost = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation, errors.LockNotAvailable)
        attempt = 1
        while True:
            self.run("SAVEPOINT merge")
            try:
                result = step()
            except lost as err:
                self.cursor.execute("ROLLBACK TO SAVEPOINT merge")
                if attempt == ATTEMPTS:
                    raise _lost(err) from err
                logger.warning("merge repeated", extra={"attempt": attempt, "reason": first_line(err)})
                time.sleep(attempt)
                attempt += 1
            except errors.QueryCanceled:
                self.check_limit()
                raise
            else:
                self.run("RELEASE SAVEPOINT merge")
                return result

    def check_limit(self) -> None:
        """Raise DatabaseError when the locks have been held for too long."""
        if self._locked_at is not None and self.locked_seconds >= self._limit:
            raise DatabaseError(
                f"the merge held its locks for more than {self._limit} s and was given up; nothing was changed",
                "Raise DR_LOCK_SECONDS, or run cleanup_metadata first: an empty database is restored faster.",
            )

    def _limit_statement(self) -> None:
        self.check_limit()
        if self._locked_at is not None:
            if self.is_late:
                raise LateError
            seconds = min(self._limit - self.locked_seconds, self._hurry_until - time.monotonic())
            left = math.ceil(seconds * 1000) + LATER
            self.cursor.execute(f"SET LOCAL statement_timeout = {left}")


def _lost(err: Exception) -> BusyError:
    return BusyError(
        f"the living Airflow changed the same rows {ATTEMPTS} times over ({first_line(err)}); nothing was changed",
        "Pause the DAGs of the target, or try again.",
    )
