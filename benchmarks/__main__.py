"""`python -m benchmarks`: the engine against others, in turn, on one server; writes benchmarks/results."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType

from benchmarks.airflow_run import measured_runs
from benchmarks.chart import chart
from benchmarks.churn import Churn
from benchmarks.commits import Commits, measured_commits
from benchmarks.competitors import Competitor, Engine, Legacy, PgDump
from benchmarks.environments import FILLED, FRESH, SETTINGS, SOURCE, TARGET, counted, prepare, renew
from benchmarks.figures import (
    BACKUP,
    ENGINE,
    FILLED_RESTORE,
    FRESH_RESTORE,
    INCREMENT,
    LEGACY,
    ON_S3,
    ONE,
    PG_DUMP,
    PG_RESTORE,
    TWO,
    Results,
    Series,
)
from benchmarks.increments import Increments
from benchmarks.legacy import provision_legacy
from benchmarks.machine import machine
from benchmarks.process import PEAK, FailedError, Taken
from benchmarks.rows import HISTORY, SIZES, Size
from benchmarks.telling import text
from drill.postgres import Postgres, PostgresError
from drill.venvs import DrillError
from tests.support.s3_server import s3_server

FOLDER = Path(__file__).parent / "results"
ROUNDS = 5
OTHERS = ("pg_dump", "legacy")
RESTORE = "restore"
COMMITS = "commits"
BESIDE = (PG_DUMP, ONE, TWO)
"""Whose backups a live writer is timed beside."""


@dataclass
class Benchmark:
    """One run of all competitors."""

    server: Postgres
    size: Size
    left_out: dict[str, str] = field(default_factory=dict)
    taken: dict[tuple[str, str], list[Taken]] = field(default_factory=dict)

    def back_up(self, competitors: list[Competitor]) -> None:
        """One after the other, so that what disturbs one disturbs the next one, too."""
        for one in competitors:
            self._note(BACKUP, one.name, one.backup())

    def restore(self, competitors: list[Competitor]) -> None:
        """What each one backed up; the engine's backups are all alike, and it alone restores over rows."""
        for one in competitors:
            if isinstance(one, PgDump):
                self._restore(FRESH_RESTORE, PG_RESTORE, one)
            elif isinstance(one, Legacy):
                self._restore(FRESH_RESTORE, LEGACY, one)
            elif one.name == TWO:
                self._restore(FRESH_RESTORE, ENGINE, one)
                self._restore(FILLED_RESTORE, ENGINE, one)

    def increase(self, folder: Path, rounds: int) -> None:
        """Increments, at the end: they change the source."""
        increments = Increments(self.server, folder, Churn.of(self.size))
        for _ in range(rounds):
            increments.round(self._note)

    def series(self) -> tuple[Series, ...]:
        """What every competitor took in all rounds, an operation after the other."""
        order = (BACKUP, FRESH_RESTORE, FILLED_RESTORE, INCREMENT)
        found = [Series(operation, who, tuple(runs)) for (operation, who), runs in self.taken.items()]
        return tuple(sorted(found, key=lambda series: order.index(series.operation)))

    def _restore(self, operation: str, who: str, one: Competitor) -> None:
        url = renew(self.server, FILLED if operation == FILLED_RESTORE else FRESH)
        self._note(operation, who, one.restore(url))
        source, target = (counted(self.server, name, HISTORY) for name in (SOURCE, TARGET))
        if any(target[table] < rows for table, rows in source.items()):
            raise FailedError(f"{who} has restored {target} of {source}")

    def _note(self, operation: str, who: str, taken: Taken) -> None:
        print(f"{operation:20}{who:32}{taken.seconds:8.2f} s", file=sys.stderr, flush=True)
        self.taken.setdefault((operation, who), []).append(taken)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write the files; 0: it was measured, whatever came out."""
    options = _parser().parse_args(arguments)
    size = SIZES[options.size]
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if not PEAK.exists():
        print("bench: this needs Linux, whose /proc tells what a process takes", file=sys.stderr)
        return 1
    try:
        with (
            Postgres(options.postgres, SETTINGS) as server,
            tempfile.TemporaryDirectory(prefix="mwaa-dr-bench-") as folder,
        ):
            results = _measure(server, size, Path(folder), options)
    except (FailedError, DrillError, PostgresError) as err:
        print(f"bench: {err}", file=sys.stderr)
        return 1
    print(text(results))
    FOLDER.mkdir(exist_ok=True)
    # Half a run does not take the place of a whole one.
    part = f"-{options.only}" if options.only else ""
    part += f"-postgres-{results.machine['PostgreSQL'].partition('.')[0]}" if options.postgres else ""
    for suffix, content in ((".json", results.to_json()), (".svg", chart(results))):
        path = FOLDER / f"{results.date}-{size.name}{part}{suffix}"
        path.write_text(content, encoding="utf-8")
        print(f"written: {path}", file=sys.stderr)
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    """End as after an error: the server is stopped, and what was written for it is removed."""
    sys.exit(128 + number)


def _measure(server: Postgres, size: Size, folder: Path, options: argparse.Namespace) -> Results:
    now, benchmark = datetime.now(timezone.utc), Benchmark(server, size)
    with server.session() as cursor:
        cursor.execute("SHOW server_version")
        described = machine(cursor.fetchone()[0])  # type: ignore[index]  # there is always one
    print(f"making {size.rows:,} rows", file=sys.stderr, flush=True)
    prepare(server, size)
    with _competitors(benchmark, folder, options) as competitors:
        for number in range(options.rounds if options.only not in (INCREMENT, COMMITS) else 0):
            if options.only != RESTORE or number == 0:
                benchmark.back_up(competitors)
            if options.only != BACKUP:
                benchmark.restore(competitors)
        if options.only in (None, INCREMENT):
            benchmark.increase(folder, options.rounds)
        commits = _beside_a_writer(server, competitors, options) if options.only in (None, COMMITS) else ()
    runs = measured_runs(server, folder, options.rounds) if options.airflow else ()
    found = benchmark.series()
    return Results(f"{now:%Y-%m-%d}", size.name, size.rows, described, benchmark.left_out, found, commits, runs)


def _beside_a_writer(
    server: Postgres, competitors: list[Competitor], options: argparse.Namespace
) -> tuple[Commits, ...]:
    """Last of all, since the writer adds rows to what is backed up."""
    print("timing the commits of a writer", file=sys.stderr, flush=True)
    backups = {one.name: replace(one, gives_way=True).backup for one in competitors if one.name in BESIDE}
    return measured_commits(server.url(SOURCE), backups, options.rounds)


@contextmanager
def _competitors(benchmark: Benchmark, folder: Path, options: argparse.Namespace) -> Iterator[list[Competitor]]:
    server, against = benchmark.server, options.against.split(",")
    found: list[Competitor] = []
    if "pg_dump" in against:
        if (server.binaries / "pg_dump").exists():
            found.append(PgDump(PG_DUMP, server, folder / "pg_dump"))
        else:
            benchmark.left_out[PG_DUMP] = "the package of the server has no pg_dump"
    found += [Engine(ONE, server, folder / "one", 1), Engine(TWO, server, folder / "two", 2)]
    if "legacy" in against:
        try:
            found.append(Legacy(LEGACY, server, folder / "legacy", provision_legacy()))
        except DrillError as err:
            benchmark.left_out[LEGACY] = str(err)
    if not options.s3:
        yield found
        return
    with s3_server(folder / "s3") as environment:
        # The server keeps its objects in a folder: what is stored there is counted like any other backup.
        yield [*found, Engine(ON_S3, server, folder / "s3", 2, "s3://backups/data", environment)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./build.sh bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="S", help="how many rows (default: S)")
    parser.add_argument(
        "--against", default="pg_dump", type=_others, help="pg_dump, legacy or both, separated by a comma"
    )
    parser.add_argument("--s3", action="store_true", help="a backup to a local S3, too")
    parser.add_argument("--airflow", action="store_true", help="whole runs of the backup inside an Airflow, too")
    parser.add_argument("--postgres", type=_programs, metavar="FOLDER", help="the programs of another PostgreSQL")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each competitor (default: {ROUNDS})")
    parser.add_argument("--only", choices=(BACKUP, RESTORE, INCREMENT, COMMITS), help="measure a part of it")
    return parser


def _programs(value: str) -> Path:
    folder = Path(value)
    if missing := [name for name in ("initdb", "postgres") if not (folder / name).is_file()]:
        raise argparse.ArgumentTypeError(f"no {' and no '.join(missing)} in {value}; a folder that ends in /bin?")
    return folder


def _others(value: str) -> str:
    unknown = set(value.split(",")) - set(OTHERS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(OTHERS)}")
    return value


if __name__ == "__main__":
    sys.exit(main())
