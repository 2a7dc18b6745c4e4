"""Numbers, sizes and tables as people read them in a log or on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """Bytes in decimal units, three digits: `17.9 MB`."""
    unit = 0
    while count >= 999.5 and unit < len(UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.0f} {UNITS[unit]}" if unit == 0 or count >= 99.95 else f"{count:.1f} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """Seconds as `0.4 s`, `12 s`, `3 min 20 s` or `2 h 05 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def plain(text: object) -> str:
    """On one line, whatever characters a name holds."""
    return "".join([c if c.isprintable() else "?" for c in str(text)])


def counted(count: int, noun: str) -> str:
    """`1 table`, `1,200 tables`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def aligned(rows: Iterable[Sequence[str]], left: Iterable[int] = (0,)) -> list[str]:
    """Rows as lines of a table; all columns but those in `left` are flush right."""
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    flush = set(left)
    return [
        "  ".join(
            [
                cell.ljust(width) if index in flush else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
        ).rstrip()
        for row in table
    ]


def shortened(lines: Sequence[str], most: int = 50) -> list[str]:
    """The first lines, and how many more there are."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[:most], f"and {len(lines) - most:,} more"]
