"""Restore a backup: prove it whole, stage it, merge it, in one transaction or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field

from mwaa_dr.framework.chosen_backup import choose_backup
from mwaa_dr.framework.database import in_flight
from mwaa_dr.framework.database.catalog import Catalog, own_dags, read_catalog
from mwaa_dr.framework.database.connection import (
    CHANGE_LOCK,
    Connection,
    Cursor,
    MetadataDb,
    take_lock,
    translated_errors,
)
from mwaa_dr.framework.database.definitions import leading_out, unnoticed
from mwaa_dr.framework.database.expected_locks import ExpectedLocks
from mwaa_dr.framework.database.fast_load import FastLoad, is_bulk, locked_of
from mwaa_dr.framework.database.hearts import Hearts
from mwaa_dr.framework.database.in_place import stays
from mwaa_dr.framework.database.merge import Merger, MergeResult
from mwaa_dr.framework.database.planner import analyze
from mwaa_dr.framework.database.staging import Staged, planned, shadow
from mwaa_dr.framework.database.toast import compress_quickly
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.manifest import InterruptedRun, Manifest, TableFile
from mwaa_dr.framework.model.options import InFlight, RestoreOptions, Strategy
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.report_file import keep_restore_report
from mwaa_dr.framework.secrets import SecretBox
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_reader import TableReader
from mwaa_dr.framework.unstaged import Unstaged, has_room

logger = logging.getLogger(__name__)

Plan = Sequence[tuple[Staged, tuple[TableFile, ...]]]

MEMORY = "64MB"
"""For each sort or hash table of a statement: MWAA's database serves its scheduler, too."""


def restore_backup(
    db: MetadataDb,
    tables: Tables,
    storage: Storage,
    options: RestoreOptions,
    progress: Progress | None = None,
) -> Report:
    """Bring a backup into a database that may be alive; all of it is there afterwards, or nothing changed.

    Raises a DrError with one clear line for a backup that is missing, damaged or does not fit, before the
    database is touched. Safe to repeat: the second time gives the same state.
    """
    started = time.monotonic()
    report = _Restore(db, tables, storage, options, progress or Progress()).run()
    return keep_restore_report(storage, report, started)


@dataclass
class _Restore:
    db: MetadataDb
    tables: Tables
    storage: Storage
    options: RestoreOptions
    progress: Progress
    notes: list[str] = field(default_factory=list)
    hearts: Hearts = field(default_factory=Hearts)

    def run(self) -> Report:
        reader = choose_backup(self.storage, self.options, self.progress)
        manifest = reader.manifest
        self.tables, closed = self.tables.closed()
        self.notes += closed
        box = SecretBox(self.options.fernet_keys)
        with self.db.connection() as connection, connection.cursor() as cursor, self._hearts_at_hand(manifest):
            try:
                merged, work = self._transaction(cursor, manifest, reader, box)
                with translated_errors():
                    connection.rollback() if self.options.dry_run else connection.commit()
            except BaseException:
                with suppress(Exception):
                    connection.rollback()
                raise
            locked = work.locked_seconds
            self.hearts.stop()
            if not self.options.dry_run:
                self._analyze(connection, manifest, merged)
        return self._report(manifest, merged, locked)

    def _transaction(
        self, cursor: Cursor, manifest: Manifest, reader: TableReader, box: SecretBox
    ) -> tuple[MergeResult, Work]:
        take_lock(cursor, CHANGE_LOCK, "restore or cleanup")
        catalog = read_catalog(cursor)
        ours = tuple(sorted({*own_dags(cursor, self.options.own_dags), *manifest.own_dags}))
        plan = planned(manifest, self._wanted(), catalog)
        if self.options.dry_run:
            # The rows that a merge changes stay locked until its end: the scheduler would wait for a mere question.
            shadow(cursor, {"dag", *(stage.table.name for stage, _ in plan)})
        compress_quickly(cursor)
        with Unstaged(cursor, reader, self._in_place(cursor, plan, manifest)) as unstaged:
            expected_seconds = self._stage(cursor, reader, plan, box, unstaged)
            cursor.execute(f"SET LOCAL lock_timeout = '60s'; SET LOCAL work_mem = '{MEMORY}'")
            work = Work(cursor, lock_seconds=self.options.lock_seconds, dry_run=self.options.dry_run)
            stages = {stage.table.name: stage for stage, _ in plan}
            self._settle_in_flight(work, stages, manifest, ours, unstaged)
            fast = FastLoad(work, stages, self.options, expected_seconds, self.hearts, self.notes, unstaged)
            merged = self._merge(work, stages, catalog, ours, manifest, fast=fast if self._may_lock() else None)
        return merged, work

    def _stage(self, cursor: Cursor, reader: TableReader, plan: Plan, box: SecretBox, unstaged: Unstaged) -> float:
        """Stage what does not wait; return how many seconds the fast way would lock the tables."""
        manifest, expected = reader.manifest, ExpectedLocks()
        for stage, files in plan:
            name = stage.table.name
            if name in unstaged.tables:
                stage.rows = manifest.rows_of(name)
                continue
            began = time.monotonic()
            reader.stage(cursor, stage, files, box)
            expected.staged(manifest.rows_of(name), manifest.size_of(name), time.monotonic() - began)
        for name in unstaged.tables:
            expected.in_place(manifest.rows_of(name), manifest.size_of(name))
        return expected.seconds

    def _in_place(self, cursor: Cursor, plan: Plan, manifest: Manifest) -> Collection[str]:
        """The tables that the fast way fills without a temporary table, where it may be taken."""
        if not self._may_be_fast(manifest) or self.options.in_flight is not InFlight.DROP:
            return ()
        chooses = _chooses_rows(cursor)
        filled = {s.table.name: s.table for s, files in plan if _fills(s, files) and (chooses or not s.table.fixed)}
        locked = locked_of(stage.table for stage, _ in plan)
        leads = leading_out(cursor, filled, locked)
        waiting = [
            name for name in unnoticed(cursor, filled, locked) if leads.get(name, set()) <= {*filled[name].fixed}
        ]
        return waiting if has_room(sum(manifest.size_of(name) for name in waiting)) else ()

    def _hearts_at_hand(self, manifest: Manifest) -> AbstractContextManager[None]:
        """A connection to beat on, where the fast way may be taken: fewer rows are merged with one connection."""
        return self.hearts.at_hand(self.db) if self._may_be_fast(manifest) else nullcontext()

    def _may_be_fast(self, manifest: Manifest) -> bool:
        return self._may_lock() and self._is_large(manifest)

    def _is_large(self, manifest: Manifest) -> bool:
        """Whether a second connection is worth its while."""
        return manifest.rows >= self.options.exclusive_rows

    def _may_lock(self) -> bool:
        return self.options.exclusive_seconds > 0 and not self.options.dry_run

    def _wanted(self) -> list[Table]:
        return [t for t in self.tables if self.options.strategy_of(t.name) is not Strategy.DO_NOTHING]

    def _settle_in_flight(
        self,
        work: Work,
        stages: dict[str, Staged],
        manifest: Manifest,
        ours: tuple[str, ...],
        unstaged: Unstaged,
    ) -> None:
        in_flight.leave_out_own_work(work, stages, ours)
        if self.options.in_flight is InFlight.RESUME:
            in_flight.resume(work, stages, manifest)
            return
        waits = "task_instance" in unstaged.tables
        if waits and not in_flight.is_told(work, stages, manifest):
            unstaged.stage_one(stages["task_instance"])
            waits = False
        in_flight.drop(work, stages, manifest, waits=waits)
        if waits:
            unstaged.settle["task_instance"] = lambda tasks: in_flight.settle_tasks(work, tasks, manifest)

    def _merge(
        self,
        work: Work,
        stages: dict[str, Staged],
        catalog: Catalog,
        ours: tuple[str, ...],
        manifest: Manifest,
        *,
        fast: FastLoad | None,
    ) -> MergeResult:
        merger = Merger(
            work=work,
            stages=stages,
            catalog=catalog,
            options=self.options,
            ours=ours,
            same_environment=manifest.environment == self.options.environment,
            progress=self.progress,
            fast=fast,
        )
        return merger.merge()

    def _analyze(self, connection: Connection, manifest: Manifest, merged: MergeResult) -> None:
        changed = [line for line in merged.lines.values() if line.inserted or line.replaced]
        largest_first = [line.table for line in sorted(changed, key=lambda line: line.rows or 0, reverse=True)]
        analyze(self.db, connection, largest_first, with_another=self._is_large(manifest))

    def _report(self, manifest: Manifest, merged: MergeResult, locked: float) -> Report:
        for name, line in merged.lines.items():
            line.size = manifest.size_of(name) if manifest.files_of(name) else None
        return Report(
            operation="restore",
            environment=self.options.environment.id,
            backup_id=manifest.backup_id,
            snapshot_time=manifest.snapshot_time,
            source=manifest.environment.id,
            tables=list(merged.lines.values()),
            interrupted=[self._becomes(run) for run in manifest.interrupted],
            kept_runs=merged.kept_runs,
            notes=[
                *self.notes,
                *merged.notes,
                *manifest.remarks,
            ],
            locked_seconds=round(locked, 3),
            dry_run=self.options.dry_run,
        )

    def _becomes(self, run: InterruptedRun) -> dict[str, object]:
        told = dict(vars(run))
        if self.options.in_flight is InFlight.RESUME and run.state in ("queued", "running"):
            told["becomes"] = "queued: the scheduler goes on with what was not finished"
        return told


def _chooses_rows(cursor: Cursor) -> bool:
    """Whether the server's COPY takes a condition: https://www.postgresql.org/docs/12/sql-copy.html."""
    return bool(cursor.connection.server_version >= 120_000)


def _fills(stage: Staged, files: Sequence[TableFile]) -> bool:
    return is_bulk(stage.table) and any(file.rows for file in files) and stays(stage, files)
