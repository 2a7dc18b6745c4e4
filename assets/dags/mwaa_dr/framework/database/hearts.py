"""The hearts of schedulers and triggerers, kept beating while a restore's locks keep these from doing it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mwaa_dr.framework.database.connection import Connection, MetadataDb, first_line
from mwaa_dr.framework.errors import DatabaseError
from mwaa_dr.framework.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

RHYTHM_SECONDS = 2.0
"""More often than Airflow's own 5 s: one scheduler takes another for dead after 30 s, or what somebody has set."""
SILENT_SECONDS = 10.0
"""A beat that takes longer is none."""
_ALIVE = (
    "SELECT id FROM job WHERE state = 'running' AND end_date IS NULL AND job_type <> 'LocalTaskJob'"
    " AND latest_heartbeat > now() - interval '30 s'"
)
# Whoever holds such a row may wait for our locks: it is passed over.
_BEAT = (
    "UPDATE job SET latest_heartbeat = greatest(latest_heartbeat, clock_timestamp()) WHERE id IN"
    " (SELECT id FROM job WHERE id = ANY(%s) AND state = 'running' FOR NO KEY UPDATE SKIP LOCKED)"
)


class Hearts:
    """Beats for what lived when it was started, in transactions of its own, until it is stopped.

    What waits for our locks cannot say that it lives, and whoever is faster afterwards would give its tasks away: they
    would run twice. Source: `adopt_or_reset_orphaned_tasks` and `Trigger.assign_unassigned`, Airflow 2.4 to 3.3. What
    really dies meanwhile is noticed 30 s after the end of the locks.
    """

    def __init__(self) -> None:
        self._connection: Connection = None
        self._ids: list[int] = []
        self._beating = ExitStack()
        self._beaten_at = 0.0
        self._refused = "there is no second connection to the database"

    @contextmanager
    def at_hand(self, db: MetadataDb) -> Iterator[None]:
        """Have a connection ready, where one can be had: later the locks are held already."""
        with ExitStack() as stack:
            try:
                self._connection = stack.enter_context(db.connection())
                with self._connection.cursor() as cursor:
                    cursor.execute(f"SET statement_timeout = '{SILENT_SECONDS:.0f}s'")
                self._connection.commit()
                self._refused = ""
            except DatabaseError as err:
                self._refused = err.message
            stack.callback(self.stop)
            yield

    @property
    def trouble(self) -> str:
        """Why nobody beats; empty: all is well."""
        silent = time.monotonic() - self._beaten_at
        if self._beaten_at and not self._refused and silent > SILENT_SECONDS:
            return f"no answer for {silent:.0f} s"
        return self._refused

    def start(self) -> None:
        """Beat from now on, once before this returns."""
        with self._connection.cursor() as cursor:
            cursor.execute(_ALIVE)
            self._ids = [row[0] for row in cursor.fetchall()]
        self._beat()
        self._beating.enter_context(Heartbeat(self._went_on, RHYTHM_SECONDS))

    def stop(self) -> None:
        """Leave it to Airflow again."""
        self._beating.close()

    def _went_on(self) -> bool:
        import psycopg2

        try:
            self._beat()
        except psycopg2.Error as err:
            self._refused = first_line(err)
            logger.warning("heartbeats cannot be kept up: %s", self._refused)
        return not self._refused

    def _beat(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(_BEAT, (self._ids,))
        self._connection.commit()
        self._beaten_at = time.monotonic()
