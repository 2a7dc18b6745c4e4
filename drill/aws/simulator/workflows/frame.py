"""Where one level of states has come to: the top of an execution, one branch of a Parallel, one item of a Map."""

from __future__ import annotations

import copy
import itertools
import threading
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import now_iso

from drill.aws.simulator.workflows.scope import Scope


class History:
    """The events of an execution; each says which one came before it on its own level."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.events = events
        self._ids = itertools.count(len(events) + 1)
        self._lock = threading.Lock()

    def add(self, kind: str, previous: int, **details: Any) -> int:
        """Append an event, with `<kind>EventDetails` in AWS's form, and return its id."""
        with self._lock:
            number = next(self._ids)
            self.events.append(
                {"id": number, "previousEventId": previous, "type": kind, "timestamp": now_iso(), **details}
            )
            return number


@dataclass
class Frame:
    """It outlives a failure, so that a redrive goes on from it and from its unfinished children only."""

    definition: dict[str, Any]  # StartAt, States
    data: Any  # the input of the state at `position`, finally the output
    scope: Scope
    history: History
    context: dict[str, Any]  # the context object, `$$`
    event: int = 0  # the last event of this level
    position: str | None = ""  # empty before the start, None at the end
    has_entered: bool = False  # the state at `position`
    children: dict[int, Frame] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether its last state has ended well."""
        return self.position is None

    @property
    def variables(self) -> dict[str, Any]:
        """What this level may read and assign."""
        found: dict[str, Any] = self.context["variables"]
        return found

    def note(self, kind: str, **details: Any) -> None:
        """Append an event of this level."""
        self.event = self.history.add(kind, self.event, **details)

    def child(self, number: int, definition: dict[str, Any], data: Any, **context: Any) -> Frame:
        """The frame of a branch or an item, the one from before if it is there; it reads our variables as they are."""
        if number not in self.children:
            inherited = {**self.context, **context, "variables": dict(self.variables)}
            self.children[number] = Frame(
                definition, copy.deepcopy(data), self.scope, self.history, inherited, event=self.event
            )
        return self.children[number]
