"""A cursor for the merge: counts, and gives up when the locks have been held too long."""

from __future__ import annotations

import math
import time

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.errors import DatabaseError

LATER = 10
"""Milliseconds: the server's clock must not run out before ours, which then tells why."""


class Work:
    """Runs the statements of one transaction; after `start_clock` all of them share one time limit."""

    def __init__(self, cursor: Cursor, *, lock_seconds: int, dry_run: bool = False) -> None:
        self.cursor = cursor
        self.dry_run = dry_run
        self._limit = lock_seconds
        self._locked_at: float | None = None

    @property
    def locked_seconds(self) -> float:
        """How long the locks have been held."""
        return time.monotonic() - self._locked_at if self._locked_at else 0.0

    def start_clock(self) -> None:
        """From now on locks are held that others may wait for."""
        self._locked_at = self._locked_at or time.monotonic()

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
            left = math.ceil((self._limit - self.locked_seconds) * 1000) + LATER
            self.cursor.execute(f"SET LOCAL statement_timeout = {left}")
