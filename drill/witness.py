"""Sees the database exactly as each backup sees it: joins the snapshot that the backup exports, and reads every row."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg2

from drill.snapshot import Rows, read_from

LOOK_SECONDS = 0.02
KEPT = 6
NEAR_SECONDS = 1.0
"""A backup writes down its moment right after it has exported its snapshot; the next backup is a DAG run away."""


@dataclass(frozen=True)
class Sight:
    """What a backup saw."""

    at: float
    """When its snapshot was exported, in seconds since 1970."""
    rows: Rows


class Witness:
    """Watches one server; PostgreSQL keeps a file for each snapshot that is exported."""

    def __init__(self, url: str, server_folder: Path) -> None:
        self._url = url
        self._exports = server_folder / "data" / "pg_snapshots"
        self._sights: list[Sight] = []
        self._seen: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="witness", daemon=True)

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def sight_of(self, snapshot_time: datetime) -> Sight | None:
        """What the backup saw that was taken at this time; None: nobody was there."""
        moment = snapshot_time.timestamp()
        near = [sight for sight in self._sights if abs(sight.at - moment) < NEAR_SECONDS]
        return min(near, key=lambda sight: abs(sight.at - moment), default=None)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with suppress(OSError):  # the server is gone, or not there yet
                for path in sorted(self._exports.iterdir()):
                    if path.name not in self._seen:
                        self._seen.add(path.name)
                        self._join(path.name, path.stat().st_mtime)

    def _join(self, name: str, at: float) -> None:
        # A snapshot that ends before we come, or a server that is killed while we read: then there is no sight.
        with suppress(psycopg2.Error), closing(psycopg2.connect(self._url)) as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", (name,))
                self._sights = [*self._sights[1 - KEPT :], Sight(at, read_from(cursor))]
