"""What tests decide about the simulator while it runs; a reset brings the defaults back."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

_doors: dict[str, Callable[..., Any]] = {}
_resets: list[Callable[[], None]] = []


def door(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function under /_drill/PATH; it gets the JSON body as keywords, what it returns is answered."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _doors[path] = function
        return function

    return register


def on_reset(function: Callable[[], None]) -> Callable[[], None]:
    """Register what brings one module back to its defaults."""
    _resets.append(function)
    return function


def opened(path: str, body: dict[str, Any]) -> Any:
    """What the door answers; raises KeyError for one that does not exist."""
    return _doors[path](**body)


def reset() -> None:
    """Bring every module back to its defaults."""
    for function in _resets:
        function()


class Scales:
    """How the time of workflows is shortened."""

    waits = float(os.environ.get("SFN_WAIT_SCALE", "1"))
    timeouts = float(os.environ.get("DRILL_TIMEOUT_SCALE", "1"))


_START = (Scales.waits, Scales.timeouts)


@door("scale")
def scale(waits: float | None = None, timeouts: float | None = None) -> None:
    """Change one or both."""
    Scales.waits = Scales.waits if waits is None else waits
    Scales.timeouts = Scales.timeouts if timeouts is None else timeouts


@on_reset
def _unscale() -> None:
    Scales.waits, Scales.timeouts = _START
