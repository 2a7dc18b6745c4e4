"""Restore the configuration of a backup by REST and the Task SDK; its history stays in the backup."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mwaa_dr.framework.chosen_backup import choose_backup
from mwaa_dr.framework.config_only.archive import PREFIX
from mwaa_dr.framework.config_only.target import Row, Target, is_true
from mwaa_dr.framework.config_only.values import Reached
from mwaa_dr.framework.csv_rows import records
from mwaa_dr.framework.errors import ApiError, DamagedBackupError
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.model.options import RestoreOptions, Strategy
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.report_file import keep_restore_report
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_reader import TableReader

PARSE_SECONDS = 300.0
"""How long DAGs are waited for that the target has not parsed yet."""
LOOK_SECONDS = 10.0
OUR_SETTINGS = "DR_"
"""What the keys of this package's own Variables start with: they belong to their environment."""
NAMED = 20

ARCHIVED = "not restored, REST takes no history: it stays in the backup"


def restore_config(
    reached: Reached, tables: Tables, storage: Storage, options: RestoreOptions, progress: Progress | None = None
) -> Report:
    """Bring variables, connections, pools and DAG states of a backup into an Airflow that may be alive.

    Not one transaction, since REST has none, but safe to repeat. Of a backup of the whole database it restores the
    same. Raises a DrError for a backup that is missing, damaged or does not fit, before anything is changed, and at the
    end where something was refused.
    """
    started = time.monotonic()
    progress = progress or Progress()
    reader = choose_backup(storage, options, progress)
    restore = _ConfigRestore(Target(reached), tables, options, progress, reader)
    report = keep_restore_report(storage, restore.run(), started)
    if restore.refused:
        raise ApiError(
            f"{len(restore.refused)} could not be restored, all others were: {'; '.join(restore.refused[:NAMED])}",
            "Set them by hand, or mend what is refused and restore again.",
        )
    return report


@dataclass
class _ConfigRestore:
    target: Target
    tables: Tables
    options: RestoreOptions
    progress: Progress
    reader: TableReader
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(self) -> Report:
        manifest = self.reader.manifest
        steps = {
            "variable": self._variables,
            "connection": self._connections,
            "slot_pool": self._pools,
            "dag": self._dags,  # the last: they begin to run
        }
        lines = [self._step(table, step) for table, step in steps.items() if self._is_wanted(table)]
        left = {name: manifest.rows_of(name) for name in manifest.table_names if name not in {*steps, "dag_bundle"}}
        lines += [TableLine(name, rows=rows, size=manifest.size_of(name), dropped=rows) for name, rows in left.items()]
        archived = ", ".join(f"{rows:,} of {name.removeprefix(PREFIX)}" for name, rows in left.items() if rows)
        return Report(
            operation="restore",
            environment=self.options.environment.id,
            backup_id=manifest.backup_id,
            snapshot_time=manifest.snapshot_time,
            source=manifest.environment.id,
            tables=lines,
            interrupted=[vars(run) for run in manifest.interrupted],
            notes=[
                *([f"{ARCHIVED} ({archived})"] if archived else []),
                *self.notes,
                *(f"not restored: {words}" for words in self.refused),
                *manifest.remarks,
            ],
            dry_run=self.options.dry_run,
            mode=Mode.CONFIG_ONLY.value,
        )

    def _is_wanted(self, table: str) -> bool:
        carried = table in self.tables.names and self.reader.manifest.files_of(table)
        return bool(carried) and self.options.strategy_of(table) is not Strategy.DO_NOTHING

    def _step(self, table: str, step: Callable[[TableLine], None]) -> TableLine:
        started = time.monotonic()
        manifest = self.reader.manifest
        line = TableLine(table, rows=manifest.rows_of(table), size=manifest.size_of(table))
        line.inserted = line.replaced = line.kept = 0
        self.progress.start(table)
        step(line)
        done = line.inserted + line.replaced
        line.dropped = max(0, (line.rows or 0) - done - line.kept)
        line.seconds = round(time.monotonic() - started, 3)
        self.progress.finish(table, done, line.seconds)
        return line

    def _rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, one in memory."""
        for file in self.reader.manifest.files_of(table):
            with self.reader.open(file) as source:
                found = records(source)
                if next(found, ()) != file.columns:
                    raise DamagedBackupError(f"file '{file.file}' has other columns than its manifest says")
                for values in found:
                    yield dict(zip(file.columns, values, strict=True))

    def _variables(self, line: TableLine) -> None:
        there, same = self.target.variables(), self._is_of_here
        for row in self._rows("variable"):
            key = str(row["key"])
            if key.startswith(OUR_SETTINGS) and not same:
                continue
            is_there = key in there
            if not self._counted(line, is_there, self.options.variables) or self.options.dry_run:
                continue
            try:
                self.target.set_variable(row)
            except ApiError as err:
                self._refuse(line, is_there, err.message)

    def _connections(self, line: TableLine) -> None:
        there = self.target.connections()
        for row in self._rows("connection"):
            conn_id = str(row["conn_id"])
            is_there = conn_id in there
            if not self._counted(line, is_there, self.options.connections) or self.options.dry_run:
                continue
            if why := self.target.set_connection(row, is_there=is_there):
                self._refuse(line, is_there, f"connection '{conn_id}': {why}")

    def _pools(self, line: TableLine) -> None:
        there = self.target.pools()
        for row in self._rows("slot_pool"):
            self._counted(line, row["pool"] in there, Strategy.REPLACE)
        if not self.options.dry_run:
            self.target.set_pools(self._rows("slot_pool"))

    def _counted(self, line: TableLine, is_there: bool, strategy: Strategy) -> bool:
        """Count what becomes of a row; return whether it is set."""
        if is_there and strategy is not Strategy.REPLACE:
            line.kept = (line.kept or 0) + 1
            return False
        line.replaced = (line.replaced or 0) + is_there
        line.inserted = (line.inserted or 0) + (not is_there)
        return True

    def _refuse(self, line: TableLine, is_there: bool, words: str) -> None:
        """Take a row back that was counted."""
        self.refused.append(words)
        line.replaced = (line.replaced or 0) - is_there
        line.inserted = (line.inserted or 0) - (not is_there)

    @property
    def _is_of_here(self) -> bool:
        return self.reader.manifest.environment == self.options.environment

    @property
    def _untouched(self) -> set[str]:
        ours = {*self.options.own_dags, *self.reader.manifest.own_dags}
        return self.options.untouched_dags(ours, same_environment=self._is_of_here)

    def _dags(self, line: TableLine) -> None:
        untouched, wanted, gone = self._untouched, dict[str, bool](), set[str]()
        for row in self._rows("dag"):
            dag_id = str(row["dag_id"])
            if dag_id not in untouched:
                wanted[dag_id] = is_true(row["is_paused"])
            if is_true(row["is_stale"]):
                gone.add(dag_id)
        there = self._once_parsed(wanted.keys() - gone)
        found = {dag_id: paused for dag_id, paused in wanted.items() if dag_id in there}
        changed = [dag_id for dag_id, paused in sorted(found.items()) if there[dag_id] is not paused]
        line.kept = len(found) - len(changed)
        if not self.options.activate_dags:
            line.kept = len(found)
            self._say("active in the backup, paused here as asked", (d for d in changed if there[d]))
            changed = []
        for dag_id in changed:
            why = "" if self.options.dry_run else self.target.set_paused(dag_id, found[dag_id])
            if why:
                self.refused.append(f"dag '{dag_id}' is to be {'paused' if found[dag_id] else 'active'}: {why}")
            else:
                line.replaced = (line.replaced or 0) + 1
        missing = (d for d, paused in sorted(wanted.items()) if d not in there and not paused)
        self._say("active in the backup, not parsed here: make them active once they are", missing)
        others = (d for d, paused in sorted(there.items()) if not paused and d not in wanted.keys() | untouched)
        self._say("active here but not in the backup, left as they are", others)

    def _once_parsed(self, wanted: set[str]) -> dict[str, bool]:
        """The DAGs of the target, once it has parsed those that are wanted, or has had the time for it."""
        there, waited = self.target.dags(), 0.0
        while wanted - there.keys() and waited < PARSE_SECONDS and not self.options.dry_run:
            self.progress.phase(f"wait for {len(wanted - there.keys())} DAGs that are not parsed yet")
            self.target.reached.sleep(LOOK_SECONDS)
            there, waited = self.target.dags(), waited + LOOK_SECONDS
        return there

    def _say(self, what: str, dag_ids: Iterator[str]) -> None:
        if named := list(dag_ids):
            more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
            self.notes.append(f"{what}: {', '.join(named[:NAMED])}{more}")
