"""Take a backup without the database: the configuration to be restored, the history to be looked up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from mwaa_dr import __version__
from mwaa_dr.framework.active_dags import PausedByStop, paused_by_stop
from mwaa_dr.framework.backup_files import BackupFiles
from mwaa_dr.framework.config_only.archive import DOCUMENT, KINDS, Archive
from mwaa_dr.framework.config_only.configuration import SECTIONS, Configuration
from mwaa_dr.framework.config_only.values import Reached
from mwaa_dr.framework.csv_rows import encode
from mwaa_dr.framework.keeper import Keeper
from mwaa_dr.framework.manifest import Manifest, Mode, TableFile
from mwaa_dr.framework.model.options import BackupOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.storage.storage import Storage, Writer
from mwaa_dr.versions import revision_of

NOTE = (
    "CONFIG_ONLY: variables, connections, pools and which DAGs are active can be restored;"
    " the history is an archive, from which nothing is restored"
)
NOT_CARRIED = "CONFIG_ONLY carries what REST gives and takes, and runs, tasks, events and the audit log as an archive"


def take_config_backup(
    reached: Reached, tables: Tables, storage: Storage, options: BackupOptions, progress: Progress | None = None
) -> Report:
    """Back up what REST and the Task SDK give; it is not one moment, since each page is asked for by itself.

    Raises a DrError with one clear line when anything fails, as a value that is masked; what was written until then
    is removed.
    """
    keeper = Keeper(storage, options, progress or Progress())
    storage.check()
    return keeper.tell(_ConfigBackup(reached, tables, options, keeper).run())


@dataclass
class _ConfigBackup:
    reached: Reached
    tables: Tables
    options: BackupOptions
    keeper: Keeper

    def run(self) -> Report:
        return self.keeper.keep(self._read)

    def _read(self) -> tuple[Manifest, list[TableLine]]:
        options, moment = self.options, datetime.now(timezone.utc)
        files = self.keeper.begin(moment, confidential=True)
        stop = self._ask_the_stop()
        configuration = Configuration(
            self.reached,
            skip_unreadable=options.skip_unreadable_secrets,
            active_dags=options.active_dags,
            paused_by_stop=stop.dags,
            notes=self.keeper.notes,
        )
        ours = tuple(sorted({*options.own_dags, *configuration.own_dags}))
        archive = Archive(self.reached.api, ours)
        written = self._write(files, configuration, archive)
        self.keeper.notes[:0] = [NOTE]
        self.keeper.notes += [f"unreadable, left out: {label}" for label in configuration.unreadable]
        manifest = Manifest(
            backup_id=files.backup_id,
            environment=options.environment,
            snapshot_time=moment.isoformat(),
            airflow_version=options.airflow_version,
            alembic_revision=revision_of(options.airflow_version),
            engine_version=__version__,
            tables=tuple(file for file, _ in written),
            interrupted=archive.interrupted,
            own_dags=ours,
            active_dags=sum(not configuration.is_paused(dag) and not dag["is_stale"] for dag in configuration.dags),
            unreadable_secrets=tuple(configuration.unreadable),
            not_carried=self._not_carried(file.table for file, _ in written),
            wrapped_keys=files.wrapped_keys,
            notes=(NOTE, *stop.notes),
            mode=Mode.CONFIG_ONLY,
            seconds=self.keeper.seconds,
        )
        lines = [TableLine(f.table, rows=f.rows, size=f.size, seconds=seconds) for f, seconds in written]
        return manifest, lines

    def _ask_the_stop(self) -> PausedByStop:
        if self.options.active_dags is not None or not self.options.stop_note:
            return PausedByStop()
        stop = paused_by_stop(self.options.stop_note, self.options.environment.region)
        self.keeper.notes += stop.notes
        return stop

    def _write(
        self, files: BackupFiles, configuration: Configuration, archive: Archive
    ) -> list[tuple[TableFile, float]]:
        chosen = self.tables.names
        return [
            *(
                _stored(files, s.table, s.columns, s.rows(configuration), confidential=s.confidential)
                for s in SECTIONS
                if s.table in chosen
            ),
            *(
                _stored(files, kind.table, (*kind.columns, DOCUMENT), archive.rows(kind))
                for kind in KINDS
                if kind.of in chosen
            ),
        ]

    def _not_carried(self, carried: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(sorted(self.tables.names - {*carried}), NOT_CARRIED)


def _stored(
    files: BackupFiles,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[Mapping[str, str | None]],
    *,
    confidential: bool = False,
) -> tuple[TableFile, float]:
    """Write one file, row by row."""
    started = time.monotonic()

    def fill(target: Writer) -> int:
        target.write(encode(columns))
        count = 0
        for row in rows:
            target.write(encode(row[column] for column in columns))
            count += 1
        return count

    file = files.write(table, columns, fill, confidential=confidential)
    return file, round(time.monotonic() - started, 3)
