"""What was done, for people in the log and for programs as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mwaa_dr.framework import text

COUNTS = ("rows", "inserted", "replaced", "kept", "dropped", "removed")
"""The counts of a table in the order of the columns; one that no table has is not shown."""


@dataclass
class TableLine:
    """One table in a report; a count that means nothing for the operation stays None."""

    table: str
    rows: int | None = None
    """In the backup."""
    size: int | None = None
    """Bytes as stored."""
    inserted: int | None = None
    replaced: int | None = None
    """Rows of the backup that took the place of rows of the target; with a run go all rows that belong to it."""
    kept: int | None = None
    """Rows of the target that stayed although the backup had one for the same place."""
    removed: int | None = None
    """Rows that are gone and have none in their place."""
    dropped: int | None = None
    """Rows of the backup that were not restored by rule (in flight, bound to their environment, ...)."""
    seconds: float = 0.0


@dataclass
class Report:
    """The account of one backup, restore or cleanup."""

    operation: str
    environment: str
    backup_id: str = ""
    source: str = ""
    """Environment id that the backup was taken from."""
    tables: list[TableLine] = field(default_factory=list)
    interrupted: list[dict[str, Any]] = field(default_factory=list)
    """Runs in flight: dag_id, run_id, state, what becomes of them."""
    kept_runs: list[dict[str, Any]] = field(default_factory=list)
    """Runs of the target that kept their place, so that the backup's was not restored: in flight, or ended well."""
    active_dags: list[str] = field(default_factory=list)
    """Cleanup: the DAGs that were active before it paused them."""
    notes: list[str] = field(default_factory=list)
    """Everything else that a person should know, one sentence each."""
    seconds: float = 0.0
    locked_seconds: float = 0.0
    promoted: bool | None = None
    """Backup: whether `latest` now points at it."""
    dry_run: bool = False
    snapshot_time: str = ""
    """Of the backup: ISO 8601, UTC."""
    mode: str = "DATABASE"
    """What did the work: `DATABASE`, or `CONFIG_ONLY` by the REST API."""

    def to_json(self) -> bytes:
        """One JSON document; keys are only ever added."""
        return json.dumps({"report_format": 1, **asdict(self)}, indent=1, sort_keys=True).encode()

    def lines(self) -> list[str]:
        """The report for people: what was done, a line for each table, the runs to look at, the notes."""
        return [
            self._summary(),
            *self._outcome(),
            *self._table(),
            *_runs("interrupted runs", self.interrupted),
            *_runs("runs of this database that were kept", self.kept_runs),
            *[f"note: {text.plain(note)}" for note in self.notes],
        ]

    def _summary(self) -> str:
        subject = f"{self.operation} {self.backup_id}".rstrip()
        if self.source and self.source != self.environment:
            subject += f" of {self.source} into {self.environment}"
        elif self.environment:
            subject += f" of {self.environment}" if self.operation == "backup" else f" into {self.environment}"
        return f"{'dry run of ' if self.dry_run else ''}{text.plain(subject)}: {text.duration(self.seconds)}"

    def _outcome(self) -> list[str]:
        outcome = []
        if self.dry_run:
            outcome.append("nothing was changed; this is what would be done")
        if self.promoted is False:
            outcome.append("the backup is complete, but it was NOT made the latest: see the notes")
        if self.locked_seconds:
            outcome.append(f"the database was locked for {text.duration(self.locked_seconds)}")
        return outcome

    def _table(self) -> list[str]:
        if not self.tables:
            return []
        counts = [name for name in COUNTS if any(getattr(line, name) is not None for line in self.tables)]
        sized = any(line.size is not None for line in self.tables)
        names = ["in backup" if n == "rows" and self.operation != "backup" else n for n in counts]
        head = ["table", *names, *(["bytes"] if sized else []), "seconds"]
        total = TableLine(
            "total",
            size=_sum(line.size for line in self.tables),
            seconds=sum(line.seconds for line in self.tables),
            **{name: _sum(getattr(line, name) for line in self.tables) for name in counts},
        )
        rows = [
            [
                text.plain(line.table),
                *[_count(getattr(line, name)) for name in counts],
                *([_count(line.size)] if sized else []),
                f"{line.seconds:.2f}",
            ]
            for line in [*self.tables, total]
        ]
        return ["", *text.aligned([head, *rows]), ""]


def _sum(counts: Iterable[int | None]) -> int:
    return sum(count or 0 for count in counts)


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}"


def _runs(title: str, runs: list[dict[str, Any]]) -> list[str]:
    if not runs:
        return []
    return [f"{title}: {len(runs):,}", *[f"  {line}" for line in text.shortened([_run(run) for run in runs])]]


def _run(run: Mapping[str, Any]) -> str:
    state = f" ({run['state']})" if run.get("state") else ""
    becomes = f": {run['becomes']}" if run.get("becomes") else ""
    return text.plain(f"{run.get('dag_id', '')} {run.get('run_id', '')}{state}{becomes}")
