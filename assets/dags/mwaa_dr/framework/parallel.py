"""Share work out to the connections of a snapshot."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from mwaa_dr.framework.database.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    connections: tuple[Connection, ...], items: Sequence[Item], work: Callable[[Connection, Item], Result]
) -> list[tuple[Result, float]]:
    """Do the work for each item, in this order, on a connection that is free; return its results with the seconds.

    The first error lets what is at work end, starts no more, and is raised.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(items)):
        waiting.put(number)
    done: dict[int, tuple[Result, float]] = {}
    errors: list[BaseException] = []

    def drain(connection: Connection) -> None:
        try:
            while not errors:
                number = waiting.get_nowait()
                started = time.monotonic()
                done[number] = (work(connection, items[number]), time.monotonic() - started)
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
    return [done[number] for number in range(len(items))]
