"""How far the work is, on standard error: refreshed lines on a terminal, one line per table otherwise."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO

from mwaa_dr.framework import text
from mwaa_dr.framework.log_lines import told
from mwaa_dr.framework.progress import Progress

REDRAW_SECONDS = 0.1
NAME_WIDTH = 28
CLEAR_BELOW = "\x1b[J"


@dataclass
class _Active:
    """A table at work."""

    total: int | None
    started: float
    done: int = 0

    def line(self, table: str, now: float) -> str:
        shown = f"{text.plain(table):<{NAME_WIDTH}}  {text.size(self.done):>8}"
        seconds = max(now - self.started, 1e-9)
        if not self.total:
            return f"{shown}        {text.size(self.done / seconds)}/s"
        share = min(self.done / self.total, 1.0)
        left = f"  {text.duration(seconds / share - seconds)} left" if share and seconds > 1 else ""
        return f"{shown}  {share:4.0%}  {text.size(self.done / seconds)}/s{left}"


class TerminalProgress(Progress):
    """Shows every table at work in a line of its own, redrawn in place where `stream` is a terminal.

    A context manager: at its end nothing half drawn is left on the terminal.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._live = stream.isatty()
        self._lock = threading.RLock()
        self._tables: dict[str, _Active] = {}
        self._drawn = 0
        self._drawn_at = float("-inf")

    def __enter__(self) -> TerminalProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._tables.clear()
            self._draw()

    def start(self, table: str, total: int | None = None) -> None:
        """Show a table that begins."""
        with self._lock:
            self._tables[table] = _Active(total, self._clock())
            self._draw(limited=True)

    def advance(self, table: str, done: int) -> None:
        """Count bytes."""
        with self._lock:
            active = self._tables.get(table)
            if active:
                active.done += done
                self._draw(limited=True)

    def finish(self, table: str, rows: int, seconds: float) -> None:
        """Leave the line of a table that is done."""
        with self._lock:
            active = self._tables.pop(table, None)
            size = text.size(active.done) if active else ""
            counted = text.counted(rows, "row")
            name = text.plain(table)
            self.say(f"{name:<{NAME_WIDTH}}  {size:>8}  {counted:>16}  {text.duration(seconds):>10}")

    def phase(self, text: str) -> None:
        """Say what begins."""
        self.say(f"{text} ...")

    def say(self, line: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._draw(line)

    def _draw(self, line: str = "", *, limited: bool = False) -> None:
        """Write a line that stays, and below it the tables at work anew."""
        if not self._live:
            self._write(f"{line}\n" if line else "")
            return
        now = self._clock()
        if limited and now - self._drawn_at < REDRAW_SECONDS:
            return
        width = shutil.get_terminal_size().columns - 1
        active = [state.line(table, now)[:width] for table, state in self._tables.items()]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        lines = [*([line] if line else []), *active]
        self._write(f"\r{up}{CLEAR_BELOW}" + "".join(f"{shown}\n" for shown in lines))
        self._drawn, self._drawn_at = len(active), now

    def _write(self, shown: str) -> None:
        if shown:
            self._stream.write(shown)
            self._stream.flush()


class TerminalLog(logging.Handler):
    """Shows the engine's warnings between the lines of the progress."""

    def __init__(self, display: TerminalProgress) -> None:
        super().__init__(logging.WARNING)
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line with what came along."""
        self._display.say(text.plain(f"{record.levelname.lower()}: {told(record)}"))
