"""Text in columns."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], *, right: bool = False) -> list[str]:
    """The lines of a table; with `right` all columns but the first end together, as numbers do.

    >>> aligned([["A", "B"], ["one", "22"]], right=True)
    ['A     B', 'one  22']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths, right=right)).rstrip() for row in rows]


def _cells(row: Sequence[str], widths: Sequence[int], *, right: bool) -> list[str]:
    pairs = enumerate(zip(row, widths, strict=True))
    return [cell.rjust(width) if right and number else cell.ljust(width) for number, (cell, width) in pairs]
