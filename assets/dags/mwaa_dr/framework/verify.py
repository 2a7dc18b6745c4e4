"""Prove a backup: its files are those of the manifest, its rows can be read, its references are closed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import Enum

from mwaa_dr.framework import text
from mwaa_dr.framework.chosen_backup import data_key
from mwaa_dr.framework.csv_rows import records
from mwaa_dr.framework.database.catalog import read_catalog
from mwaa_dr.framework.database.connection import Cursor, MetadataDb
from mwaa_dr.framework.database.staging import planned
from mwaa_dr.framework.errors import DamagedBackupError, DrError, IncompatibleBackupError
from mwaa_dr.framework.manifest import Manifest, TableFile
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.snapshot_keys import KeyFollower
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_reader import TableReader


class Level(str, Enum):
    """How much is proved; each level does what the one before does, too."""

    FILES = "files"
    DATA = "data"
    REHEARSE = "rehearse"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    passed: bool
    detail: str


@dataclass
class Verification:
    """What was looked at, and whether it is as it should be."""

    environment: str
    backup_id: str
    level: Level
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> list[Check]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]

    @property
    def passed(self) -> bool:
        """Whether everything is as it should be."""
        return bool(self.checks) and not self.failed

    def lines(self) -> list[str]:
        """The result for people, a line for each check."""
        head = f"verify {self.backup_id} of {self.environment}, level {self.level.value}: {text.duration(self.seconds)}"
        rows = [["OK" if c.passed else "FAILED", text.plain(c.name), text.plain(c.detail)] for c in self.checks]
        return [head, *text.aligned(rows, left=(0, 1, 2))]

    def to_json(self) -> bytes:
        """The result for programs; keys are only ever added."""
        document = {"report_format": 1, "operation": "verify", "passed": self.passed, **asdict(self)}
        return json.dumps(document, indent=1, sort_keys=True).encode()


def verify_backup(
    storage: Storage,
    level: Level,
    *,
    source: str = "",
    backup_id: str = "",
    region: str = "",
    db: MetadataDb | None = None,
    airflow_version: str = "",
    progress: Progress | None = None,
) -> Verification:
    """Verify a backup, by default the latest of the only environment.

    `rehearse` needs `db` and the Airflow version that runs on it; its tables are not touched or locked, only
    temporary ones are made. Damage is told in the result; raises a DrError where there is nothing to verify, as
    when there is no such backup or its manifest cannot be read.
    """
    started = time.monotonic()
    storage.check()
    manifest = BackupRepository(storage).choose(source, backup_id)
    verifier = _Verifier(storage, manifest, region, progress or Progress())
    verifier.run(level, db, airflow_version)
    seconds = round(time.monotonic() - started, 3)
    return Verification(manifest.environment.id, manifest.backup_id, level, verifier.checks, seconds)


@dataclass
class _Verifier:
    storage: Storage
    manifest: Manifest
    region: str
    progress: Progress
    checks: list[Check] = field(default_factory=list)

    def run(self, level: Level, db: MetadataDb | None, airflow_version: str) -> None:
        self._files()
        # What was altered on disk is not worth reading, and must not be loaded.
        if level is Level.FILES or not all(check.passed for check in self.checks):
            return
        reader = TableReader(self.storage, self.manifest, data_key(self.manifest, self.region), self.progress)
        self._data(reader)
        if level is Level.REHEARSE and db is not None and all(check.passed for check in self.checks):
            self._rehearse(reader, db, airflow_version)

    def _files(self) -> None:
        self.progress.phase("verify files")
        repository = BackupRepository(self.storage)
        for file in self.manifest.files:
            folder = f"{file.backup_id}/" if file.backup_id else ""
            with self._check(f"file {folder}{file.file}", f"{file.size:,} bytes"):
                repository.verify_file(self.manifest, file, self.progress)

    def _data(self, reader: TableReader) -> None:
        from mwaa_dr.versions import factory_for

        self.progress.phase("read every row")
        tables = factory_for(self.manifest.airflow_version).tables
        with KeyFollower(tables, self.manifest.tables) as follower:
            for file in self.manifest.tables:
                with self._check(f"rows of {file.name}", text.counted(file.rows, "row")):
                    self._read(reader, file, follower)
            if all(check.passed for check in self.checks):
                for name, referring, dangling in follower.results():
                    detail = f"{dangling:,} of {referring:,} rows refer to a row that is not in the backup"
                    self.checks.append(Check(name, not dangling, detail if dangling else f"{referring:,} rows"))

    def _read(self, reader: TableReader, file: TableFile, follower: KeyFollower) -> None:
        started = time.monotonic()
        self.progress.start(file.name, file.size)
        with reader.open(file) as source:
            rows = records(source)
            header = next(rows, ())
            if header != file.columns:
                raise DamagedBackupError(f"file '{file.file}' has other columns than its manifest says")
            count = follower.follow(file, rows)
        if count != file.rows:
            raise DamagedBackupError(f"file '{file.file}' holds {count:,} rows, its manifest says {file.rows:,}")
        self.progress.finish(file.name, count, time.monotonic() - started)

    def _rehearse(self, reader: TableReader, db: MetadataDb, airflow_version: str) -> None:
        from mwaa_dr.versions import factory_for

        self.progress.phase("load into temporary tables")
        tables = factory_for(airflow_version).tables
        with db.connection() as connection, connection.cursor() as cursor:
            try:
                self._load(reader, cursor, tables, airflow_version)
            finally:
                connection.rollback()

    def _load(self, reader: TableReader, cursor: Cursor, tables: Tables, airflow_version: str) -> None:
        from mwaa_dr.framework.compatibility import check_versions

        plan = []
        with self._check("schema", f"fits Airflow {airflow_version}"):
            check_versions(self.manifest, airflow_version)
            plan = planned(self.manifest, list(tables), read_catalog(cursor))
        for stage, files in plan:
            rows = sum(file.rows for file in files)
            with self._check(f"load of {stage.table.name}", text.counted(rows, "row")):
                cursor.execute("SAVEPOINT rehearsal")
                try:
                    reader.stage(cursor, stage, files)
                except DrError:
                    cursor.execute("ROLLBACK TO SAVEPOINT rehearsal")
                    raise

    @contextmanager
    def _check(self, name: str, detail: str) -> Iterator[None]:
        """Note whether the block finds damage; what is no damage, as a storage that refuses, is raised."""
        try:
            yield
        except (DamagedBackupError, IncompatibleBackupError) as err:
            self.checks.append(Check(name, passed=False, detail=err.message))
        else:
            self.checks.append(Check(name, passed=True, detail=detail))
