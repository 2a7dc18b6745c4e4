"""`python -m drill.matrix`: the drill of the engine with each Airflow version, several at a time."""

from __future__ import annotations

import argparse
import sys

from drill.abreast import Result, Table, play, run
from drill.variants import VARIANTS, Variant
from drill.venvs import MATRIX, DrillError, provision

ALL = (*MATRIX, *VARIANTS)
TABLE = Table({"Airflow": 24, "Python": 8})


def main(arguments: list[str] | None = None) -> int:
    """Run the drills; 0: all passed."""
    parser = argparse.ArgumentParser(prog="drill.matrix", description="The drill with each Airflow version.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"default: {' '.join(ALL)}")
    results = play(parser.parse_args(arguments).versions or ALL, drill, TABLE)
    return 0 if all(result.passed for result in results) else 1


def drill(airflow: str) -> Result:
    """Run one version's drill."""
    names: tuple[str, ...] = (airflow, "")
    try:
        lock = Variant(airflow).lock
        names = (airflow, lock.python)
        provision(lock)
    except DrillError as err:
        return Result(names, words=str(err))
    return run(names, "--strategy", "engine", "--airflow", airflow)


if __name__ == "__main__":
    sys.exit(main())
