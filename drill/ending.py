"""The signals that end a drill: at once while it is played, and only afterwards while it is being ended anyway."""

from __future__ import annotations

import signal
import sys
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_waiting: list[int] = []
"""Those that came while everything was being ended."""


def heed() -> None:
    """Leave by way of the `finally` blocks when a signal comes, or has come since `defer`."""
    for number in SIGNALS:
        signal.signal(number, _end)
    if _waiting:
        _end(_waiting.pop(0), None)


def defer() -> None:
    """Let a signal wait: what ends Airflows and servers must not be left half-way."""
    for number in SIGNALS:
        signal.signal(number, _wait)


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave by way of the `finally` blocks, which end the Airflows and the servers; the first signal is enough."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def _wait(number: int, _frame: FrameType | None) -> None:
    _waiting.append(number)
