"""The arithmetic of deadlines: the steps of a workflow have to fit into the timeout of its state machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A step, by the variable that bounds it, and the longest that it takes."""

    what: str
    seconds: float

    @property
    def minutes(self) -> float:
        """The same in minutes."""
        return self.seconds / 60


def minutes(what: str, number: int) -> Step:
    """A step that is bounded in minutes."""
    return Step(what, number * 60)


OTHER = minutes("all other steps", 1)


def total_minutes(steps: Iterable[Step]) -> float:
    """What the steps take together."""
    return sum(step.seconds for step in steps) / 60


def arithmetic(steps: Iterable[Step]) -> str:
    """The sum in words.

    >>> arithmetic([minutes("A_MINS", 3), Step("B_SECS", 90)])
    '3 A_MINS + 1.5 B_SECS = 4.5'
    """
    steps = list(steps)
    return f"{' + '.join(f'{rounded(s.minutes)} {s.what}' for s in steps)} = {rounded(total_minutes(steps))}"


def rounded(number: float) -> str:
    """Minutes with at most two decimals, none that are 0."""
    return f"{round(number, 2):.10g}"
