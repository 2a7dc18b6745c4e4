"""What is copied at once: a table, or a range of the blocks of a large one, so that no connection idles at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.model.table import Table

SHARES = 4
"""A connection gets at least so many pieces where the tables are large: what one is ahead at the end is small."""


@dataclass(frozen=True)
class Piece:
    """One file of a backup on its way."""

    table: Table
    size: int
    """Estimated bytes."""
    number: int = 1
    parts: int = 1
    blocks: tuple[int, int | None] = (0, None)
    """The first block, and the one behind the last; None: whatever there is."""

    @property
    def name(self) -> str:
        """The name of its file, without what follows from its encoding."""
        return self.table.name if self.parts == 1 else f"{self.table.name}.{self.number}"


def pieces(tables: Iterable[Table], catalog: Catalog, connections: int, least: int) -> list[Piece]:
    """The pieces of all tables, the largest first; with several connections none is much over `least` or its share."""
    tables = list(tables)
    share = sum(catalog.sizes[table.name] for table in tables) // (SHARES * connections)
    found: list[Piece] = []
    for table in tables:
        size, blocks = catalog.sizes[table.name], catalog.blocks.get(table.name, 0)
        # Secrets are read row by row. An older server would read the whole table for each range of its blocks.
        can_split = connections > 1 and catalog.reads_ranges and not table.secrets
        parts = max(1, min(size // max(share, least), blocks)) if can_split else 1
        found += _split(table, size, blocks, parts)
    return sorted(found, key=lambda piece: piece.size, reverse=True)


def _split(table: Table, size: int, blocks: int, parts: int) -> list[Piece]:
    bounds: list[int | None] = [blocks * number // parts for number in range(parts)]
    # The last one has no end: whatever size was read, no row is left out.
    ends = [*bounds[1:], None]
    return [
        Piece(table, size // parts, number, parts, (first or 0, end))
        for number, (first, end) in enumerate(zip(bounds, ends, strict=True), start=1)
    ]
