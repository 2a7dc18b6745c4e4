"""Take a backup: one snapshot, a file or several for each table, the manifest, then the pointer."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

from mwaa_dr import __version__
from mwaa_dr.framework.active_dags import PausedByStop, paused_by_stop, unknown_dags, with_active
from mwaa_dr.framework.backup_id import new_backup_id
from mwaa_dr.framework.database.catalog import Catalog, alembic_revision, own_dags, read_catalog
from mwaa_dr.framework.database.connection import Cursor, MetadataDb
from mwaa_dr.framework.database.selection import interrupted_runs, is_paused
from mwaa_dr.framework.database.snapshot import Snapshot, open_snapshot
from mwaa_dr.framework.envelope import DataKey, encryption_context, new_data_key
from mwaa_dr.framework.errors import DamagedBackupError, IncompatibleBackupError, MissingBackupError
from mwaa_dr.framework.manifest import FORMAT, InterruptedRun, Manifest, TableFile
from mwaa_dr.framework.model.options import BackupOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.model.unknown import reason_for_unknown
from mwaa_dr.framework.parallel import in_parallel
from mwaa_dr.framework.pieces import pieces
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.report_file import keep_report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.secrets import SecretBox
from mwaa_dr.framework.shrink import shrunk_tables
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_writer import TableWriter

logger = logging.getLogger(__name__)


def take_backup(
    db: MetadataDb, tables: Tables, storage: Storage, options: BackupOptions, progress: Progress | None = None
) -> Report:
    """Back up the chosen tables as they are at one moment; the database is only read.

    Raises a DrError with one clear line when anything fails; what was written until then is removed. A backup
    that shrank is kept, but `latest` stays where it was and the report says so (`promoted` is False).
    """
    started = time.monotonic()
    backup = _Backup(db, tables, storage, options, progress or Progress())
    report = backup.run()
    report.seconds = round(time.monotonic() - started, 3)
    keep_report(storage, f"{backup.folder}/report.json", report)
    return report


@dataclass
class _Backup:
    db: MetadataDb
    tables: Tables
    storage: Storage
    options: BackupOptions
    progress: Progress
    notes: list[str] = field(default_factory=list)
    backup_id: str = ""
    active_dags: tuple[str, ...] | None = None
    """Those that the backup has as active; None: as the database says."""

    @property
    def folder(self) -> str:
        """Where the files of the backup lie."""
        return f"{self.options.environment.id}/{self.backup_id}"

    def run(self) -> Report:
        self.tables, closed = self.tables.closed()
        self.notes += closed
        self.storage.check()
        repository = BackupRepository(self.storage)
        started = time.monotonic()
        with open_snapshot(self.db, self.options.connections, self.options.wait_seconds) as snapshot:
            try:
                manifest, lines = self._read(snapshot, started)
                snapshot.end()
                self.progress.phase("verify files")
                repository.verify_files(manifest)
                promoted = self._is_whole(repository, manifest)
                repository.publish(manifest, promote=False)
            except BaseException:
                self._remove_partial(repository)
                raise
            # From here on the backup exists: `latest` may point at it even where its answer was lost.
            repository.publish(manifest, promote=promoted)
            self._retain(repository, manifest)
        return Report(
            operation="backup",
            environment=manifest.environment.id,
            backup_id=manifest.backup_id,
            snapshot_time=manifest.snapshot_time,
            tables=lines,
            interrupted=[vars(run) for run in manifest.interrupted],
            notes=self.notes,
            promoted=promoted,
        )

    def _read(self, snapshot: Snapshot, started: float) -> tuple[Manifest, list[TableLine]]:
        options = self.options
        moment = snapshot.time.astimezone(timezone.utc)
        self.backup_id = new_backup_id(moment)
        with snapshot.first.cursor() as cursor:
            catalog = read_catalog(cursor)
            self.tables = self.tables.present(catalog.tables)
            catalog.require(self.tables.names)
            ours = own_dags(cursor, options.own_dags)
            revision = alembic_revision(cursor)
            stop = self._ask_the_stop(cursor)
            interrupted = self._interrupted(cursor, catalog, ours)
            active = self._active(cursor, catalog)
        key = self._key()
        writer = TableWriter(
            storage=self.storage,
            folder=self.folder,
            environment=options.environment,
            backup_id=self.backup_id,
            ours=ours,
            box=SecretBox(options.fernet_keys),
            skip_unreadable=options.skip_unreadable_secrets,
            key=key,
            progress=self.progress,
            active_dags=self.active_dags,
        )
        files = self._copy_all(snapshot, catalog, writer)
        self.notes += [f"unreadable, left out: {label}" for label in writer.unreadable]
        manifest = Manifest(
            backup_id=self.backup_id,
            environment=options.environment,
            snapshot_time=moment.isoformat(),
            airflow_version=options.airflow_version,
            alembic_revision=revision,
            engine_version=__version__,
            tables=tuple(file for file, _ in files),
            interrupted=tuple(interrupted),
            own_dags=ours,
            active_dags=active,
            unreadable_secrets=tuple(writer.unreadable),
            not_carried=self._not_carried(catalog),
            wrapped_keys=dict(key.wrapped) if key else {},
            notes=stop.notes,
            seconds=round(time.monotonic() - started, 3),
        )
        return manifest, [_line(table.name, files) for table in self.tables]

    def _ask_the_stop(self, cursor: Cursor) -> PausedByStop:
        """Choose the active DAGs; asked after the snapshot began, which may have had to wait for another backup."""
        self.active_dags, options = self.options.active_dags, self.options
        if self.active_dags is not None or not options.stop_note:
            return PausedByStop()
        stop = paused_by_stop(options.stop_note, options.environment.region)
        self.notes += stop.notes
        if stop.dags:
            self.active_dags = with_active(cursor, stop.dags)
        return stop

    def _interrupted(self, cursor: Cursor, catalog: Catalog, ours: tuple[str, ...]) -> list[InterruptedRun]:
        if not {"dag_run", "task_instance"} <= self.tables.names:
            return []
        return interrupted_runs(cursor, ours, catalog, self.active_dags)

    def _active(self, cursor: Cursor, catalog: Catalog) -> int:
        if "dag" not in self.tables:
            return 0
        if self.active_dags is not None:
            self.notes += unknown_dags(cursor, self.active_dags)
        paused = is_paused(self.active_dags)
        cursor.execute(f"SELECT count(*) FROM dag WHERE NOT {paused} AND {catalog.is_parsed()}")
        return int(cursor.fetchone()[0])

    def _key(self) -> DataKey | None:
        if self.options.kms_key_arns:
            context = encryption_context(self.options.environment.id, self.backup_id, FORMAT)
            return new_data_key(self.options.kms_key_arns, context)
        if any(table.confidential for table in self.tables):
            logger.warning(
                "secrets rely on the storage's own encryption, since no KMS key is configured",
                extra={"storage": self.storage.url},
            )
        return None

    def _not_carried(self, catalog: Catalog) -> dict[str, str]:
        return {
            name: self.tables.skipped.get(name) or reason_for_unknown(name)
            for name in sorted(catalog.tables)
            if name not in self.tables
        }

    def _copy_all(self, snapshot: Snapshot, catalog: Catalog, writer: TableWriter) -> list[tuple[TableFile, float]]:
        work = pieces(self.tables, catalog, len(snapshot.connections), self.options.piece_size)
        snapshot.hold(piece.table.name for piece in work if piece.parts > 1)
        copied = in_parallel(
            snapshot.connections, work, lambda c, piece: writer.write(c, piece, catalog.columns(piece.table.name))
        )
        place = [table.name for table in self.tables].index
        return sorted(copied, key=lambda file: (place(file[0].table), len(file[0].name), file[0].name))

    def _is_whole(self, repository: BackupRepository, manifest: Manifest) -> bool:
        before = self._latest(repository)
        shrunk = shrunk_tables(before, manifest, self.options.shrink_guard_percent)
        self.notes += shrunk
        if shrunk:
            logger.error("the backup shrank and is not promoted", extra={"reasons": shrunk})
        return not shrunk

    def _latest(self, repository: BackupRepository) -> Manifest | None:
        try:
            return repository.latest(self.options.environment.id)
        except MissingBackupError:
            return None
        except (DamagedBackupError, IncompatibleBackupError) as err:
            self.notes.append(f"the latest backup before this one cannot be read: {err.message}")
            return None

    def _retain(self, repository: BackupRepository, manifest: Manifest) -> None:
        try:
            moment = datetime.fromisoformat(manifest.snapshot_time)
            removed = repository.expire(manifest.environment.id, self.options.retention, now=moment)
        except Exception as err:  # noqa: BLE001 - the new backup is whole; only old ones stay longer
            logger.warning("old backups could not be removed", extra={"reason": str(err)})
            self.notes.append(f"old backups could not be removed: {err}")
            return
        if removed:
            self.notes.append(f"removed by retention: {', '.join(removed)}")

    def _remove_partial(self, repository: BackupRepository) -> None:
        if not self.backup_id:
            return
        try:
            repository.remove(self.options.environment.id, self.backup_id)
        except Exception as err:  # noqa: BLE001 - the first error is the one to report
            logger.warning("a partial backup could not be removed", extra={"folder": self.folder, "reason": str(err)})


def _line(table: str, files: list[tuple[TableFile, float]]) -> TableLine:
    """What a table is in the report, of all its files."""
    own = [(file, seconds) for file, seconds in files if file.table == table]
    return TableLine(
        table,
        rows=sum(file.rows for file, _ in own),
        size=sum(file.size for file, _ in own),
        seconds=round(sum(seconds for _, seconds in own), 3),
    )
