"""What was done, for people in the log and for programs as one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


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
    kept: int | None = None
    """Rows of the target that stayed although the backup had one for the same place."""
    removed: int | None = None
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
    """Unfinished runs of the target that were kept, so that the backup's was not restored."""
    notes: list[str] = field(default_factory=list)
    """Everything else that a person should know, one sentence each."""
    seconds: float = 0.0
    locked_seconds: float = 0.0
    promoted: bool | None = None
    """Backup: whether `latest` now points at it."""
    dry_run: bool = False

    def to_json(self) -> bytes:
        """One JSON document; keys are only ever added."""
        return json.dumps({"report_format": 1, **asdict(self)}, indent=1, sort_keys=True).encode()
