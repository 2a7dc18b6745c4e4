"""Logs as JSON lines on the standard output, which Lambda hands to CloudWatch.

Write `logger.info("what happened", extra={"environment": name})`: never the event, a task token or Airflow options.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

ROOT = "lib.functions"
LEFT_OUT = ("token", "secret", "password", "event", "options", "conf")
"""A field with such a word in its name is not written, should it be logged by mistake."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One record as one JSON object: level, logger, message, and its `extra` fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Render the record in one line."""
        line: dict[str, Any] = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        for name, value in vars(record).items():
            if name not in _STANDARD:
                line[name] = "(left out)" if any(word in name.lower() for word in LEFT_OUT) else value
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


if TYPE_CHECKING:
    _Stream = logging.StreamHandler[Any]
else:  # Python 3.10 runs the app, too, and has no subscript here
    _Stream = logging.StreamHandler


class _StandardOutput(_Stream):
    """Looks the stream up when it writes: who replaces `sys.stdout` sees the lines."""

    @property
    def stream(self) -> Any:
        return sys.stdout

    @stream.setter
    def stream(self, _: Any) -> None:
        """StreamHandler assigns one."""


def logger(name: str) -> logging.Logger:
    """The logger of a module of `lib.functions` (its `__name__`)."""
    root = logging.getLogger(ROOT)
    if not root.handlers:
        handler = _StandardOutput()
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        root.propagate = False  # Lambda's own handler would write each line again
    return logging.getLogger(name)
