"""Empty what a restore fills, and leave what keeps the environment alive."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field

from mwaa_dr.framework.database.catalog import Catalog, own_dags, read_catalog
from mwaa_dr.framework.database.connection import CHANGE_LOCK, Cursor, MetadataDb, take_lock
from mwaa_dr.framework.database.dags import lock_dags
from mwaa_dr.framework.database.emptying import Emptying
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.errors import RunsInProgressError
from mwaa_dr.framework.model.options import CleanupOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine

logger = logging.getLogger(__name__)

SHOWN_RUNS = 10


def clean_up(db: MetadataDb, tables: Tables, options: CleanupOptions, progress: Progress | None = None) -> Report:
    """Pause every DAG but our own and delete the history; variables, connections, roles and live jobs stay.

    Raises RunsInProgressError, and changes nothing, while other runs are in flight, unless `options.force`. One
    transaction; with `batch_runs` one for each batch of whole runs, after which a second call goes on. The
    report's `active_dags` names the DAGs that were active.
    """
    started = time.monotonic()
    report = _Cleanup(db, tables, options, progress or Progress()).run()
    report.seconds = round(time.monotonic() - started, 3)
    return report


@dataclass(frozen=True)
class _Emptied:
    """What one transaction did."""

    more: bool
    """Whether runs are left for the next one."""
    active: list[str]
    removed: dict[str, int]


@dataclass
class _Cleanup:
    db: MetadataDb
    tables: Tables
    options: CleanupOptions
    progress: Progress
    removed: dict[str, int] = field(default_factory=dict)
    active: list[str] = field(default_factory=list)
    locked: float = 0.0

    def run(self) -> Report:
        self.tables, notes = self.tables.closed()
        with self.db.connection() as connection, connection.cursor() as cursor:
            try:
                more = True
                while more:
                    more = self._batch(cursor) and not self.options.dry_run
                    connection.rollback() if self.options.dry_run else connection.commit()
                    self.progress.phase(f"removed {sum(self.removed.values())} rows")
            except BaseException:
                with suppress(Exception):
                    connection.rollback()
                raise
        return Report(
            operation="cleanup",
            environment="",
            tables=[TableLine(name, removed=rows) for name, rows in self.removed.items()],
            notes=notes,
            active_dags=self.active,
            locked_seconds=round(self.locked, 3),
            dry_run=self.options.dry_run,
        )

    def _batch(self, cursor: Cursor) -> bool:
        """Do one transaction's work; return whether there is more."""
        take_lock(cursor, CHANGE_LOCK, "restore or cleanup")
        catalog = read_catalog(cursor)
        tables = self.tables.present(catalog.tables)
        catalog.require(tables.names)
        cursor.execute("SET LOCAL lock_timeout = '60s'")
        work = Work(cursor, lock_seconds=self.options.lock_seconds)
        ours = own_dags(cursor, self.options.own_dags)
        emptying = Emptying(work, tuple(tables), ours, self.options.own_run)
        emptied = work.retried(lambda: self._emptied(emptying, catalog))
        self.active += emptied.active
        for name, rows in emptied.removed.items():
            self.removed[name] = self.removed.get(name, 0) + rows
        self.locked = max(self.locked, work.locked_seconds)
        return emptied.more

    def _emptied(self, emptying: Emptying, catalog: Catalog) -> _Emptied:
        lock_dags(emptying.work, catalog)
        # A run that is triggered from here on is not chosen, so it need not be refused.
        more = emptying.choose_runs(self.options.batch_runs)
        self._refuse_while_running(emptying)
        active = emptying.pause_all(catalog)
        if active:
            # Said before the commit: were we killed after it, nobody could tell any more.
            self.progress.phase(f"pause what is active: {', '.join(active)}")
        removed = emptying.delete_runs()
        return _Emptied(more, active, removed if more else {**removed, **emptying.delete_others()})

    def _refuse_while_running(self, emptying: Emptying) -> None:
        running = emptying.others_in_flight()
        if not running or self.options.force:
            return
        shown = ", ".join(f"{dag_id} {run_id} ({state})" for dag_id, run_id, state in running[:SHOWN_RUNS])
        more = f" and {len(running) - SHOWN_RUNS} more" if len(running) > SHOWN_RUNS else ""
        raise RunsInProgressError(
            f"{len(running)} other runs are in flight: {shown}{more}",
            "Wait until they have ended or pause their DAGs; with force they are deleted as they are.",
        )
