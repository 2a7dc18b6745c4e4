"""What a backup leaves for the next one to add to: how the database was seen, and where the rows of its files lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.places import PlacesFile

CHAIN_NAME = "chain.json"
FORMAT = 1


@dataclass(frozen=True)
class Range:
    """A range of a table's blocks as a snapshot saw it."""

    first: int
    """Its first block; it ends where the next one begins."""
    rows: int
    hash: int
    """Of the places of its rows."""


@dataclass(frozen=True)
class TableChain:
    """A table whose next backup may hold only what has changed."""

    fingerprint: str
    """Of all, but for its rows, that decides what is stored: where they lie, its columns, the query."""
    ranges: tuple[Range, ...]
    end: int
    """The block behind the last range."""
    places: tuple[PlacesFile, ...]
    """For each of its files."""


@dataclass(frozen=True)
class Chain:
    """Beside the manifest of a backup that others may add to; a restore does not need it."""

    backup_id: str
    manifest_sha256: str
    server: str
    """What is another one as soon as the server, the database or its schema is."""
    horizon: int
    """Every transaction below had ended when the snapshot was taken."""
    number: int
    """0 for a full backup, 1 for the increment that adds to it, ..."""
    tables: Mapping[str, TableChain]

    def to_json(self) -> bytes:
        """The chain as its own file holds it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Chain:
        """Read it; raises DamagedBackupError for what is none, or of another format."""
        try:
            raw: dict[str, Any] = json.loads(data)
            found = raw.pop("format")
            chain = cls(**{**raw, "tables": {name: _table(table) for name, table in raw["tables"].items()}})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise DamagedBackupError(f"its {CHAIN_NAME} cannot be read ({type(err).__name__})") from err
        if found != FORMAT:
            raise DamagedBackupError(f"its {CHAIN_NAME} has format {found}, this version reads {FORMAT}")
        return chain


def _table(raw: dict[str, Any]) -> TableChain:
    return TableChain(
        raw["fingerprint"],
        tuple(Range(**one) for one in raw["ranges"]),
        raw["end"],
        tuple(PlacesFile(**one) for one in raw["places"]),
    )
