"""What a rehearsal came to, as one document: for people, for programs, and for the page with the picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from drill.compare import Difference


@dataclass(frozen=True)
class Moment:
    """Something that happened, in seconds since the disaster, or since the stop began."""

    seconds: float
    words: str


@dataclass(frozen=True)
class Part:
    """What a recovery, or the time without the environment, is made up of, by the strategy's formula."""

    name: str
    seconds: float


@dataclass(frozen=True)
class TableRows:
    """One table: rows in the backup, what the restore did with them, how many were held against each other."""

    table: str
    in_backup: int
    inserted: int | None
    replaced: int | None
    kept: int | None
    dropped: int | None


@dataclass(frozen=True)
class Run:
    """A DAG run that the disaster has cost something."""

    dag_id: str
    run_id: str
    words: str


@dataclass(frozen=True)
class Step:
    """A state of a workflow."""

    name: str
    seconds: float | None
    """As those of a moment; None: it was not entered."""
    workflow: str = "The workflow"


@dataclass
class Outcome:
    """One rehearsal; no difference means that it passed."""

    strategy: str
    title: str
    airflow: str
    fault: str = ""
    expected: str = ""
    """What a fault was to come to."""
    status: str = ""
    """Of the execution that recovered, or of the last one of stop and start."""
    formula: str = ""
    rto_seconds: float | None = None
    """From the disaster until a DAG ran again in the secondary."""
    rpo_seconds: float | None = None
    """From the backup until the disaster."""
    interval_seconds: float = 0.0
    """Between two scheduled backups, which bounds the RPO."""
    away_seconds: float | None = None
    """From the beginning of a stop until a DAG ran again after the start."""
    notes: list[str] = field(default_factory=list)
    """What is to be said of the times besides."""
    moments: list[Moment] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    backup_id: str = ""
    compared: int = 0
    tables: list[TableRows] = field(default_factory=list)
    not_carried: dict[str, str] = field(default_factory=dict)
    lost: list[Run] = field(default_factory=list)
    """Work after the backup."""
    interrupted: list[Run] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    logs_searched: int = 0
    real: list[str] = field(default_factory=list)
    simulated: list[str] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    """What the drill did -> its seconds, for who wants it faster."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything is as promised."""
        return not self.differences and bool(self.status)

    @property
    def made_up_seconds(self) -> float:
        """What the formula comes to with what was measured."""
        return sum(part.seconds for part in self.parts)

    @property
    def times(self) -> list[str]:
        """The times in words, each with what it is counted from."""
        every = f"backups are taken every {self.interval_seconds:.0f} s"
        known = {
            "RTO {} s: from the disaster until a DAG ran again": self.rto_seconds,
            f"RPO {{}} s: from the backup until the disaster; {every}": self.rpo_seconds,
            "away {} s: from the beginning of the stop until a DAG ran again": self.away_seconds,
        }
        return [*(words.format(value) for words, value in known.items() if value is not None), *self.notes]

    def document(self) -> dict[str, object]:
        """All of it, for JSON."""
        return {"passed": self.passed, **asdict(self)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Outcome:
        """What `document` has made a document of."""
        values = {name: value for name, value in document.items() if name != "passed"}
        for name, kind in _LISTED.items():
            values[name] = [kind(**line) for line in values[name]]
        return cls(**values)


_LISTED: Mapping[str, Callable[..., Any]] = {
    "moments": Moment,
    "parts": Part,
    "tables": TableRows,
    "lost": Run,
    "interrupted": Run,
    "steps": Step,
    "differences": Difference,
}
"""Field -> what its list is made of."""


def to_json(outcomes: list[Outcome]) -> str:
    """One JSON document of all rehearsals."""
    passed = all(outcome.passed for outcome in outcomes)
    document = {"passed": passed, "rehearsals": [outcome.document() for outcome in outcomes]}
    return json.dumps(document, indent=1, sort_keys=True)
