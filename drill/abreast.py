"""Drills that are played several at a time, each in a process of its own, and told in one table."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, TypeVar

from drill.compare import Difference
from drill.ending import SIGNALS
from drill.venvs import PROJECT

DRILL = (sys.executable, "-m", "drill")
AT_ONCE = 3
"""On two cores a third drill uses what the others leave while they wait."""
LIMIT_SECONDS = 900
Choice = TypeVar("Choice")

_running: set[subprocess.Popen[str]] = set()
"""Drills that must be ended when we are."""
_beginning = threading.Lock()
_is_ended = threading.Event()


@dataclass(frozen=True)
class Result:
    """What came of one drill."""

    names: tuple[str, ...]
    """What was chosen, as the first columns of the table have it."""
    passed: bool = False
    compared: int = 0
    differences: int = 0
    seconds: float = 0.0
    words: str = ""
    """What a person needs to know of a drill that did not pass."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """What the drill said of itself; nothing where it could not be played."""


@dataclass(frozen=True)
class Table:
    """The columns that name a drill -> their widths."""

    columns: Mapping[str, int]

    def head(self) -> str:
        """The first line."""
        return f"{self._named(self.columns)}{'':8}{'rows':>10}{'differences':>12}{'seconds':>9}"

    def line(self, result: Result) -> str:
        """The line of one drill."""
        verdict = "passed" if result.passed else "FAILED"
        numbers = f"{result.compared:>10}{result.differences:>12}{result.seconds:>9.1f}"
        return f"{self._named(result.names)}{verdict:8}{numbers}"

    def _named(self, names: Iterable[str]) -> str:
        widths = self.columns.values()
        return "".join(f"{name:{width}}" for name, width in zip(names, widths, strict=True))


def play(choices: Sequence[Choice], drill: Callable[[Choice], Result], table: Table) -> list[Result]:
    """Play a drill for each choice, tell of each one when it ends, and of all in the end."""
    for number in SIGNALS:
        signal.signal(number, _end)
    began = time.monotonic()

    def told(choice: Choice) -> Result:
        result = drill(choice)
        print(f"{table.line(result)}\n{result.words}".rstrip(), file=sys.stderr, flush=True)
        return result

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(told, choices))
    print("\n".join([table.head(), *map(table.line, results)]))
    passed = sum(result.passed for result in results)
    print(f"{time.monotonic() - began:.0f} seconds")
    print(f"{passed} passed, {len(results) - passed} failed")
    return results


def run(names: tuple[str, ...], *options: str) -> Result:
    """What came of `python -m drill` with these options."""
    began = time.monotonic()
    try:
        done = _run([*DRILL, *options, "--json"])
    except subprocess.TimeoutExpired as err:
        return Result(names, words=str(err))
    seconds = time.monotonic() - began
    if not done.stdout.strip():
        return Result(names, seconds=seconds, words=done.stderr)
    document = json.loads(done.stdout)
    (found,) = document.get("rehearsals", [document])
    return Result(
        names,
        passed=found["passed"] and done.returncode == 0,
        compared=found["compared"],
        differences=len(found["differences"]),
        seconds=seconds,
        words="\n".join(str(Difference(**difference)) for difference in found["differences"]),
        document=found,
    )


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a drill; one that takes too long is asked to end, so that it ends its Airflows and its servers."""
    with _begun(command) as process:
        try:
            output, errors = process.communicate(timeout=LIMIT_SECONDS)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            _running.discard(process)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _begun(command: list[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    with _beginning:
        if _is_ended.is_set():
            raise SystemExit
        # A group of its own: Ctrl-C comes to us alone, and we ask it to end.
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=PROJECT, start_new_session=True)
        _running.add(process)
    return process


def _end(number: int, _frame: FrameType | None) -> None:
    """Ask the drills to end, and start no other one; who waits for them leaves then."""
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    with _beginning:
        _is_ended.set()
        for process in set(_running):
            process.terminate()
    sys.exit(128 + number)
