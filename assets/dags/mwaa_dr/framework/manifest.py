"""What a backup holds: written last, read first; a backup without one does not exist."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, TypeVar

from mwaa_dr.framework.backup_id import backup_time
from mwaa_dr.framework.errors import DamagedBackupError, IncompatibleBackupError

FORMAT = 3
"""1: each table is one file. 2: a large table may be several, each with the header. 3: some of them may be those of
older backups, without the rows that are gone since; only an increment is written so."""
FULL_FORMAT = 2
"""What a full backup is written in: older versions of this package restore it, too."""
MANIFEST_NAME = "manifest.json"
LATEST_NAME = "latest.json"


class Mode(str, Enum):
    """What a backup, a restore or a cleanup works by."""

    DATABASE = "DATABASE"
    CONFIG_ONLY = "CONFIG_ONLY"
    """The REST API and the Task SDK: configuration, and the history as an archive that nothing is restored from."""


@dataclass(frozen=True)
class Environment:
    """The Airflow environment that a backup was taken from."""

    name: str
    region: str = ""

    @property
    def id(self) -> str:
        """Its folder below the storage prefix; MWAA names hold no dot, so the pair stays unambiguous."""
        return f"{self.name}.{self.region}" if self.region else self.name


@dataclass(frozen=True)
class TableFile:
    """One file of a backup: the rows of a table, or some of them."""

    table: str
    file: str
    columns: tuple[str, ...]
    rows: int
    size: int
    """Bytes as stored."""
    sha256: str
    """Hex digest of the bytes as stored."""
    encrypted: bool = False
    parts: int = 1
    """How many files hold the table together."""
    backup_id: str = ""
    """The older backup in whose folder it lies; empty: in that of this backup."""
    dropped: int = 0
    """How many rows of it are gone since; `rows` are the others."""

    @property
    def name(self) -> str:
        """The table and, where it has several files, the number of this one: `log`, `log.2`."""
        return self.file.partition(".csv")[0]


@dataclass(frozen=True)
class DroppedRows:
    """A file that names the rows which are gone from the files of a table since these were written."""

    table: str
    file: str
    rows: int
    size: int
    sha256: str
    backup_id: str = ""
    """The older backup in whose folder it lies; empty: in that of this backup."""

    @property
    def name(self) -> str:
        """`log.dropped`."""
        return self.file.removesuffix(".gz")


StoredFile = TableFile | DroppedRows


@dataclass(frozen=True)
class InterruptedRun:
    """A DAG run that was in flight at the snapshot, and what becomes of it when nothing is resumed."""

    dag_id: str
    run_id: str
    state: str
    finished_tasks: int
    unfinished_tasks: int
    becomes: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a restore must know before it reads the first row."""

    backup_id: str
    environment: Environment
    snapshot_time: str
    """ISO 8601, UTC, of the database's clock at the snapshot."""
    airflow_version: str
    alembic_revision: str
    engine_version: str
    tables: tuple[TableFile, ...]
    interrupted: tuple[InterruptedRun, ...] = ()
    own_dags: tuple[str, ...] = ()
    """The ids of this package's DAGs in that environment."""
    active_dags: int = 0
    unreadable_secrets: tuple[str, ...] = ()
    not_carried: dict[str, str] = field(default_factory=dict)
    """Table -> why it is not in the backup."""
    wrapped_keys: dict[str, str] = field(default_factory=dict)
    """KMS key ARN -> base64 of the data key wrapped under it; empty where nothing is encrypted."""
    notes: tuple[str, ...] = ()
    """What whoever restores it should know, one sentence each."""
    mode: Mode = Mode.DATABASE
    seconds: float = 0.0
    parent: str = ""
    """The backup that this one adds to; empty: it is a full one."""
    base: str = ""
    """The full backup that the chain of an increment begins with."""
    dropped: tuple[DroppedRows, ...] = ()
    format: int = FULL_FORMAT

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """Every file that a restore needs, in this backup's folder or in an older one's."""
        return (*self.tables, *self.dropped)

    @property
    def references(self) -> frozenset[str]:
        """The older backups that files of this one lie in."""
        return frozenset(file.backup_id for file in self.files if file.backup_id)

    def folder_of(self, file: StoredFile) -> str:
        """The id of the backup in whose folder a file lies."""
        return file.backup_id or self.backup_id

    def dropped_of(self, table: str) -> DroppedRows | None:
        """What names the rows that are gone from the files of a table; None where all are there."""
        return next((dropped for dropped in self.dropped if dropped.table == table), None)

    def files_of(self, table: str) -> tuple[TableFile, ...]:
        """The files that hold a table; none where the backup has no such table."""
        return tuple(file for file in self.tables if file.table == table)

    def rows_of(self, table: str) -> int:
        """Rows in all files of a table."""
        return sum(file.rows for file in self.files_of(table))

    def size_of(self, table: str) -> int:
        """Bytes stored in all files of a table."""
        return sum(file.size for file in self.files_of(table))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the report of a restore says of the backup, a line each."""
        missing = (f"not in the backup: {secret}" for secret in self.unreadable_secrets)
        return (*missing, *(f"of the backup: {note}" for note in self.notes))

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables, each once, in their order."""
        return tuple(dict.fromkeys(file.table for file in self.tables))

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(f.rows for f in self.tables)

    @property
    def size(self) -> int:
        """Bytes stored in this backup's own folder."""
        return sum(f.size for f in self.files if not f.backup_id)

    def to_json(self) -> bytes:
        """The manifest as its own file holds it."""
        document = asdict(self)
        if self.format < FORMAT:
            # Older versions refuse a manifest with a field that they do not know.
            for owner, names in ((document, _CHAIN), *((table, _CHAIN_FILE) for table in document["tables"])):
                for name in names:
                    del owner[name]
        return json.dumps(document, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        """Read a manifest; raise DamagedBackupError or, for a newer format, IncompatibleBackupError."""
        try:
            raw: dict[str, Any] = json.loads(data)
            found = raw["format"]
            if found > FORMAT:
                raise IncompatibleBackupError(
                    f"the manifest has format {found}, this version reads up to {FORMAT}",
                    "Restore with the version of mwaa_dr that took the backup, or a newer one.",
                )
            manifest = cls(
                **{
                    **raw,
                    "environment": Environment(**raw["environment"]),
                    "tables": tuple(_table_file(table) for table in raw["tables"]),
                    "interrupted": tuple(InterruptedRun(**r) for r in raw["interrupted"]),
                    "own_dags": tuple(raw["own_dags"]),
                    "unreadable_secrets": tuple(raw["unreadable_secrets"]),
                    "notes": tuple(raw.get("notes", ())),
                    "mode": Mode(raw.get("mode", Mode.DATABASE)),
                    "dropped": tuple(_stored(DroppedRows(**dropped)) for dropped in raw.get("dropped", ())),
                }
            )
            manifest._require_whole_tables()
            manifest._require_whole_chain()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise DamagedBackupError(
                f"the manifest cannot be read ({type(err).__name__})", "Choose another backup."
            ) from err
        return manifest

    def _require_whole_tables(self) -> None:
        """Raise ValueError where a table lacks one of its files, or they do not belong together."""
        for table in self.table_names:
            files = self.files_of(table)
            named = {(file.backup_id, file.file) for file in files}
            if len({(file.parts, file.columns) for file in files}) > 1 or len(named) != files[0].parts:
                raise ValueError(f"table '{table}' is not whole")

    def _require_whole_chain(self) -> None:
        """Raise ValueError where a file cannot be where the manifest says, or rows are gone and none says which."""
        if self.references | {*filter(None, (self.parent, self.base))} and self.format < FORMAT:
            raise ValueError("older backups in a format that knows none")
        for backup_id in (*self.references, *filter(None, (self.parent, self.base))):
            if not backup_time(backup_id) or backup_id >= self.backup_id:
                raise ValueError("a file of a backup that is not older")
        if len({dropped.table for dropped in self.dropped}) < len(self.dropped):
            raise ValueError("two lists of dropped rows of one table")
        for file in self.tables:
            if file.backup_id and file.encrypted:
                raise ValueError("an encrypted file of another backup")
            if file.dropped and not self.dropped_of(file.table):
                raise ValueError(f"no list of the dropped rows of table '{file.table}'")


_CHAIN = ("parent", "base", "dropped")
_CHAIN_FILE = ("backup_id", "dropped")
"""What only an increment has, and its files."""
_KINDS = {
    "table": str,
    "file": str,
    "rows": int,
    "size": int,
    "sha256": str,
    "parts": int,
    "backup_id": str,
    "dropped": int,
}


def _table_file(raw: dict[str, Any]) -> TableFile:
    return _stored(TableFile(**{**raw, "columns": tuple(raw["columns"])}))


Stored = TypeVar("Stored", TableFile, DroppedRows)


def _stored(file: Stored) -> Stored:
    """The file, if its fields are of their types; raises TypeError."""
    for name, value in vars(file).items():
        if name in _KINDS and not isinstance(value, _KINDS[name]):
            raise TypeError(f"{name} is no {_KINDS[name].__name__}")
    return file
