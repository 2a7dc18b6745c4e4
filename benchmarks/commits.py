"""How long a live writer's commits take while a backup reads, against what they take without one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from statistics import median, quantiles

from benchmarks import scheduler_worker

ALONE = "no backup"
PAUSE = 2.0
"""Seconds without a backup, before each one."""


@dataclass(frozen=True)
class Commits:
    """The commits beside one competitor: the 50th and the 99th percentile of each round, in milliseconds."""

    who: str
    p50: tuple[float, ...]
    p99: tuple[float, ...]

    def ratio(self, alone: Commits) -> float:
        """The median of the rounds' ratios of the 99th percentile."""
        return median(own / other for own, other in zip(self.p99, alone.p99, strict=True))


def _pause() -> None:
    time.sleep(PAUSE)


def measured_commits(
    url: str, backups: Mapping[str, Callable[[], object]], rounds: int, alone: Callable[[], object] = _pause
) -> tuple[Commits, ...]:
    """Let a writer commit throughout, and take turns: `alone`, each backup, `alone`, each backup."""
    turns = {ALONE: alone, **backups}
    windows: dict[str, list[tuple[float, float]]] = {who: [] for who in turns}
    command = [sys.executable, scheduler_worker.__file__, url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        writer.stdout.readline()
        try:
            for who, turn in chain.from_iterable([turns.items()] * rounds):
                begun = time.monotonic()
                turn()
                windows[who].append((begun, time.monotonic()))
        finally:
            told, _ = writer.communicate("")
    taken: list[tuple[float, float]] = json.loads(told)
    return tuple(commits_of(who, found, taken) for who, found in windows.items())


def commits_of(who: str, windows: list[tuple[float, float]], taken: list[tuple[float, float]]) -> Commits:
    """What of all transactions lies in the turns of one, from begin to end; raises where that is fewer than two."""
    p50, p99 = [], []
    for begin, end in windows:
        inside = [1000 * seconds for begun, seconds in taken if begin <= begun and begun + seconds <= end]
        cuts = quantiles(inside, n=100)
        p50.append(cuts[49])
        p99.append(cuts[98])
    return Commits(who, tuple(p50), tuple(p99))
