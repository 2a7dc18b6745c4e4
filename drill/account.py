"""What a drill did and found, for people and as one JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from drill import rules
from drill.compare import Difference
from drill.tables import rows_of

SHOWN_DIFFERENCES = 40


@dataclass
class Account:
    """The account of one drill; no difference means that it passed."""

    airflow: str
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    """What was done -> its seconds."""
    moment: str = ""
    """When the backup was taken."""
    rows: dict[str, int] = field(default_factory=dict)
    """Table -> rows in the backup."""
    not_carried: dict[str, str] = field(default_factory=dict)
    interrupted: list[dict[str, Any]] = field(default_factory=list)
    restored: list[dict[str, Any]] = field(default_factory=list)
    """The restore's own report, by table."""
    locked_seconds: float = 0.0
    compared: int = 0
    """Rows that were held against each other."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every row is as promised."""
        return not self.differences and self.compared > 0

    def read_manifest(self, manifest: dict[str, Any]) -> None:
        """Take over what the backup's manifest says."""
        self.moment = manifest["snapshot_time"]
        self.rows = rows_of(manifest)
        self.not_carried = manifest["not_carried"]
        self.interrupted = manifest["interrupted"]

    def read_restore_report(self, storage: Path) -> None:
        """Take over what the restore reported beside the backup."""
        for path in sorted(storage.rglob("restore-*.json")):
            report = json.loads(path.read_text())
            self.restored, self.locked_seconds = report["tables"], report["locked_seconds"]

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps({"passed": self.passed, **asdict(self)}, indent=1, sort_keys=True)

    def text(self) -> str:
        """For people: what was restored, what was not and why, what differs, and the seconds."""
        return "\n\n".join(part for part in (self._restored(), self._left_out(), self._promises(), self._end()) if part)

    def _restored(self) -> str:
        head = f"{'table':32}{'in backup':>10}{'inserted':>10}{'replaced':>10}{'kept':>8}{'dropped':>9}"
        lines = [
            f"{line['table']:32}"
            + "".join(
                f"{line[column] if line[column] is not None else '':>{width}}"
                for column, width in (("rows", 10), ("inserted", 10), ("replaced", 10), ("kept", 8), ("dropped", 9))
            )
            for line in self.restored
        ]
        return "\n".join([f"Restored into another Airflow {self.airflow}:", head, *lines])

    def _left_out(self) -> str:
        tables = [f"  {name}: {why}" for name, why in self.not_carried.items()]
        runs = [f"  {run['dag_id']} {run['run_id']} ({run['state']}): {run['becomes']}" for run in self.interrupted]
        return "\n".join(["Not restored:", *tables, "Interrupted:", *runs])

    def _promises(self) -> str:
        promises = [f"  {str(rule.__doc__).strip()}" for rule in rules.RULES]
        return "\n".join(["Differences that are promised, and were held to:", *promises])

    def _end(self) -> str:
        parts = ", ".join(f"{name} {seconds}" for name, seconds in self.parts.items())
        lines = [f"Seconds: {parts}; DAGs locked {self.locked_seconds}; {self.seconds} in all."]
        if self.differences:
            shown = [f"  {difference}" for difference in self.differences[:SHOWN_DIFFERENCES]]
            more = len(self.differences) - len(shown)
            lines = [f"{len(self.differences)} differences:", *shown, *([f"  and {more} more"] if more else []), *lines]
        verdict = "PASSED" if self.passed else "FAILED"
        lines.append(
            f"{verdict}: Airflow {self.airflow}, {self.compared} rows compared, {len(self.differences)} differ"
        )
        return "\n".join(lines)
