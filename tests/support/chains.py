"""Chains of backups: how they are taken, and every row that one of them holds, as it is stored."""

from __future__ import annotations

from pathlib import Path

from mwaa_dr.framework.chosen_backup import data_key
from mwaa_dr.framework.csv_rows import Row, records
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_reader import TableReader
from tests.support.engine import ADDED_TO, PRIMARY, backup, storage
from tests.support.metadata import Metadata

Rows = dict[str, list[tuple[str, ...]]]


def add(db: Metadata, place: Path | Storage, **options: object) -> Manifest:
    """Take the next backup of a chain; return its manifest."""
    return manifest(place, taken(db, place, **options).backup_id)


def taken(db: Metadata, place: Path | Storage, **options: object) -> Report:
    """The same, with what is told of it."""
    return backup(db.url, place, **{**ADDED_TO, **options})


def manifest(place: Path | Storage, backup_id: str) -> Manifest:
    return BackupRepository(storage(place)).manifest(PRIMARY.id, backup_id)


def held(place: Path | Storage, of: Manifest) -> Rows:
    """Table -> its rows in all its files, each a list of `column=value` in one order, in no order among them."""
    reader = TableReader(storage(place), of, data_key(of, PRIMARY.region), Progress())
    found: Rows = {}
    for file in of.tables:
        with reader.open(file) as stream:
            header, *rows = records(stream)
        assert len(rows) == file.rows, file
        found.setdefault(file.table, []).extend(_named(header, row) for row in rows)
    return {table: sorted(rows) for table, rows in found.items()}


def is_as_full(db: Metadata, place: Path, added: Manifest) -> bool:
    """Whether a backup holds what a full one of now holds."""
    full = backup(db.url, place / "full")
    return held(place, added) == held(place / "full", manifest(place / "full", full.backup_id))


def _named(header: Row, row: Row) -> tuple[str, ...]:
    return tuple(sorted(f"{column}={value!r}" for column, value in zip(header, row, strict=True)))
