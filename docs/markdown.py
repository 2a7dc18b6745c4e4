"""What the generated pages are written with."""

from __future__ import annotations


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"


def grid(head: list[str], rows: list[list[str]]) -> str:
    """A table with a head, a line for each row."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
