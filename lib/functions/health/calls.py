"""Calls to AWS at the same time, with one end for all, and whether who was called answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from lib.functions.aws import error_code, error_text
from lib.functions.log import logger

_log = logger(__name__)

SILENT = (
    EndpointConnectionError,
    ConnectTimeoutError,
    ReadTimeoutError,
    ConnectionClosedError,
    ResponseParserError,  # a page of a proxy or load balancer instead of an answer
)
"""What a service that is not there looks like: refused, unknown to the DNS, timed out, cut off."""

THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
"""Some of these come with status 503, and still are an answer."""


class Outcome(str, Enum):
    """What became of a call."""

    ANSWERED = "ANSWERED"
    NO_ANSWER = "NO_ANSWER"
    NOT_TOLD = "NOT_TOLD"
    """It is there, and tells us nothing: denied, throttled, or the trouble is ours."""


@dataclass(frozen=True)
class Reply:
    """What a call came to."""

    outcome: Outcome
    value: Any = None
    words: str = "answered"


def ask(calls: Mapping[str, Callable[[], Any]], *, seconds: float) -> dict[str, Reply]:
    """Make all calls at once; one that takes longer than `seconds` did not answer."""
    pool = ThreadPoolExecutor(max_workers=len(calls))
    try:
        asked: dict[str, Future[Any]] = {name: pool.submit(call) for name, call in calls.items()}
        wait(asked.values(), timeout=seconds)
        return {name: _reply(name, future, seconds) for name, future in asked.items()}
    finally:
        # A call that hangs, in the resolver of names for one, must not hold the answer up.
        pool.shutdown(wait=False, cancel_futures=True)


def _reply(name: str, future: Future[Any], seconds: float) -> Reply:
    if not future.done():
        return Reply(Outcome.NO_ANSWER, words=f"no answer in {seconds:.0f} s")
    error = future.exception()
    if error is None:
        return Reply(Outcome.ANSWERED, future.result())
    if not isinstance(error, Exception):
        raise error
    if _is_silence(error):
        return Reply(Outcome.NO_ANSWER, words=error_text(error))
    _log.warning("a call failed", extra={"call": name, "why": error_text(error)})
    return Reply(Outcome.NOT_TOLD, words=error_text(error))


def _is_silence(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 and error_code(error) not in THROTTLED
    return isinstance(error, SILENT)
