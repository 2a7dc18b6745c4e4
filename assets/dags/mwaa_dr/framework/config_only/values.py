"""The values of variables and connections, which REST masks and the Task SDK gives one by one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mwaa_dr.framework.config_only.rest import RestApi
from mwaa_dr.framework.secrets import MASK


@dataclass(frozen=True)
class ConnectionValues:
    """A Connection as a task gets it."""

    conn_type: str | None
    host: str | None
    schema: str | None
    login: str | None
    port: int | None
    password: str | None = field(repr=False)
    extra: str | None = field(repr=False)


class TaskValues(Protocol):
    """What the Task SDK gives to a task; no method raises anything that holds a value."""

    def variable(self, key: str) -> str | None:
        """The value of a Variable; None where a task gets none."""
        ...

    def connection(self, conn_id: str) -> ConnectionValues | None:
        """The values of a Connection; None where a task gets none."""
        ...

    def set_variable(self, key: str, value: str, description: str | None) -> None:
        """Set a Variable in the database, which writes no line into the audit log, as REST would."""
        ...


@dataclass(frozen=True)
class Reached:
    """An Airflow as a task gets at it without its database."""

    api: RestApi
    values: TaskValues
    sleep: Callable[[float], None] = time.sleep


def agrees(shown: str | None, real: str | None) -> bool:
    """Whether a value that REST shows, masked in part or whole, can be this one.

    >>> agrees('{"user": "a", "password": "***"}', '{"password": "x", "user": "a"}'), agrees("b", "a")
    (True, False)
    """
    if shown is None or real is None:
        return (shown or "") == (real or "")
    if MASK in shown:
        document = _parsed(shown)
        # Of a text that is masked somewhere in it nothing can be said.
        return document is None or _fits(document, _parsed(real))
    return shown == real or (_parsed(shown) is not None and _parsed(shown) == _parsed(real))


def is_masked(text: str | None) -> bool:
    """Whether a value is a mask, or JSON in which one is.

    >>> is_masked(" *** "), is_masked('{"a": ["***"]}'), is_masked("a *** b"), is_masked(None)
    (True, True, False, False)
    """
    if text is None or MASK not in text:
        return False
    return text.strip() == MASK or _holds_mask(_parsed(text))


def _parsed(text: str) -> Any:
    """The JSON document that a text is; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _fits(shown: Any, real: Any) -> bool:
    """Whether they are alike but for what is masked."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return shown.keys() == real.keys() and all(_fits(value, real[key]) for key, value in shown.items())
    if isinstance(shown, list) and isinstance(real, list):
        return len(shown) == len(real) and all(map(_fits, shown, real))
    return shown == real or (isinstance(shown, str) and MASK in shown)


def _holds_mask(found: Any) -> bool:
    if isinstance(found, dict):
        return any(map(_holds_mask, found.values()))
    if isinstance(found, list):
        return any(map(_holds_mask, found))
    return isinstance(found, str) and found.strip() == MASK
