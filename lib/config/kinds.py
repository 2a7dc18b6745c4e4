"""How the text of a variable is read, kind by kind, and what each kind allows in words."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

T = TypeVar("T")
W = TypeVar("W", bound="Word")


class Word(str, Enum):
    """One of a few words; its text is the word, on every Python."""

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of value: `read` raises ValueError for all that `allowed` does not say."""

    allowed: str
    read: Callable[[str], T]
    is_secret: bool = False
    """Whether a value must not be repeated in a message; what `read` raises is."""


def matching(pattern: str, allowed: str) -> Kind[str]:
    """Text of one form."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError
        return text

    return Kind(allowed, read)


def word(words: type[W]) -> Kind[W]:
    """One of a few words, in any case."""

    by_name = {str(member): member for member in words}

    def read(text: str) -> W:
        if text.upper() not in by_name:
            raise ValueError
        return by_name[text.upper()]

    return Kind(listed(list(by_name)), read)


def listed(words: list[str]) -> str:
    """Words as an English choice.

    >>> listed(["A", "B", "C"])
    'A, B or C'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def whole(low: int, high: int) -> Kind[int]:
    """A whole number between two bounds, both included."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return Kind(f"a whole number from {low} to {high}", read)


def one_of(numbers: tuple[int, ...], allowed: str) -> Kind[int]:
    """One of a few whole numbers."""

    def read(text: str) -> int:
        if text not in map(str, numbers):
            raise ValueError
        return int(text)

    return Kind(allowed, read)


def decimal(low: float, high: float) -> Kind[float]:
    """A number between two bounds, both included."""

    def read(text: str) -> float:
        number = float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII) else math.nan
        if not low <= number <= high:
            raise ValueError
        return number

    return Kind(f"a number from {low:g} to {high:g}", read)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """The kind, or nothing."""

    def read(text: str) -> T | None:
        return kind.read(text) if text else None

    return Kind(kind.allowed, read, is_secret=kind.is_secret)


def several(
    kind: Kind[T], allowed: str, *, low: int = 0, high: int = 1000, or_none: bool = False
) -> Kind[tuple[T, ...]]:
    """A list of different items, written `["a","b"]`, `[a, b]` or `a, b`; one without items is `[]`."""

    def read(text: str) -> tuple[T, ...]:
        read_items = [kind.read(item) for item in items(text)]
        if not low <= len(read_items) <= high and (read_items or not or_none):
            raise ValueError(f"{len(read_items)} given")
        twice = next((item for item in read_items if read_items.count(item) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is given twice")
        return tuple(read_items)

    return Kind(f"{allowed}, or []" if or_none else allowed, read)


def items(text: str) -> list[str]:
    """The items of a list in any of its forms; raises ValueError for what is no list.

    >>> items('["a", "b"]') == items("[a, b]") == items("a,b") == ["a", "b"]
    True
    >>> items("[]")
    []
    """
    text = text.strip()
    if text.startswith("[") != text.endswith("]"):
        raise ValueError("a bracket is missing")
    inner = text[1:-1].strip() if text.startswith("[") else text
    if not inner:
        return []
    found = [unquoted(item) for item in inner.split(",")]
    if not all(found):
        raise ValueError("an item is empty")
    return found


def unquoted(text: str) -> str:
    """The text without surrounding blanks and one pair of quotes around all of it.

    >>> unquoted(" '0 * * * *' "), unquoted("'a','b'")
    ('0 * * * *', "'a','b'")
    """
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


class _YesNo(Word):
    YES = "YES"
    NO = "NO"


def _yes_no(text: str) -> bool:
    return word(_YesNo).read(text) is _YesNo.YES


YES_NO: Kind[bool] = Kind("YES or NO", _yes_no)

_OPTION = re.compile(r"[a-z][a-z0-9_]*\.[A-Za-z0-9_.]*[A-Za-z0-9_]", re.ASCII)
_SECRET_OPTION = re.compile(
    r".*(password|secret_key|fernet_key|access_key|token|sql_alchemy_conn|broker_url|result_backend)", re.ASCII
)


def _options(text: str) -> Mapping[str, str | None]:
    """Airflow options; a null takes an option away that the blueprint has."""
    try:
        given = json.loads(text)
    except ValueError:
        raise ValueError("not JSON") from None
    if not isinstance(given, dict):
        raise ValueError("not an object")  # noqa: TRY004 - every value that does not fit is one kind of error here
    for name, value in given.items():
        if not _OPTION.fullmatch(name) or len(name) > 64:
            raise ValueError(f"{shown_name(name)} is no option")
        if _SECRET_OPTION.fullmatch(name):
            raise ValueError(f"{name} is a secret, which belongs into a secrets backend")
        if isinstance(value, (dict, list)):
            raise ValueError(f"{name} holds neither text nor a number")  # noqa: TRY004 - as above
    return MappingProxyType({name: None if value is None else str(value) for name, value in given.items()})


def shown_name(name: str) -> str:
    """A name in quotes, cut at 64 characters."""
    return repr(name[:64])


AIRFLOW_OPTIONS: Kind[Mapping[str, str | None]] = Kind(
    'a JSON object of Airflow options, as {"core.default_timezone": "utc"}; null removes an option',
    _options,
    is_secret=True,
)
