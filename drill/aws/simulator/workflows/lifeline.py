"""What tells the threads of an execution that it is over: aborted, timed out, or a sibling branch has failed."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Any

from drill.aws.simulator.state import Scales

CHECK_SECONDS = 0.05


class OverError(Exception):
    """Nobody waits for the result of this state any more."""


class Lifeline:
    """Ends once; what hangs on it ends with it."""

    def __init__(self, parent: Lifeline | None = None) -> None:
        self._parent = parent
        self._ended = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether it, or what it hangs on, has ended."""
        return self._ended.is_set() or (self._parent is not None and self._parent.is_over)

    def end(self) -> None:
        """Tell everything that hangs on it."""
        self._ended.set()

    def check(self) -> None:
        """Raise OverError when it has ended."""
        if self.is_over:
            raise OverError

    def pause(self, seconds: float) -> None:
        """Sleep for a Wait state or between two attempts, shortened by the scale; raises OverError when it ends."""
        deadline = time.monotonic() + seconds * Scales.waits
        while (left := deadline - time.monotonic()) > 0:
            self._ended.wait(min(left, CHECK_SECONDS))
            self.check()
        self.check()

    def wait_for(self, event: threading.Event, seconds: float | None) -> bool:
        """Whether an event happened within so many seconds, shortened by the scale; raises OverError when it ends."""
        deadline = None if seconds is None else time.monotonic() + seconds * Scales.timeouts
        while not event.wait(CHECK_SECONDS):
            self.check()
            if deadline is not None and time.monotonic() > deadline:
                return event.is_set()
        return True

    def call(self, function: Callable[[], Any], seconds: float | None) -> tuple[bool, Any]:
        """Whether a function ended in time, and what it returned or raised; it goes on alone when it did not."""
        done = threading.Event()
        box: list[tuple[Any, Exception | None]] = []

        def run() -> None:
            try:
                box.append((function(), None))
            except Exception as error:  # noqa: BLE001 - it is raised again by the thread that waits
                box.append((None, error))
            done.set()

        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
        if not self.wait_for(done, seconds):
            return False, None
        result, error = box[0]
        if error is not None:
            raise error
        return True, result


current: contextvars.ContextVar[Lifeline] = contextvars.ContextVar("current")
