"""Ctrl-C and SIGTERM end the work at once and leave nothing half done, also while the database is thinking."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The command was told to stop."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal = signal_number


@contextmanager
def interruptible(cancel: Callable[[], None]) -> Iterator[None]:
    """Raise Interrupted in the block when a signal comes; `cancel` ends the wait for a statement.

    Python runs a signal's handler only between two of its own steps, which are far apart while the database
    driver waits. The wake-up descriptor is written at once, and a thread that reads it calls `cancel`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            raise Interrupted(number)

    with _watched(cancel):
        before = {number: signal.signal(number, on_signal) for number in SIGNALS}
        try:
            yield
        except BaseException as err:
            # The first thing to fail may have been the statement that was cancelled.
            if came and not isinstance(err, Interrupted):
                raise Interrupted(came[0]) from err
            raise
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _watched(cancel: Callable[[], None]) -> Iterator[None]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def watch() -> None:
        while (data := os.read(reading, 1)) and data != b"\0":
            if data[0] in SIGNALS:
                cancel()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        with suppress(OSError):
            os.write(writing, b"\0")
        watcher.join(5)
        os.close(writing)
        os.close(reading)
