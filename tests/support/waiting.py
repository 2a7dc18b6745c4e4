"""Waiting for what must happen, instead of for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2

PATIENCE = 120.0
"""Seconds after which it is taken not to happen any more, on the slowest machine."""


def until(happened: Callable[[], object], what: str = "it") -> None:
    """Wait until it happened."""
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up, f"{what} did not happen within {PATIENCE:.0f} s"
        time.sleep(0.02)


def waits_for_a_lock(url: str) -> bool:
    """Whether a session of the database waits for another one."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database())"
        )
        return bool((cursor.fetchone() or (False,))[0])


@contextmanager
def once_somebody_waits(url: str, act: Callable[[], object]) -> Iterator[None]:
    """Act as soon as a session waits for another one; the block is to make one wait."""
    failed: list[BaseException] = []

    def watch() -> None:
        try:
            until(lambda: waits_for_a_lock(url), "a wait for a lock")
        except BaseException as err:  # noqa: BLE001 - raised below, in the test's thread
            failed.append(err)
        act()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        watcher.join()
    if failed:
        raise failed[0]
