"""`python -m drill`: the whole solution rehearsed with one Airflow version."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from drill.account import Account
from drill.postgres import PostgresError
from drill.rehearsal import Rehearsal
from drill.venvs import DrillError, chosen_lock, provision


def main(arguments: list[str] | None = None) -> int:
    """Run a drill; 0: every row is as promised, 1: not, 2: it could not be run."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    try:
        lock = chosen_lock(options.airflow)
        print(f"{lock.airflow}  Python {lock.python}, {lock.path.name}", file=sys.stderr, flush=True)
        account = rehearse(provision(lock), keep=options.keep)
    except (DrillError, PostgresError) as err:
        print(f"drill: {err}", file=sys.stderr)
        return 2
    print(account.to_json() if options.json else account.text())
    return 0 if account.passed else 1


def rehearse(venv: Path, *, keep: bool = False) -> Account:
    """Play the rehearsal in a temporary folder, which is removed unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="mwaa-dr-drill-"))
    try:
        with ExitStack() as stack:
            return Rehearsal(venv, folder, stack).run()
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave by way of the `finally` blocks, which end the Airflows and the servers."""
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="drill", description="Back up one real Airflow, lose it, restore another.")
    parser.add_argument("--airflow", default="", metavar="VERSION", help="default: 2.10.3, or what this machine runs")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and the backup")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
