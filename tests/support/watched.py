"""A way to a database that tells a hook before and after each call, so that a test can act at any of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from psycopg2 import extensions

from mwaa_dr.framework.database.connection import MetadataDb

Hook = Callable[["Watched", str], None]
"""Gets the connection and the statement, `commit`, or `rollback`; what it raises is raised by the call."""


def _nothing(connection: Watched, statement: str) -> None:
    """Let the call pass."""


class Watched(extensions.connection):
    """A connection that calls `before` and `after` around its calls."""

    before: Hook = staticmethod(_nothing)
    after: Hook = staticmethod(_nothing)

    def commit(self) -> None:
        self.before(self, "commit")
        super().commit()
        self.after(self, "commit")

    def rollback(self) -> None:
        self.before(self, "rollback")
        super().rollback()


class _Cursor(extensions.cursor):
    connection: Any

    def execute(self, query: Any, values: Any = None) -> None:
        self.connection.before(self.connection, str(query))
        super().execute(query, values)
        self.connection.after(self.connection, str(query))

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        self.connection.before(self.connection, str(sql))
        super().copy_expert(sql, file, size)
        self.connection.after(self.connection, str(sql))


def watched(url: str, before: Hook = _nothing, after: Hook = _nothing) -> MetadataDb:
    """A database of which every call is told."""
    import psycopg2

    def connect() -> Watched:
        connection = psycopg2.connect(url, connection_factory=Watched, cursor_factory=_Cursor)
        connection.before, connection.after = before, after
        return connection

    return MetadataDb(connect)


def unwatched(connection: Watched) -> Any:
    """A cursor for a hook: its calls are not told."""
    return extensions.connection.cursor(connection, cursor_factory=extensions.cursor)


class Nth:
    """A hook that counts the calls of all threads, but those that contain `but`, and does something at one of them."""

    def __init__(self, number: int, act: Callable[[Watched], None], *, but: str | None = None) -> None:
        self.calls: list[str] = []
        self._number = number
        self._act = act
        self._but = but
        self._one_at_a_time = threading.Lock()

    def __call__(self, connection: Watched, statement: str) -> None:
        if self._but and self._but in statement:
            return
        with self._one_at_a_time:
            self.calls.append(" ".join(statement.split()))
            is_it = len(self.calls) == self._number
        if is_it:
            self._act(connection)
