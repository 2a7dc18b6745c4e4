"""The engine as a caller uses it, with defaults: a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mwaa_dr.framework.backup import take_backup
from mwaa_dr.framework.cleanup import clean_up
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.manifest import Environment, Manifest
from mwaa_dr.framework.model.options import (
    OWN_DAGS,
    BackupMode,
    BackupOptions,
    CleanupOptions,
    RestoreOptions,
    Retention,
)
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.versions import factory_for
from tests.support.metadata import FERNET, OTHER_FERNET

PRIMARY = Environment("prod", "us-east-1")
SECONDARY = Environment("prod-dr", "us-west-2")
VERSION = "2.10.3"
PIECE = 1 << 13
"""Small enough that tables of a few thousand rows are split."""
ADDED_TO: dict[str, Any] = {"backup_mode": BackupMode.INCREMENTAL, "increment_size": 0}
"""Options of a backup in a chain, in which no table is too small to have only its changes stored."""


def tables_of(version: str = VERSION) -> Tables:
    return factory_for(version).tables


def backup(
    url: str | MetadataDb,
    place: Path | Storage,
    *,
    version: str = VERSION,
    tables: Tables | None = None,
    **options: Any,
) -> Report:
    chosen = replace(
        BackupOptions(PRIMARY, version, fernet_keys=FERNET, own_dags=OWN_DAGS, retention=Retention(0, 0)), **options
    )
    return take_backup(reached(url), tables or tables_of(version), storage(place), chosen)


def restore(
    url: str | MetadataDb,
    place: Path | Storage,
    *,
    version: str = VERSION,
    tables: Tables | None = None,
    **options: Any,
) -> Report:
    chosen = replace(RestoreOptions(SECONDARY, version, fernet_keys=OTHER_FERNET, own_dags=OWN_DAGS), **options)
    return restore_into(url, place, tables or tables_of(version), chosen)


def restore_into(url: str | MetadataDb, place: Path | Storage, tables: Tables, options: RestoreOptions) -> Report:
    from mwaa_dr.framework.restore import restore_backup

    return restore_backup(reached(url), tables, storage(place), options)


def cleanup(url: str | MetadataDb, *, version: str = VERSION, **options: Any) -> Report:
    chosen = replace(CleanupOptions(own_dags=OWN_DAGS), **options)
    return clean_up(reached(url), tables_of(version), chosen)


def reached(url: str | MetadataDb) -> MetadataDb:
    return url if isinstance(url, MetadataDb) else MetadataDb.from_url(url)


def storage(place: Path | Storage) -> Storage:
    return place if isinstance(place, Storage) else LocalStorage(place)


def manifest_of(place: Path | Storage) -> Manifest:
    return BackupRepository(storage(place)).choose()


def rows_of(manifest: Manifest) -> dict[str, int]:
    """Table -> rows in all its files."""
    return {table: manifest.rows_of(table) for table in manifest.table_names}


def line(report: Report, table: str) -> TableLine:
    return next(entry for entry in report.tables if entry.table == table)
