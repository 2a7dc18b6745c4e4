"""States in the order in which they are told: each part leads to the one after it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from aws_cdk import aws_stepfunctions as sfn

Step = sfn.TaskStateBase | sfn.CustomState | sfn.Pass | sfn.Wait
"""A state that has one way on."""


@dataclass(frozen=True)
class Part:
    """States that begin with the first; each way on is told the state that comes next."""

    first: sfn.State
    ways_on: tuple[Callable[[sfn.State], object], ...] = ()


def story(*told: Part | Step | sfn.Succeed | None) -> Part:
    """One part of several, told one after the other; what is None is left out."""
    parts = [_part(part) for part in told if part]
    for before, after in itertools.pairwise(parts):
        for way_on in before.ways_on:
            way_on(after.first)
    return Part(parts[0].first, parts[-1].ways_on)


def in_any_case(task: sfn.TaskStateBase, result_path: str) -> Part:
    """A task after which the story goes on, also where it fails; the error stands in the place of its result then."""

    def way_on(state: sfn.State) -> None:
        task.next(state)
        task.add_catch(state, errors=["States.ALL"], result_path=result_path)

    return Part(task, (way_on,))


def way(choice: sfn.Choice, condition: sfn.Condition) -> Callable[[sfn.State], object]:
    """The way on from a choice, when the condition holds."""
    return lambda state: choice.when(condition, state)


def _part(told: Part | Step | sfn.Succeed) -> Part:
    if isinstance(told, Part):
        return told
    if isinstance(told, sfn.Succeed):
        return Part(told)
    return Part(told, (told.next,))
