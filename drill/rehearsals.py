"""`python -m drill.rehearsals`: every strategy and every fault, several at a time, in one table and on one page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection
from functools import partial
from pathlib import Path

from drill.abreast import Result, Table, play, run
from drill.faults import FAULTS, Fault
from drill.outcome import Outcome
from drill.play import ALL, chosen
from drill.report import REPORT, file_named, write
from drill.strategies import STRATEGIES, Strategy
from drill.venvs import DrillError, chosen_lock, provision

TABLE = Table({"strategy": 16, "fault": 18})
NAMES = (*STRATEGIES, *FAULTS)


def main(arguments: list[str] | None = None) -> int:
    """Play them; 0: each one came to what it was to come to, 1: one did not, 2: they could not be played."""
    parser = argparse.ArgumentParser(prog="drill.rehearsals", description="Every strategy, and every fault.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all of them")
    parser.add_argument("--airflow", default="", metavar="VERSION", help="default: as for drill")
    parser.add_argument("--report", type=file_named, default=REPORT, metavar="FILE", help=f"default: {REPORT.name}")
    options = parser.parse_args(arguments)
    if unknown := {*options.names} - {*NAMES}:
        parser.error(f"there is no strategy and no fault {', '.join(sorted(unknown))}")
    try:
        lock = chosen_lock(options.airflow)
        provision(lock)
    except DrillError as err:
        print(f"drill: {err}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mwaa-dr-pages-") as pages:
        results = play(choices(options.names), partial(rehearse, lock.airflow, Path(pages)), TABLE)
    write(options.report, [Outcome.of(result.document) for result in results if result.document])
    print(f"the report: {options.report}", file=sys.stderr)
    return 0 if all(result.passed for result in results) else 1


def choices(names: Collection[str]) -> list[tuple[Strategy, Fault]]:
    """The strategies that are named, without a fault, and the faults, with the first strategy that has it; or all."""
    everything = [*chosen("", ""), *chosen("", ALL)]
    return [(one, fault) for one, fault in everything if not names or (fault.name or one.name) in names]


def rehearse(airflow: str, pages: Path, choice: tuple[Strategy, Fault]) -> Result:
    """Play one of them."""
    strategy, fault = choice
    page = pages / f"{strategy.name}-{fault.name}.html"
    options = ["--strategy", strategy.name, "--airflow", airflow, "--report", str(page)]
    return run((strategy.name, fault.name), *options, *(["--fault", fault.name] if fault.name else []))


if __name__ == "__main__":
    sys.exit(main())
