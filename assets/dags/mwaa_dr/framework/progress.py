"""How the engine tells how far it is; the default says nothing."""

from __future__ import annotations


class Progress:
    """Override what you want to show; called from several threads."""

    def start(self, table: str, total: int | None = None) -> None:
        """A table begins; `total` is its number of bytes where it is known."""

    def advance(self, table: str, done: int) -> None:
        """`done` more bytes went through."""

    def finish(self, table: str, rows: int, seconds: float) -> None:
        """A table is done."""

    def phase(self, text: str) -> None:
        """Another phase begins: a few words such as 'verify files' or 'merge'."""
