"""Airflow's REST API, whoever carries the calls: paged, at a pace, and each refusal one line without a secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mwaa_dr.framework.errors import ApiError

PAGE = 100
"""The most that Airflow 3 gives at once, `[api] maximum_page_limit`."""
LONGEST_PATH = 64
"""https://docs.aws.amazon.com/mwaa/latest/API/API_InvokeRestApi.html; no SDK checks it."""
PER_SECOND = 8
"""MWAA allows ten; the functions of a workflow may ask at the same time."""
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt of a call that may succeed later."""
LATER = frozenset({408, 429, 500, 502, 503, 504})

ROLE_HINT = "The execution role needs airflow:InvokeRestApi on role/<environment>/Admin."


@dataclass(frozen=True)
class Answer:
    """What Airflow answered, or would have, had it been reached."""

    status: int
    body: Any = field(default=None, repr=False)


class Carrier(Protocol):
    """A way to the API; an answer of Airflow is never raised, whatever its status."""

    name: str

    def send(self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]) -> Answer:
        """Carry one call; raise ApiError where there is no way, and give 429 or 503 where there is none now."""
        ...


class Pace:
    """Lets so many calls through in each second, evenly."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap, self._clock, self._sleep = 1 / per_second, clock, sleep
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next call may be made."""
        early = self._next - self._clock()
        if early > 0:
            self._sleep(early)
        self._next = max(self._next, self._clock()) + self._gap


class RestApi:
    """Version 2 of the API, that of Airflow 3."""

    def __init__(
        self, carrier: Carrier, pace: Pace | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._carrier, self._pace, self._sleep = carrier, pace or Pace(sleep=sleep), sleep

    def pages(
        self, path: str, key: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every row of a collection, one page in memory; by the rows that came, since less may come than was asked for.

        With a body each page is patched.
        """
        offset, total = 0, 1
        while offset < total:
            asked = {**(query or {}), "limit": PAGE, "offset": offset}
            found = self.call("PATCH" if body else "GET", path, body, query=asked).body
            rows = _rows(found, key, self._carrier.name, path)
            yield from rows
            if not rows:
                return
            offset, total = offset + len(rows), int(found["total_entries"])

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> Answer:
        """One call, again where that may help; raises ApiError for a status from 400 on that is not allowed."""
        what = f"{method} {path}"
        if len(path) > LONGEST_PATH:
            raise ApiError(f"cannot {what}: the path has {len(path)} of {LONGEST_PATH} characters")
        answer = Answer(0)
        for pause in (*PAUSES, 0.0):
            self._pace.wait()
            answer = self._carrier.send(method, path, body, query or {})
            if answer.status not in LATER or answer.status in allowed:
                break
            self._sleep(pause)
        if answer.status < 400 or answer.status in allowed:
            return answer
        hint = ROLE_HINT if answer.status in (401, 403) else ""
        raise ApiError(f"cannot {what} by {self._carrier.name}: Airflow answers {answer.status}{_why(answer)}", hint)


def _rows(found: Any, key: str, name: str, path: str) -> list[dict[str, Any]]:
    """A failing call must never be taken for an empty list."""
    if not isinstance(found, Mapping) or not isinstance(found.get(key), list) or "total_entries" not in found:
        raise ApiError(f"{name} answers GET {path} with no list of {key}")
    rows: list[dict[str, Any]] = found[key]
    return rows


def _why(answer: Answer) -> str:
    """What is wrong with a request, by the names of its fields: Airflow repeats their values, which may be secret."""
    detail = answer.body.get("detail") if isinstance(answer.body, Mapping) else None
    if not isinstance(detail, list):
        return ""
    wrong = [entry for entry in detail if isinstance(entry, Mapping)]
    places = [".".join(str(part) for part in entry.get("loc", ())) for entry in wrong]
    return "".join(f", {entry.get('type', 'wrong')} at {at}" for entry, at in zip(wrong[:3], places, strict=False))
