"""`python -m drill.rehearsals`: every strategy and every fault, several at a time, in one table and on one page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from drill.abreast import Result, Table, play, run
from drill.faults import FAULTS, TOGETHER, Fault
from drill.outcome import Outcome
from drill.play import chosen
from drill.report import REPORT, file_named, write
from drill.strategies import STRATEGIES, Strategy
from drill.venvs import DrillError, chosen_lock, provision

TABLE = Table({"strategy": 16, "fault": 49})
NAMES = (*STRATEGIES, *FAULTS)


def main(arguments: list[str] | None = None) -> int:
    """Play them; 0: each one came to what it was to come to, 1: one did not, 2: they could not be played."""
    parser = argparse.ArgumentParser(prog="drill.rehearsals", description="Every strategy, and every fault.")
    described = f"of {', '.join(NAMES)}, ONE+OTHER; default: all of them"
    parser.add_argument("names", nargs="*", metavar="NAME", help=described)
    parser.add_argument("--together", action="store_true", help="all, in as few disasters as the faults fit into")
    parser.add_argument("--airflow", default="", metavar="VERSION", help="default: as for drill")
    parser.add_argument("--report", type=file_named, default=REPORT, metavar="FILE", help=f"default: {REPORT.name}")
    options = parser.parse_args(arguments)
    if options.names and options.together:
        parser.error("--together takes no names")
    try:
        wanted = choices([*STRATEGIES, *TOGETHER] if options.together else options.names or NAMES)
        lock = chosen_lock(options.airflow)
        provision(lock)
    except DrillError as err:
        print(f"drill: {err}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mwaa-dr-pages-") as pages:
        results = play(wanted, partial(rehearse, lock.airflow, Path(pages)), TABLE)
    write(options.report, [Outcome.of(result.document) for result in results if result.document])
    print(f"the report: {options.report}", file=sys.stderr)
    return 0 if all(result.passed for result in results) else 1


def choices(names: Iterable[str]) -> list[tuple[Strategy, Fault]]:
    """The strategies that are named, without a fault, and the faults, with the first strategy that has them."""
    plays = (chosen(name, "") if name in STRATEGIES else chosen("", name) for name in names)
    return [play[0] for play in plays]


def rehearse(airflow: str, pages: Path, choice: tuple[Strategy, Fault]) -> Result:
    """Play one of them."""
    strategy, fault = choice
    page = pages / f"{strategy.name}-{fault.name}.html"
    options = ["--strategy", strategy.name, "--airflow", airflow, "--report", str(page)]
    return run((strategy.name, fault.name), *options, *(["--fault", fault.name] if fault.name else []))


if __name__ == "__main__":
    sys.exit(main())
