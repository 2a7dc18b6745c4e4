"""The merge of a staged backup into the living database, in one transaction and in an order that harms nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.dag_versions import merge_versions, settle_versions
from mwaa_dr.framework.database.dags import (
    add_missing_dags,
    forget_the_rest,
    left_paused,
    lock_dags,
    merge_dags,
    unknown_active_dags,
)
from mwaa_dr.framework.database.fast_load import FastLoad, NotFastError
from mwaa_dr.framework.database.match import Merged, merge_matching, replaces
from mwaa_dr.framework.database.names import with_ours
from mwaa_dr.framework.database.runs import (
    lock_alike,
    merge_children,
    merge_runs,
    plan_runs,
    remove_replaced,
)
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import LateError, Work
from mwaa_dr.framework.model.options import RestoreOptions, Strategy
from mwaa_dr.framework.model.table import Merge
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import TableLine

BEFORE_LOCK = ("job", "log")
"""Nothing of the scheduler or parser waits for these: they are merged before the DAG rows are held."""
LAST = ("slot_pool", "dag")
"""The scheduler takes all pools at once or none: they are held for as short as can be."""


@dataclass
class MergeResult:
    """What the merge did."""

    lines: dict[str, TableLine] = field(default_factory=dict)
    kept_runs: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Merger:
    """Merges staged tables; holds what all steps need."""

    work: Work
    stages: dict[str, Staged]
    """By table, each after all that it depends on."""
    catalog: Catalog
    options: RestoreOptions
    ours: tuple[str, ...]
    same_environment: bool
    progress: Progress
    fast: FastLoad | None = None
    """What lets the tables that hold most rows be filled without their indexes; None: the merging way."""
    result: MergeResult = field(default_factory=MergeResult)

    def merge(self) -> MergeResult:
        """Merge everything; raise and change nothing when any part of it cannot be."""
        if not (self.fast and self._merge_fast(self.fast)):
            self._merge()
        lines = self.result.lines
        self.result.lines = {name: lines[name] for name in self.stages if name in lines}  # alike by both ways
        return self.result

    def _merge_fast(self, fast: FastLoad) -> bool:
        """Merge with exclusive locks; where that cannot be, undo it and return False."""
        import psycopg2

        self.work.run("SAVEPOINT fast")
        try:
            fast.check()
            self._retried(self._unlocked_phase)
            fast.lock()
            self._locked_phase()
        except (LateError, NotFastError, psycopg2.Error) as err:
            fast.give_up(err)
            self.fast, self.result = None, MergeResult()
            return False
        return True

    def _merge(self) -> None:
        self._retried(self._unlocked_phase)
        self._retried(self._locked_phase)

    def _unlocked_phase(self) -> None:
        for name in BEFORE_LOCK:
            if name in self.stages and name not in self._bulk:
                self._table(self.stages[name])

    def _retried(self, step: Callable[[], None]) -> None:
        """Do a step; what an attempt that lost a race counted is forgotten."""
        before = dict(self.result.lines)

        def anew() -> None:
            self.result = MergeResult(lines=dict(before))
            step()

        self.work.retried(anew)

    def _locked_phase(self) -> None:
        self.progress.phase("merge")
        lock_dags(self.work, self.catalog)
        before_dags = self.stages["dag"].table.depends_on if "dag" in self.stages else frozenset()
        for name in before_dags & self.stages.keys():
            self._table(self.stages[name])
        new_dags = add_missing_dags(
            self.work,
            self.stages,
            self.catalog,
            ours=self.ours,
            untouched=self._untouched_dags(),
            activate=self.options.activate_dags,
        )
        runs = self.stages.get("dag_run")
        if runs:
            lock_alike(self.work, runs)
            kept = plan_runs(self.work, runs)
            self.result.kept_runs = [
                {"dag_id": dag_id, "run_id": run_id, "state": state} for dag_id, run_id, state in kept
            ]
        removed = self._remove_replaced() if runs else {}
        later = [s for s in self.stages.values() if s.table.name not in (*BEFORE_LOCK, *before_dags, *LAST)]
        with_runs = self._with_runs()
        of_dags = [s for s in later if "dag" in s.table.depends_on and s.table.name not in with_runs]
        self._runs([s for s in later if s.table.name in with_runs])
        # The runs take long. What parser and tasks may add meanwhile (a permission, a Variable) would wait for the
        # same key of ours, and then fail: such tables come after them.
        for stage in later:
            if stage not in of_dags and stage.table.name not in with_runs:
                self._table(stage)
        if "dag_version" in self.stages:
            settle_versions(self.work, self.stages["dag_version"])
        if "slot_pool" in self.stages:
            self._table(self.stages["slot_pool"])
        self._dags(new_dags)
        for stage in of_dags:
            self._table(stage)
        for name, rows in removed.items():
            found = self.result.lines[name]
            found.removed = max(0, rows - (found.replaced or 0)) or None

    def _runs(self, stages: list[Staged]) -> None:
        for stage in stages:
            if stage.table.name not in self._bulk:
                self._table(stage)
        if self.fast:
            self.fast.load(self._table)

    @property
    def _bulk(self) -> Collection[str]:
        return self.fast.bulk if self.fast else ()

    def _with_runs(self) -> set[str]:
        """The tables of the runs, and all that they refer to."""
        names: set[str] = set()
        for stage in reversed(self.stages.values()):
            if stage.table.merge in (Merge.RUN, Merge.RUN_CHILD) or stage.table.name in names:
                names |= {stage.table.name} | stage.table.depends_on
        return names

    def _remove_replaced(self) -> dict[str, int]:
        of_runs = [s.table for s in self.stages.values() if s.table.merge in (Merge.RUN, Merge.RUN_CHILD)]
        removed = remove_replaced(self.work, {t.name: t for t in reversed(of_runs)})
        if removed.get("dag_run") and "task_instance" not in self.stages:
            self.result.notes.append(
                f"{removed['dag_run']} runs were replaced without their task instances, which are not restored"
            )
        return removed

    def _table(self, stage: Staged) -> None:
        started = time.monotonic()
        self.progress.start(stage.table.name)
        if stage.table.environment_bound and not self.same_environment:
            self.work.run(f"DELETE FROM {stage.name} WHERE {with_ours(stage.table.environment_bound, self.ours)}")
        merged = self._by_rule(stage)
        seconds = time.monotonic() - started
        dropped = max(0, stage.rows - merged.inserted - merged.replaced - merged.kept)
        self.result.lines[stage.table.name] = TableLine(
            stage.table.name,
            rows=stage.rows,
            inserted=merged.inserted,
            replaced=merged.replaced,
            kept=merged.kept,
            dropped=dropped,
            seconds=round(seconds, 3),
        )
        self.progress.finish(stage.table.name, merged.inserted + merged.replaced, seconds)

    def _by_rule(self, stage: Staged) -> Merged:
        if stage.table.merge is Merge.RUN:
            return merge_runs(self.work, stage, self.stages)
        if stage.table.merge is Merge.RUN_CHILD:
            return merge_children(self.work, stage, self.stages)
        if stage.table.merge is Merge.VERSION:
            return merge_versions(self.work, stage, self.stages)
        wins = self.options.strategy_of(stage.table.name) is Strategy.REPLACE
        replace = replaces(stage.table.existing, wins)
        return merge_matching(self.work, stage, self.stages, replace=replace, ours=self.ours)

    def _dags(self, inserted: int) -> None:
        stage = self.stages.get("dag")
        if stage:
            started = time.monotonic()
            activate, untouched = self.options.activate_dags, self._untouched_dags()
            merged = merge_dags(self.work, stage, self.catalog, untouched=untouched, activate=activate)
            self.result.lines["dag"] = TableLine(
                "dag",
                rows=stage.rows,
                inserted=inserted,
                replaced=merged - inserted,
                kept=stage.rows - merged,
                seconds=round(time.monotonic() - started, 3),
            )
            paused = [] if activate else left_paused(self.work, stage, untouched)
            if paused:
                self.result.notes.append(f"active in the backup, paused here as asked: {', '.join(paused)}")
            others = unknown_active_dags(self.work, stage, self.catalog, self.ours)
            if others:
                self.result.notes.append(f"active here but not in the backup, left as they are: {', '.join(others)}")
        forget_the_rest(self.work, self.catalog, self.stages, self.ours)

    def _untouched_dags(self) -> Collection[str]:
        return self.options.untouched_dags(self.ours, same_environment=self.same_environment)
