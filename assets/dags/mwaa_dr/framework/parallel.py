"""Share tables out to the connections of a snapshot."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from mwaa_dr.framework.database.connection import Connection
from mwaa_dr.framework.model.table import Table

Result = TypeVar("Result")


def in_parallel(
    connections: tuple[Connection, ...], tables: Iterable[Table], work: Callable[[Connection, Table], Result]
) -> dict[str, tuple[Result, float]]:
    """Do the work for each table on one of the connections; return its result and seconds by table name.

    The first error lets the tables that are at work end, starts no more, and is raised.
    """
    waiting: queue.SimpleQueue[Table] = queue.SimpleQueue()
    for table in tables:
        waiting.put(table)
    done: dict[str, tuple[Result, float]] = {}
    errors: list[BaseException] = []

    def drain(connection: Connection) -> None:
        try:
            while not errors:
                table = waiting.get_nowait()
                started = time.monotonic()
                done[table.name] = (work(connection, table), time.monotonic() - started)
        except queue.Empty:
            return
        except BaseException as err:  # noqa: BLE001 - carried to the caller's thread
            errors.append(err)

    threads = [threading.Thread(target=drain, args=(c,), daemon=True) for c in connections[1:]]
    for thread in threads:
        thread.start()
    drain(connections[0])
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return done
