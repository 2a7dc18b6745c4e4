"""Something that is told again and again while other work goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType


class Heartbeat:
    """Beats in a thread of its own from `__enter__` to `__exit__`, the first time at once."""

    def __init__(self, beat: Callable[[], bool] | None, seconds: float) -> None:
        self._beat = beat
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        if self._beat:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._beat:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while self._beat and self._beat() and not self._ended.wait(self._seconds):
            pass
