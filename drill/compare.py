"""Row by row: what must be there against what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from drill.snapshot import Row, Rows

SHOWN = 120


@dataclass(frozen=True)
class Difference:
    """A row that is missing or should not be there, and the columns in which its nearest counterpart differs."""

    table: str
    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.table}: {self.kind}: {self.words}"


def compare(expected: Rows, actual: Rows, is_allowed: Callable[[str, Row], bool]) -> list[Difference]:
    """Every difference between two sets of rows; rows beyond the expected ones may be allowed."""
    found: list[Difference] = []
    for table in sorted(expected.keys() | actual.keys()):
        missing, beyond = _beyond(expected.get(table, []), actual.get(table, []))
        beyond = [row for row in beyond if not is_allowed(table, row)]
        found += [_missing(table, row, beyond) for row in missing]
        found += [Difference(table, "unexpected", _words(row)) for row in beyond]
    return found


def _beyond(expected: list[Row], actual: list[Row]) -> tuple[list[Row], list[Row]]:
    wanted = Counter(_frozen(row) for row in expected)
    there = Counter(_frozen(row) for row in actual)
    return (
        [dict(row) for row in (wanted - there).elements()],
        [dict(row) for row in (there - wanted).elements()],
    )


def _frozen(row: Row) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(row.items()))


def _missing(table: str, row: Row, beyond: list[Row]) -> Difference:
    """A missing row; the row that is there instead of it, if any, is taken out of `beyond`."""
    near = max(beyond, key=lambda other: _alike(row, other), default=None)
    if near is None or _alike(row, near) < len(row) / 2:
        return Difference(table, "missing", _words(row))
    beyond.remove(near)
    columns = sorted(column for column in row.keys() | near.keys() if row.get(column) != near.get(column))
    words = ", ".join(f"{c} is {_short(near.get(c))} and not {_short(row.get(c))}" for c in columns)
    return Difference(table, "changed", f"{words}, in {_words(row)}")


def _alike(one: Row, other: Row) -> int:
    return sum(one[column] == other.get(column) for column in one)


def _words(row: Row) -> str:
    return "{" + ", ".join(f"{c}: {_short(value)}" for c, value in row.items() if value is not None) + "}"


def _short(value: str | None) -> str:
    if value is None:
        return "NULL"
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}... ({len(value)} characters)")
