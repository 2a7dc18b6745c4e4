"""`python -m drill.matrix`: the drill with each Airflow version, two at a time."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType

from drill.compare import Difference
from drill.variants import VARIANTS, Variant
from drill.venvs import MATRIX, PROJECT, DrillError, provision

ALL = (*MATRIX, *VARIANTS)
AT_ONCE = 2
LIMIT_SECONDS = 900
RUNNING: set[subprocess.Popen[str]] = set()
"""Drills that must be ended when the matrix is."""


@dataclass(frozen=True)
class Outcome:
    """What came of one version's drill."""

    airflow: str
    python: str
    passed: bool
    compared: int
    differences: int
    seconds: float
    words: str
    """What a person needs to know of a drill that did not pass."""

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "FAILED"
        return (
            f"{self.airflow:24}{self.python:8}{verdict:8}{self.compared:>10}{self.differences:>12}{self.seconds:>9.1f}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the drills; 0: all passed."""
    parser = argparse.ArgumentParser(prog="drill.matrix", description="The drill with each Airflow version.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"default: {' '.join(ALL)}")
    versions = parser.parse_args(arguments).versions or ALL
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(drill, versions))
    print(table(outcomes))
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{time.monotonic() - began:.0f} seconds")
    print(f"{passed} passed, {len(outcomes) - passed} failed")
    return 0 if passed == len(outcomes) else 1


def drill(airflow: str) -> Outcome:
    """Run one version's drill in a process of its own."""
    python = ""
    try:
        lock = Variant(airflow).lock
        python = lock.python
        provision(lock)
        done = _run([sys.executable, "-m", "drill", "--strategy", "engine", "--airflow", airflow, "--json"])
    except (DrillError, subprocess.TimeoutExpired) as err:
        outcome = Outcome(airflow, python, passed=False, compared=0, differences=0, seconds=0.0, words=str(err))
    else:
        outcome = _outcome(airflow, python, done)
    print(f"{outcome}\n{outcome.words}".rstrip(), file=sys.stderr, flush=True)
    return outcome


def table(outcomes: list[Outcome]) -> str:
    """All outcomes for people, those that did not pass with their reasons."""
    head = f"{'Airflow':24}{'Python':8}{'':8}{'rows':>10}{'differences':>12}{'seconds':>9}"
    return "\n".join([head, *(str(outcome) for outcome in outcomes)])


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a drill; one that takes too long is asked to end, so that it ends its Airflows and its servers."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=PROJECT) as process:
        RUNNING.add(process)
        try:
            output, errors = process.communicate(timeout=LIMIT_SECONDS)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            RUNNING.discard(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _end(number: int, _frame: FrameType | None) -> None:
    """Ask the drills to end, and start no other one."""
    for process in set(RUNNING):
        process.terminate()
    os._exit(128 + number)


def _outcome(airflow: str, python: str, done: subprocess.CompletedProcess[str]) -> Outcome:
    if not done.stdout.strip():
        return Outcome(airflow, python, passed=False, compared=0, differences=0, seconds=0.0, words=done.stderr)
    found = json.loads(done.stdout)
    return Outcome(
        airflow,
        python,
        passed=found["passed"] and done.returncode == 0,
        compared=found["compared"],
        differences=len(found["differences"]),
        seconds=found["seconds"],
        words="\n".join(str(Difference(**difference)) for difference in found["differences"]),
    )


if __name__ == "__main__":
    sys.exit(main())
