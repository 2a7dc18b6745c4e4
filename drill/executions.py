"""Executions of a state machine, seen while they run: which states they entered, when, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

RECOVERING = "Take the lease"
"""The state that only an execution enters which found that the primary has failed."""


@dataclass(frozen=True)
class Visit:
    """A state that an execution was in; it has not left it while `left` is None."""

    state: str
    entered: datetime
    left: datetime | None


@dataclass(frozen=True)
class Execution:
    """One execution, as far as it has come."""

    arn: str
    status: str
    started: datetime
    ended: datetime | None
    error: str
    cause: str
    visits: tuple[Visit, ...]

    @property
    def is_over(self) -> bool:
        """Whether it does not run any more."""
        return self.status != "RUNNING"

    @property
    def path(self) -> list[str]:
        """The states in the order in which they were entered."""
        return [visit.state for visit in self.visits]

    @property
    def is_recovery(self) -> bool:
        """Whether it found that the primary has failed."""
        return RECOVERING in self.path

    def has_entered(self, state: str) -> bool:
        """Whether it was in a state."""
        return state in self.path

    def first_visit(self, state: str) -> Visit | None:
        """The first time that it was in a state."""
        return next((visit for visit in self.visits if visit.state == state), None)

    def visit(self, state: str) -> Visit | None:
        """The last time that it was in a state."""
        return next((visit for visit in reversed(self.visits) if visit.state == state), None)


class Executions:
    """Those of one state machine."""

    def __init__(self, states: Any, machine: str) -> None:
        self._states = states
        self._machine = machine

    def since(self, moment: datetime) -> list[Execution]:
        """Those that started after a moment, oldest first."""
        pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=self._machine)
        arns = [one["executionArn"] for page in pages for one in page["executions"] if one["startDate"] >= moment]
        return sorted((self.look(arn) for arn in arns), key=lambda execution: execution.started)

    def look(self, arn: str) -> Execution:
        """One of them."""
        said = self._states.describe_execution(executionArn=arn)
        return Execution(
            arn,
            said["status"],
            said["startDate"],
            said.get("stopDate"),
            said.get("error", ""),
            said.get("cause", ""),
            tuple(self._visits(arn)),
        )

    def _visits(self, arn: str) -> Iterator[Visit]:
        events = self._states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
        entered: list[tuple[str, datetime]] = []
        left: dict[int, datetime] = {}
        for event in events:
            if "stateEnteredEventDetails" in event:
                entered.append((event["stateEnteredEventDetails"]["name"], event["timestamp"]))
            elif "stateExitedEventDetails" in event:
                name = event["stateExitedEventDetails"]["name"]
                number = max(number for number, (state, _) in enumerate(entered) if state == name)
                left[number] = event["timestamp"]
        for number, (state, moment) in enumerate(entered):
            yield Visit(state, moment, left.get(number))
