"""The fast way of a restore: tables are filled without their keys and indexes, which are made again in one go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mwaa_dr.framework.database.connection import first_line
from mwaa_dr.framework.database.definitions import Definitions, definitions_of, fingerprint, owned
from mwaa_dr.framework.database.hearts import Hearts
from mwaa_dr.framework.database.in_place import put_own_back, set_own_aside
from mwaa_dr.framework.database.names import ident, idents
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.model.options import RestoreOptions
from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.unstaged import Unstaged

logger = logging.getLogger(__name__)

OWN_ROWS, OWN_SHARE = 500, 100
"""What an environment wrote itself is at most so many rows of a table, or one for so many of the backup's."""
AT_MOST = 2
"""Locks held for so many times as long as they may be expected to be are let go, and the merging way is taken."""
UNHEARD_SECONDS = 10
"""How long ago the last heartbeat may be that is known when tables are locked: Airflow's are 5 s apart, and some of
its versions write each one down with the next."""
ATTEMPTS = 20
PAUSE_SECONDS = 0.5
WAIT = "900ms"
"""For what cannot be locked ahead: less than PostgreSQL's `deadlock_timeout`, so that nobody's work ends but ours."""
MEMORY = "128MB"
"""For each sort of an index, and each check of a foreign key: MWAA's database serves its scheduler, too."""


class NotFastError(Exception):
    """Why the fast way cannot be taken, in words."""


@dataclass
class FastLoad:
    """The tables that hold most rows, locked as a whole from `lock` to the end of the transaction.

    Nobody waits for us who could end it: after `lock` this transaction waits for nothing that others hold. Never
    locked so are `dag`, `job`, `slot_pool`, and all others that do not belong to a run; their foreign keys stay.
    Schedulers and triggerers do wait, and `hearts` says for them that they live.
    """

    work: Work
    stages: Mapping[str, Staged]
    options: RestoreOptions
    expected_seconds: float
    """How long the tables will be locked."""
    hearts: Hearts
    notes: list[str]
    """Which way was taken is told here."""
    unstaged: Unstaged
    """The tables that are filled in place."""
    _before: frozenset[tuple[str, str]] = frozenset()
    _definitions: Definitions = field(default_factory=lambda: Definitions((), ()))

    @property
    def bulk(self) -> tuple[str, ...]:
        """The tables that are filled without their indexes."""
        return tuple(name for name, stage in self.stages.items() if is_bulk(stage.table))

    @property
    def _seconds(self) -> int:
        """How long locks may be expected: what was asked for, or what all that is at work outlives at the very most."""
        return min(self.options.exclusive_seconds, (self._patience_seconds - UNHEARD_SECONDS) // AT_MOST)

    @property
    def _patience_seconds(self) -> int:
        return self.options.patience.of(self.options.airflow_version)

    @property
    def _most_seconds(self) -> int:
        return self._seconds * AT_MOST

    @property
    def _locked(self) -> tuple[str, ...]:
        return locked_of(stage.table for stage in self.stages.values())

    def check(self) -> None:
        """Raise NotFastError where the fast way gains nothing, would lock for too long, or is not ours to take."""
        total = sum(self.stages[name].rows for name in self.bulk)
        if total < self.options.exclusive_rows:
            raise NotFastError(f"the backup has fewer than {self.options.exclusive_rows:,} rows of runs")
        for name in self.bulk:
            if self.work.exists(f"SELECT 1 FROM {ident(name)} OFFSET {max(OWN_ROWS, total // OWN_SHARE)}"):
                raise NotFastError(f"table '{name}' has history of its own")
        if self.expected_seconds > self._seconds:
            raise NotFastError(
                f"tables would be locked for about {self.expected_seconds:.0f} s, {self._why_not_so_long()}"
            )
        self._check_hearts()
        strange = sorted(set(self._locked) - owned(self.work.cursor, self._locked))
        if strange:
            raise NotFastError(f"the database's user may not define table '{strange[0]}' anew")

    def lock(self) -> None:
        """Lock everything that the merge will write to or wait for, at once; raise NotFastError when that cannot be."""
        self.hearts.start()
        self._lock_at_once()
        self.work.hurry(self._most_seconds)
        self.work.run(f"SET LOCAL lock_timeout = '{WAIT}'")
        self.work.run(f"SET LOCAL maintenance_work_mem = '{MEMORY}'")
        self._before = fingerprint(self.work.cursor)
        filled = [name for name in self.bulk if self.stages[name].rows]
        self._definitions = definitions_of(self.work.cursor, filled, self._locked)
        self._rehearse()

    def load(self, merge: Callable[[Staged], None]) -> None:
        """Merge each table with no row checked or indexed by itself; make all that again, or raise NotFastError."""
        self._all(self._definitions.drops())
        for name in self.bulk:
            stage = self.stages[name]
            if name not in self.unstaged.tables:
                merge(stage)
            else:
                set_own_aside(self.work, stage)
                self.unstaged.load(stage)
                merge(stage)
                put_own_back(self.work, stage)
        self._all(self._definitions.makes())
        self._compare()
        self._check_hearts()
        self._tell(f"the fast way: indexes and foreign keys of {', '.join(self.bulk)} were dropped and made again")

    def give_up(self, err: Exception) -> None:
        """Undo all, say why, and leave the rest to the merging way; raise what is no reason to."""
        if self.work.cursor.connection.closed:
            raise err
        if _is_cancelled(err) and not self.work.is_late:
            self.work.check_limit()
            raise err
        reason = f"it took more than {self._most_seconds} s" if self.work.is_late else _in_words(err)
        self.work.cursor.execute("ROLLBACK TO SAVEPOINT fast")
        self.work.start_over()
        self.hearts.stop()
        self.unstaged.stage(self.stages)
        self._tell(f"the merging way, with all indexes in place: {reason}")

    def _why_not_so_long(self) -> str:
        if self._seconds < self.options.exclusive_seconds:
            return f"and who is silent for {self._patience_seconds} s is taken for dead here"
        return f"more than {self._seconds} s"

    def _check_hearts(self) -> None:
        if self.hearts.trouble:
            raise NotFastError(f"nobody could say meanwhile that the schedulers live: {self.hearts.trouble}")

    def _tell(self, words: str) -> None:
        logger.info("%s", words)
        self.notes.append(words)

    def _all(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.work.run(statement)

    def _lock_at_once(self) -> None:
        from psycopg2 import errors

        for attempt in range(ATTEMPTS):
            self.work.run("SAVEPOINT exclusive")
            try:
                self.work.run(f"LOCK TABLE {idents(self._locked)} IN ACCESS EXCLUSIVE MODE NOWAIT")
                # The merge updates these at its end. Who holds one of their rows may wait for the tables above.
                for name in ("dag", "slot_pool"):
                    self.work.run(f"SELECT count(*) FROM (SELECT 1 FROM {name} FOR NO KEY UPDATE NOWAIT) held")
            except errors.LockNotAvailable as err:
                if attempt + 1 == ATTEMPTS:
                    raise
                logger.info("%s; tried again", first_line(err))
                self.work.cursor.execute("ROLLBACK TO SAVEPOINT exclusive")
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _rehearse(self) -> None:
        """Find out while the tables are nearly empty what would not be the same again: a comment on an index is one."""
        self.work.run("SAVEPOINT rehearsal")
        self._all(self._definitions.drops())
        self._all(self._definitions.makes())
        self._compare()
        self.work.run("ROLLBACK TO SAVEPOINT rehearsal")

    def _compare(self) -> None:
        differs = self._before ^ fingerprint(self.work.cursor)
        if differs:
            names = ", ".join(f"'{name}'" for name in sorted({name for name, _ in differs}))
            raise NotFastError(f"what is defined of {names} could not be made again as it was")


def is_bulk(table: Table) -> bool:
    """Whether a table grows with each run and is not that of the runs, which are few: their rows, the audit log."""
    return table.merge is Merge.RUN_CHILD or table.name == "log"


def locked_of(tables: Iterable[Table]) -> tuple[str, ...]:
    """What is locked: the bulk, with what its foreign keys point at, since to drop one locks both of its tables."""
    return tuple(table.name for table in tables if is_bulk(table) or table.name == "dag_run")


def _is_cancelled(err: Exception) -> bool:
    from psycopg2 import errors

    return isinstance(err, errors.QueryCanceled)


def _in_words(err: Exception) -> str:
    return str(err) if isinstance(err, NotFastError) else first_line(err)
