"""`python -m drill`: the whole solution rehearsed, one strategy after the other, or its engine alone."""

from __future__ import annotations

import argparse
import sys
import traceback
from contextlib import ExitStack

from drill import ending
from drill.account import Account
from drill.aws import LocalAwsError
from drill.faults import FAULTS
from drill.ground import user_file
from drill.one_product import configured
from drill.outcome import Outcome, to_json
from drill.play import ALL, chosen, folder_for_a_drill, play
from drill.postgres import PostgresError
from drill.rehearsal import Rehearsal
from drill.report import file_for, file_named, write
from drill.strategies import STRATEGIES
from drill.telling import text
from drill.variants import Variant
from drill.venvs import DrillError, chosen_lock

ENGINE = "engine"
"""No disaster of a Region: the engine alone, between two Airflows that nobody watches."""

ROWS = 1000


def main(arguments: list[str] | None = None) -> int:
    """Run a drill; 0: everything is as promised, 1: not, 2: it could not be run."""
    options = _parser().parse_args(arguments)
    ending.heed()
    try:
        variant = Variant(options.airflow or chosen_lock().airflow)
        lock = variant.lock
        print(f"{variant.name}  Python {lock.python}, {lock.path.name}", file=sys.stderr, flush=True)
        if options.strategy == ENGINE:
            return _rehearse_the_engine(variant, options)
        return _rehearse(variant, options)
    except (DrillError, PostgresError, LocalAwsError) as err:
        print(f"drill: {err}", file=sys.stderr)
        return 2
    except Exception:  # noqa: BLE001 - 1 says that something is not as promised, and this says nothing of that
        traceback.print_exc()
        return 2


def _rehearse(variant: Variant, options: argparse.Namespace) -> int:
    """Play the strategies that were chosen, tell of each one at once, and write the page."""
    if variant.is_special:
        raise DrillError(f"{variant.name} is a variant of the engine's drill", "Choose --strategy engine.")
    outcomes: list[Outcome] = []
    file = options.report or file_for(options.strategy, options.fault)
    for strategy, fault in chosen(options.strategy, options.fault, configured(user_file())):
        outcomes.append(play(strategy, variant.lock, rows=options.rows, fault=fault, keep=options.keep))
        ending.heed()
        if not options.json:
            print(text(outcomes[-1]), flush=True)
        write(file, outcomes)
    print(f"the report: {file}", file=sys.stderr)
    if options.json:
        print(to_json(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _rehearse_the_engine(variant: Variant, options: argparse.Namespace) -> int:
    account = rehearse(variant, keep=options.keep)
    print(account.to_json() if options.json else account.text())
    return 0 if account.passed else 1


def rehearse(variant: Variant, *, keep: bool = False) -> Account:
    """Play the engine's rehearsal."""
    with folder_for_a_drill(keep=keep) as folder, ExitStack() as stack:
        try:
            return Rehearsal(variant, folder, stack).run()
        finally:
            ending.defer()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drill", description="Lose a Region and be recovered, be stopped and started."
    )
    names = [*STRATEGIES, ENGINE]
    parser.add_argument("--strategy", default="", choices=names, help=f"default: {', then '.join(STRATEGIES)}")
    parser.add_argument("--airflow", default="", metavar="VERSION", help="default: 2.10.3, or what this machine runs")
    parser.add_argument("--rows", type=_rows, default=ROWS, metavar="N", help=f"rows of history; default: {ROWS}")
    kinds = f"one failure more, or several: {', '.join(FAULTS)}, ONE+OTHER; {ALL}: each in turn; see docs/rehearsal.md"
    parser.add_argument("--fault", default="", metavar="NAME", help=kinds)
    parser.add_argument("--report", type=file_named, metavar="FILE", help="default: drill-report-STRATEGY-FAULT.html")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and the backup")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def _rows(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
