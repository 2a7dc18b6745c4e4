"""What was measured, and what follows: medians, ratios to the anchor in the same run, and whether they suffice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from statistics import median

from benchmarks.airflow_run import AirflowRun
from benchmarks.commits import ALONE, Commits
from benchmarks.process import Taken

MIB = 1 << 20

BACKUP, FRESH_RESTORE, FILLED_RESTORE = "backup", "restore, fresh", "restore, with rows"
INCREMENT = "increment"
PG_DUMP, ONE, TWO, LEGACY = "pg_dump -Fc, gzip 1", "engine, 1 connection", "engine, 2 connections", "mwaa-dr 2.2.0"
ON_S3 = "engine, 2 connections, S3"
FULL, BASE, ADDED = "full backup", "full, begins a chain", "increment, 1 % churn"
PG_RESTORE, ENGINE = "pg_restore --data-only", "engine"
ANCHORS = {
    BACKUP: (BACKUP, PG_DUMP),
    FRESH_RESTORE: (FRESH_RESTORE, PG_RESTORE),
    FILLED_RESTORE: (FRESH_RESTORE, PG_RESTORE),
    INCREMENT: (INCREMENT, FULL),
}
"""What an operation is compared with: pg_restore fails where there are rows, so there it is that without."""


class Measure(str, Enum):
    """One figure of a run."""

    SECONDS = "seconds"
    CPU = "cpu"
    STORED = "stored"
    PEAK = "peak"


@dataclass(frozen=True)
class Series:
    """The runs of one competitor at one operation, one of each round."""

    operation: str
    who: str
    runs: tuple[Taken, ...]

    def values(self, measure: Measure) -> list[float]:
        """One figure of each run."""
        return [float(getattr(run, measure.value)) for run in self.runs]

    def median(self, measure: Measure) -> float:
        """The one in the middle."""
        return median(self.values(measure))

    def ratio(self, anchor: Series, measure: Measure) -> float | None:
        """The median of the rounds' ratios: in one round a busy machine was as busy for both; None: there is none."""
        pairs = list(zip(self.values(measure), anchor.values(measure), strict=True))
        return median(own / other for own, other in pairs) if all(other for _, other in pairs) else None


@dataclass(frozen=True)
class Target:
    """What a figure must reach."""

    words: str
    operation: str
    who: str
    measure: Measure
    most: float
    is_ratio: bool = True


_FASTER = (
    Target("backup, time, one connection", BACKUP, ONE, Measure.SECONDS, 1.05),
    Target("backup, time, two connections", BACKUP, TWO, Measure.SECONDS, 0.8),
    Target("backup, CPU of client and server", BACKUP, ONE, Measure.CPU, 1.1),
    Target("backup, bytes stored", BACKUP, ONE, Measure.STORED, 1.05),
    Target("restore into a fresh environment, time", FRESH_RESTORE, ENGINE, Measure.SECONDS, 0.6),
    Target("restore into one with rows, time", FILLED_RESTORE, ENGINE, Measure.SECONDS, 1.3),
    Target("increment at 1 % churn, time against a full backup", INCREMENT, ADDED, Measure.SECONDS, 0.3),
    Target("increment at 1 % churn, bytes against a full backup", INCREMENT, ADDED, Measure.STORED, 0.03),
)
TARGETS = (
    *_FASTER,
    *(
        Target(
            f"{operation}, peak memory above the idle process, MiB", operation, who, Measure.PEAK, 64, is_ratio=False
        )
        for operation, who in ((BACKUP, TWO), (FRESH_RESTORE, ENGINE), (FILLED_RESTORE, ENGINE), (INCREMENT, ADDED))
    ),
)
COMMITS_TARGET = Target("backup, 99th percentile of a live writer's commits", BACKUP, TWO, Measure.SECONDS, 1.5)
AIRFLOW_TARGET = Target("backup in an Airflow without rows, s", BACKUP, "Airflow", Measure.SECONDS, 5.0, is_ratio=False)


@dataclass(frozen=True)
class Results:
    """A whole run of the benchmark."""

    date: str
    size: str
    rows: int
    machine: dict[str, str]
    left_out: dict[str, str]
    """Competitor -> why."""
    series: tuple[Series, ...]
    commits: tuple[Commits, ...] = ()
    """Of a live writer, without a backup and beside each."""
    airflow: tuple[AirflowRun, ...] = ()
    """Whole runs of the backup's DAG."""

    @property
    def rounds(self) -> int:
        """How often each competitor was measured."""
        return max([len(series.runs) for series in self.series] + [len(found.p99) for found in self.commits])

    def find(self, operation: str, who: str) -> Series | None:
        """A competitor's runs, or None where it did not take part."""
        return next((one for one in self.series if (one.operation, one.who) == (operation, who)), None)

    def ratio(self, series: Series, measure: Measure) -> float | None:
        """Against the anchor of its operation; None: that did not take part."""
        anchor = self.find(*ANCHORS[series.operation])
        return series.ratio(anchor, measure) if anchor else None

    def slowed(self, commits: Commits) -> float | None:
        """How much longer the slowest commits take than without a backup; None: that is itself, or was not measured."""
        alone = next((one for one in self.commits if one.who == ALONE), None)
        return commits.ratio(alone) if alone and commits is not alone else None

    def reached(self) -> list[tuple[Target, float, bool]]:
        """Each target that was measured, with the figure, and whether it is reached."""
        figures = [(target, self._figure(target)) for target in TARGETS]
        beside = next((one for one in self.commits if one.who == COMMITS_TARGET.who), None)
        figures.append((COMMITS_TARGET, self.slowed(beside) if beside else None))
        figures.append((AIRFLOW_TARGET, median(run.whole for run in self.airflow) if self.airflow else None))
        return [(target, value, value <= target.most) for target, value in figures if value is not None]

    def _figure(self, target: Target) -> float | None:
        series = self.find(target.operation, target.who)
        if not series:
            return None
        return self.ratio(series, target.measure) if target.is_ratio else series.median(target.measure)

    def to_json(self) -> str:
        """All of it, with each single run."""
        document = asdict(self)
        for entry, series in zip(document["series"], self.series, strict=True):
            entry["median"] = {m.value: round(series.median(m), 4) for m in Measure}
            ratios = {m.value: self.ratio(series, m) for m in (Measure.SECONDS, Measure.CPU, Measure.STORED)}
            entry["ratio"] = {name: round(value, 4) for name, value in ratios.items() if value is not None}
        for entry, found in zip(document["commits"], self.commits, strict=True):
            slowed = self.slowed(found)
            entry["median"] = {"p50": round(median(found.p50), 3), "p99": round(median(found.p99), 3)}
            entry["ratio"] = {} if slowed is None else {"p99": round(slowed, 4)}
        document["targets"] = [
            {"words": target.words, "most": target.most, "figure": round(value, 4), "reached": ok}
            for target, value, ok in self.reached()
        ]
        return json.dumps({"format": 1, **document}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Read what `to_json` wrote."""
        raw = json.loads(text)
        series = tuple(
            Series(entry["operation"], entry["who"], tuple(Taken(**run) for run in entry["runs"]))
            for entry in raw["series"]
        )
        commits = tuple(Commits(one["who"], tuple(one["p50"]), tuple(one["p99"])) for one in raw.get("commits", ()))
        airflow = tuple(AirflowRun(**run) for run in raw.get("airflow", ()))
        return cls(raw["date"], raw["size"], raw["rows"], raw["machine"], raw["left_out"], series, commits, airflow)
