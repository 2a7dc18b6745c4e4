"""Take a backup: one snapshot, a file or several for each table, the manifest, then the pointer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timezone

from mwaa_dr import __version__
from mwaa_dr.framework.active_dags import PausedByStop, paused_by_stop, unknown_dags, with_active
from mwaa_dr.framework.database.catalog import Catalog, alembic_revision, own_dags, read_catalog
from mwaa_dr.framework.database.connection import Cursor, MetadataDb
from mwaa_dr.framework.database.placed import see_server
from mwaa_dr.framework.database.selection import interrupted_runs, is_paused
from mwaa_dr.framework.database.snapshot import Snapshot, open_snapshot
from mwaa_dr.framework.increments import ChainWriter, chain_writer
from mwaa_dr.framework.keeper import Keeper
from mwaa_dr.framework.manifest import FULL_FORMAT, InterruptedRun, Manifest, TableFile
from mwaa_dr.framework.model.options import BackupMode, BackupOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.model.unknown import reason_for_unknown
from mwaa_dr.framework.parallel import in_parallel
from mwaa_dr.framework.pieces import pieces
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.secrets import SecretBox
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_writer import TableWriter


def take_backup(
    db: MetadataDb, tables: Tables, storage: Storage, options: BackupOptions, progress: Progress | None = None
) -> Report:
    """Back up the chosen tables as they are at one moment; the database is only read.

    Raises a DrError with one clear line when anything fails; what was written until then is removed. A backup
    that shrank is kept, but `latest` stays where it was and the report says so (`promoted` is False).
    """
    keeper = Keeper(storage, options, progress or Progress())
    return keeper.tell(_Backup(db, tables, options, keeper).run())


@dataclass
class _Backup:
    db: MetadataDb
    tables: Tables
    options: BackupOptions
    keeper: Keeper
    notes: list[str] = field(init=False)
    active_dags: tuple[str, ...] | None = None
    """Those that the backup has as active; None: as the database says."""

    def __post_init__(self) -> None:
        self.notes = self.keeper.notes

    def run(self) -> Report:
        self.tables, closed = self.tables.closed()
        self.notes += closed
        self.keeper.storage.check()
        started = time.monotonic()
        with open_snapshot(self.db, self.options.connections, self.options.wait_seconds) as snapshot:
            return self.keeper.keep(lambda: self._read_all(snapshot, started))

    def _read_all(self, snapshot: Snapshot, started: float) -> tuple[Manifest, list[TableLine]]:
        read = self._read(snapshot, started)
        snapshot.end()
        return read

    def _read(self, snapshot: Snapshot, started: float) -> tuple[Manifest, list[TableLine]]:
        options = self.options
        moment = snapshot.time.astimezone(timezone.utc)
        with snapshot.first.cursor() as cursor:
            catalog = read_catalog(cursor)
            self.tables = self.tables.present(catalog.tables)
            catalog.require(self.tables.names)
            ours = own_dags(cursor, options.own_dags)
            revision = alembic_revision(cursor)
            stop = self._ask_the_stop(cursor)
            interrupted = self._interrupted(cursor, catalog, ours)
            active = self._active(cursor, catalog)
            chain = self._chain(cursor, catalog, revision)
        confidential = any(table.confidential for table in self.tables)
        files = self.keeper.begin(moment, confidential=confidential, format=chain.format if chain else FULL_FORMAT)
        writer = TableWriter(
            files=files,
            ours=ours,
            box=SecretBox(options.fernet_keys),
            skip_unreadable=options.skip_unreadable_secrets,
            active_dags=self.active_dags,
        )
        copied = self._copy_all(snapshot, catalog, writer, chain)
        self.notes += [f"unreadable, left out: {label}" for label in writer.unreadable]
        manifest = Manifest(
            backup_id=files.backup_id,
            environment=options.environment,
            snapshot_time=moment.isoformat(),
            airflow_version=options.airflow_version,
            alembic_revision=revision,
            engine_version=__version__,
            tables=tuple(file for file, _ in copied),
            interrupted=tuple(interrupted),
            own_dags=ours,
            active_dags=active,
            unreadable_secrets=tuple(writer.unreadable),
            not_carried=self._not_carried(catalog),
            wrapped_keys=files.wrapped_keys,
            notes=stop.notes,
            seconds=round(time.monotonic() - started, 3),
            **(chain.of_manifest if chain else {}),
        )
        if chain:
            chain.leave(manifest, writer)
        return manifest, [_line(table.name, copied) for table in self.tables]

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

    def _not_carried(self, catalog: Catalog) -> dict[str, str]:
        return {
            name: self.tables.skipped.get(name) or reason_for_unknown(name)
            for name in sorted(catalog.tables)
            if name not in self.tables
        }

    def _chain(self, cursor: Cursor, catalog: Catalog, revision: str) -> ChainWriter | None:
        """What stores a backup that others may add to; None where none is to be."""
        if self.options.backup_mode is BackupMode.FULL:
            return None
        if not catalog.reads_ranges:
            self.notes.append("a full backup, and no increment can add to it: the server is older than PostgreSQL 14")
            return None
        server = see_server(cursor, revision)
        chain, what = chain_writer(self.keeper.storage, self.options, catalog, server)
        self.notes.append(what)
        return chain

    def _copy_all(
        self, snapshot: Snapshot, catalog: Catalog, writer: TableWriter, chain: ChainWriter | None
    ) -> list[tuple[TableFile, float]]:
        if chain:
            return self._in_order(chain.copy_all(snapshot, self.tables, writer))
        work = pieces(self.tables, catalog, len(snapshot.connections), self.options.piece_size)
        snapshot.hold(piece.table.name for piece in work if piece.parts > 1)
        copied = in_parallel(
            snapshot.connections, work, lambda c, piece: writer.write(c, piece, catalog.columns(piece.table.name))
        )
        return self._in_order(copied)

    def _in_order(self, copied: list[tuple[TableFile, float]]) -> list[tuple[TableFile, float]]:
        place = [table.name for table in self.tables].index
        return sorted(
            copied, key=lambda file: (place(file[0].table), file[0].backup_id, len(file[0].name), file[0].name)
        )


def _line(table: str, files: list[tuple[TableFile, float]]) -> TableLine:
    """What a table is in the report, of all its files."""
    own = [(file, seconds) for file, seconds in files if file.table == table]
    return TableLine(
        table,
        rows=sum(file.rows for file, _ in own),
        size=sum(file.size for file, _ in own if not file.backup_id),
        seconds=round(sum(seconds for _, seconds in own), 3),
    )
