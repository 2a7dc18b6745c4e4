"""What comes along with a log record, told in its line: Airflow's formats show the message alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import mwaa_dr

_KNOWN = frozenset(vars(logging.makeLogRecord({})))


def told(record: logging.LogRecord) -> str:
    """The message, and in brackets what came along."""
    extra = [f"{k}: {v}" for k, v in vars(record).items() if k not in _KNOWN and not k.startswith("_")]
    return f"{record.getMessage()} ({', '.join(extra)})" if extra else record.getMessage()


class _InLine(logging.Handler):
    """Rewrites a record on its way up to the handlers that format it."""

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args = told(record), ()


@contextmanager
def whole_lines() -> Iterator[None]:
    """Have all that this package logs meanwhile tell what came along."""
    logger, handler = logging.getLogger(mwaa_dr.__name__), _InLine()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
