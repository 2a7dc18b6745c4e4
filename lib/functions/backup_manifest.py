"""The manifest of a backup, as far as a recovery has to know it before Airflow runs; the engine writes and reads all.

What the engine refuses is refused here: `mwaa_dr.framework.manifest` says what a manifest holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

FORMAT = 3
MANIFEST_NAME = "manifest.json"
REPORT_NAME = "report.json"

REQUIRED = frozenset(
    {
        "airflow_version",
        "alembic_revision",
        "backup_id",
        "engine_version",
        "environment",
        "format",
        "interrupted",
        "own_dags",
        "snapshot_time",
        "tables",
        "unreadable_secrets",
    }
)
OF_A_CHAIN = frozenset({"parent", "base", "dropped"})
"""What an increment has: the backups that it adds to, and the lists of rows that are gone from their files."""
OPTIONAL = frozenset({"active_dags", "mode", "not_carried", "notes", "seconds", "wrapped_keys"}) | OF_A_CHAIN
FILE_FIELDS: Mapping[str, type] = {"table": str, "file": str, "rows": int, "size": int, "sha256": str}

DATABASE, CONFIG_ONLY = "DATABASE", "CONFIG_ONLY"

TIME_FORM = "%Y%m%dT%H%M%SZ"
"""What a backup id begins with: when the backup was begun, in UTC, so that ids sort by time."""

_ID = re.compile(r"([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8,16}")


class DamagedBackup(Exception):  # noqa: N818 - a state of a backup
    """A backup that must not be restored, with the reason."""


@dataclass(frozen=True)
class StoredFile:
    """One file of a backup."""

    name: str
    rows: int
    size: int
    """Bytes as stored."""
    sha256: str
    backup_id: str = ""
    """The older backup in whose folder it lies; empty: in that of this one."""
    dropped: int = 0
    """Rows that it holds, too, and that are gone since it was written."""
    is_table: bool = True
    """Whether it holds rows; the others name rows that are gone."""

    @property
    def path(self) -> str:
        """What people are told of it."""
        return f"{self.backup_id}/{self.name}" if self.backup_id else self.name


@dataclass(frozen=True)
class Manifest:
    """What a backup should hold."""

    backup_id: str
    environment_id: str
    snapshot_time: datetime
    airflow_version: str
    files: tuple[StoredFile, ...]
    key_arns: tuple[str, ...]
    """The KMS keys, any of which opens its encrypted files; empty: it has none."""
    unreadable: tuple[str, ...] = ()
    """Variables and connections that were left out, since they could not be decrypted."""
    is_config_only: bool = False
    """It was taken without the database: its history is an archive, which no restore brings back."""

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(file.rows for file in self.files if file.is_table)

    @property
    def folders(self) -> frozenset[str]:
        """The backups in whose folders its files lie; it is whole only with all of them."""
        return frozenset({self.backup_id} | {self.folder_of(file) for file in self.files})

    def folder_of(self, file: StoredFile) -> str:
        """The backup in whose folder a file lies."""
        return file.backup_id or self.backup_id


def backup_time(backup_id: str) -> datetime | None:
    """When the backup was begun; None for what is no backup id.

    >>> backup_time("20261121T230500Z-1f0c9a7e03b2").isoformat(), backup_time("latest.json")
    ('2026-11-21T23:05:00+00:00', None)
    """
    form = _ID.fullmatch(backup_id)
    try:
        return datetime.strptime(form[1], TIME_FORM).replace(tzinfo=timezone.utc) if form else None
    except ValueError:
        return None


def read(data: bytes, environment_id: str, backup_id: str) -> Manifest:
    """The manifest of that backup; raises DamagedBackup for any other, and for a newer format."""
    try:
        raw = json.loads(data)
        if raw["format"] > FORMAT:
            raise DamagedBackup(f"its manifest has format {raw['format']}, this version reads up to {FORMAT}")
        manifest = _manifest(raw)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedBackup(f"its manifest cannot be read ({type(error).__name__})") from error
    if (manifest.environment_id, manifest.backup_id) != (environment_id, backup_id):
        raise DamagedBackup(f"its manifest is that of {manifest.backup_id} of '{manifest.environment_id}'")
    return manifest


def _manifest(raw: Mapping[str, Any]) -> Manifest:
    if REQUIRED - set(raw) or set(raw) - REQUIRED - OPTIONAL:
        raise KeyError("fields")
    origin = {"region": "", **raw["environment"]}
    if set(origin) != {"name", "region"}:
        raise KeyError("environment")
    _require_whole_tables(raw["tables"])
    _require_whole_chain(raw)
    moment = datetime.fromisoformat(raw["snapshot_time"])
    return Manifest(
        backup_id=raw["backup_id"],
        environment_id=f"{origin['name']}.{origin['region']}" if origin["region"] else origin["name"],
        snapshot_time=moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc),
        airflow_version=raw["airflow_version"],
        files=(
            *(_file(table) for table in raw["tables"]),
            *(_file(dropped, is_table=False) for dropped in raw.get("dropped", ())),
        ),
        key_arns=tuple(raw.get("wrapped_keys", {})),
        unreadable=tuple(raw["unreadable_secrets"]),
        is_config_only=_mode(raw) == CONFIG_ONLY,
    )


def _require_whole_tables(files: list[Mapping[str, Any]]) -> None:
    """Raise ValueError where a table lacks one of its files, or they do not belong together."""
    for table in {raw["table"] for raw in files}:
        own = [raw for raw in files if raw["table"] == table]
        shapes = {(raw.get("parts", 1), tuple(raw["columns"])) for raw in own}
        if len(shapes) > 1 or len({(raw.get("backup_id"), raw["file"]) for raw in own}) != own[0].get("parts", 1):
            raise ValueError(f"table '{table}' is not whole")


def _require_whole_chain(raw: Mapping[str, Any]) -> None:
    """Raise ValueError where a file cannot be where the manifest says, or rows are gone and none says which."""
    dropped = [one["table"] for one in raw.get("dropped", ())]
    others = [
        raw.get("parent"),
        raw.get("base"),
        *(one.get("backup_id") for one in (*raw["tables"], *raw.get("dropped", ()))),
    ]
    for older in filter(None, others):
        if raw["format"] < FORMAT or not backup_time(older) or older >= raw["backup_id"]:
            raise ValueError("a file of a backup that is not older")
    if len(set(dropped)) < len(dropped):
        raise ValueError("two lists of dropped rows of one table")
    for table in raw["tables"]:
        if table.get("backup_id") and table.get("encrypted"):
            raise ValueError("an encrypted file of another backup")
        if table.get("dropped") and table["table"] not in dropped:
            raise ValueError("no list of dropped rows")


def _mode(raw: Mapping[str, Any]) -> str:
    mode = raw.get("mode", DATABASE)
    if mode not in (DATABASE, CONFIG_ONLY):
        raise ValueError("mode")
    return str(mode)


def _file(raw: Mapping[str, Any], *, is_table: bool = True) -> StoredFile:
    for name, kind in FILE_FIELDS.items():
        if not isinstance(raw[name], kind):
            raise TypeError(name)
    of_a_chain = (raw.get("backup_id", ""), raw.get("dropped", 0))
    return StoredFile(raw["file"], raw["rows"], raw["size"], raw["sha256"], *of_a_chain, is_table)
