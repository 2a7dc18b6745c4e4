"""A folder that mwaa-dr 1.x or 2.x wrote, as a backup of our own that can be restored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from mwaa_dr import __version__
from mwaa_dr.framework import legacy_layouts as layouts
from mwaa_dr.framework.backup_files import GzipWriter
from mwaa_dr.framework.backup_id import new_backup_id
from mwaa_dr.framework.csv_rows import Row, encode, records
from mwaa_dr.framework.database.selection import BECOMES_FAILED, BECOMES_TRIGGER
from mwaa_dr.framework.errors import (
    DamagedBackupError,
    IncompatibleBackupError,
    MissingBackupError,
    MissingObjectError,
)
from mwaa_dr.framework.legacy_keys import LegacyKeys
from mwaa_dr.framework.legacy_rows import FALSE, NEW_COLUMNS, TRUE, WHY_LEFT_OUT, LegacyRows, Values
from mwaa_dr.framework.manifest import Environment, InterruptedRun, Manifest, TableFile
from mwaa_dr.framework.model.options import OWN_DAGS
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.hashing import HashingWriter
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.storage import Reader, Storage

ENVIRONMENT = Environment("legacy")

LOST = (
    "its format has no ids of jobs, triggers and log templates: what referred to them refers to none",
    "its format cannot tell NULL from an empty text: both are restored as NULL",
    "its format has neither task instances without a state, nor unfinished ones, nor the slots of default_pool",
    "its tables are not of one moment: what belongs to a run or a task that is missing is left out",
    "not in such a folder: notes, rendered fields, reschedules, earlier tries, datasets, roles and users",
)


def convert_legacy(
    storage: Storage, prefix: str, airflow_version: str, into: Path, progress: Progress | None = None
) -> tuple[Storage, list[str]]:
    """Write a folder's tables as a backup of the environment `legacy` below `into`, an empty folder.

    Returns its storage, and what the format lost, one sentence each. `airflow_version` is the one that the folder
    comes from; empty: the oldest that has its columns. Memory does not grow with the rows. What is written has
    secrets in plain text, as the folder has: remove it after the restore.
    """
    target = LocalStorage(into / "backups")
    with closing(LegacyKeys(into / "keys.sqlite")) as keys:
        conversion = _Conversion(storage, prefix.strip("/"), target, keys, progress or Progress())
        return target, conversion.run(airflow_version)


@dataclass
class _Conversion:
    storage: Storage
    prefix: str
    target: LocalStorage
    keys: LegacyKeys
    progress: Progress
    backup_id: str = field(default_factory=lambda: new_backup_id(datetime.now(timezone.utc)))
    files: list[TableFile] = field(default_factory=list)
    since: tuple[int, int] = (2, 4)
    """The oldest Airflow that the columns so far come from."""

    def __post_init__(self) -> None:
        self.rows = LegacyRows(self.keys)

    def run(self, airflow_version: str) -> list[str]:
        self.storage.check()
        names = self._names()
        notes = []
        for table in (*layouts.CONFIGURATION, *layouts.TABLES):
            if table in names:
                notes += self._table(table)
        notes += self._dags() if layouts.ACTIVE_DAGS in names else []
        known = {*layouts.CONFIGURATION, *layouts.TABLES, layouts.ACTIVE_DAGS, layouts.TRIGGERS}
        notes += [f"there is no file '{name}.csv'" for name in sorted(known - names)]
        notes += [f"left out: file '{name}.csv', which mwaa-dr does not write" for name in sorted(names - known)]
        if {"variable", "connection"} & names:
            notes.append(f"{self._place()} holds secrets in plain text: delete it when it is no longer needed")
        BackupRepository(self.target).publish(self._manifest(airflow_version), promote=True)
        return [*notes, *LOST]

    def _names(self) -> set[str]:
        start = f"{self.prefix}/" if self.prefix else ""
        inside = (path[len(start) :] for path in self.storage.paths(self.prefix))
        names = {name[: -len(".csv")] for name in inside if name.endswith(".csv") and "/" not in name}
        if not names & {*layouts.CONFIGURATION, *layouts.TABLES}:
            raise MissingBackupError(
                f"there is no folder of mwaa-dr in {self._place()}",
                "Name the folder that holds variable.csv, dag_run.csv and others: --storage and --prefix.",
            )
        return names

    def _place(self) -> str:
        return f"{self.storage.url}/{self.prefix}".rstrip("/")

    def _path(self, table: str) -> str:
        return f"{self.prefix}/{table}.csv".lstrip("/")

    def _table(self, table: str) -> list[str]:
        """Convert a table; return what is to be said about it."""
        self.progress.phase(f"convert {table}")
        delimiter, layout = self._layout(table)
        self.since = max(self.since, layout.since)
        left_out = 0

        def rows() -> Iterator[Values]:
            nonlocal left_out
            with self.storage.open_reader(self._path(table)) as source:
                for number, row in enumerate(self._records(table, source, delimiter), 1):
                    values = self.rows.rewritten(table, dict(zip(layout.columns, row, strict=True)), number)
                    if values is None:
                        left_out += 1
                    else:
                        yield values

        columns = (*NEW_COLUMNS.get(table, ()), *layout.columns)
        self._write(table, columns, rows())
        return [f"left out: {left_out:,} rows of '{table}': {WHY_LEFT_OUT[table]}"] if left_out else []

    def _layout(self, table: str) -> tuple[str, layouts.Layout]:
        """How the file is delimited, and its columns, by its first row."""
        found = 0
        for delimiter in "," if table in layouts.CONFIGURATION else "|,":
            with self.storage.open_reader(self._path(table)) as source:
                try:
                    first = next(self._records(table, source, delimiter), None)
                except DamagedBackupError:
                    if delimiter == ",":
                        raise
                    continue
            if first is None:
                return delimiter, {**layouts.CONFIGURATION, **layouts.TABLES}[table][0]
            layout = layouts.layout_of(table, len(first))
            if layout:
                return delimiter, layout
            found = max(found, len(first))
        raise IncompatibleBackupError(
            f"file '{table}.csv' has {found} columns, as no mwaa-dr from 1.0.0 to 2.2.0 writes",
            "Was it written by a factory of your own? Leave this file out of the folder.",
        )

    def _records(self, table: str, source: Reader, delimiter: str) -> Iterator[Row]:
        try:
            yield from records(source, delimiter=delimiter)
        except DamagedBackupError as err:
            raise DamagedBackupError(f"file '{table}.csv': {err.message}", err.hint) from err

    def _write(self, table: str, columns: tuple[str, ...], rows: Iterable[Values]) -> None:
        count, file = 0, f"{table}.csv.gz"
        with self.target.open_writer(f"{ENVIRONMENT.id}/{self.backup_id}/{file}") as stored:
            hashed = HashingWriter(stored)
            packed = GzipWriter(hashed)
            packed.write(encode(columns))
            for values in rows:
                packed.write(encode([values[column] for column in columns]))
                count += 1
            packed.finish()
        self.files.append(TableFile(table, file, columns, count, hashed.size, hashed.sha256))

    def _dags(self) -> list[str]:
        """Which DAGs are active; those that have runs and are not among them are paused."""
        active: list[str] = []
        try:
            active = self.storage.get(self._path(layouts.ACTIVE_DAGS)).decode().splitlines()
        except (UnicodeDecodeError, MissingObjectError):
            return [f"left out: file '{layouts.ACTIVE_DAGS}.csv', which cannot be read: no DAG becomes active"]
        fixed: Values = {"is_subdag": FALSE, "is_active": TRUE, "has_task_concurrency_limits": TRUE}
        fixed |= dict.fromkeys(("max_active_tasks", "max_active_runs"), "16")
        if self.since >= (2, 9):
            fixed["max_consecutive_failed_dag_runs"] = "0"
        dags = sorted({*active, *self.keys.dags()} - {*OWN_DAGS, ""})
        rows = ({"dag_id": dag, "is_paused": FALSE if dag in active else TRUE, **fixed} for dag in dags)
        self._write("dag", ("dag_id", "is_paused", *fixed), rows)
        return []

    def _manifest(self, airflow_version: str) -> Manifest:
        oldest = f"{self.since[0]}.{self.since[1]}"
        return Manifest(
            backup_id=self.backup_id,
            environment=ENVIRONMENT,
            snapshot_time=_moment(self.rows.newest),
            airflow_version=airflow_version or oldest,
            alembic_revision="",
            engine_version=__version__,
            tables=tuple(self.files),
            interrupted=tuple(
                InterruptedRun(*run, BECOMES_FAILED if run[3] else BECOMES_TRIGGER)
                for run in self.keys.open_runs()
                if run[0] not in OWN_DAGS
            ),
            own_dags=OWN_DAGS,
            not_carried={layouts.TRIGGERS: "has no ids, and belongs to the old environment"},
        )


def _moment(newest: str) -> str:
    try:
        return datetime.fromisoformat(newest).astimezone(timezone.utc).isoformat()
    except ValueError:
        return datetime.now(timezone.utc).isoformat()
