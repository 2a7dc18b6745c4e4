"""What a function does only with the lease: nothing, before the lease has been looked at again after a redrive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from lib.functions import dag, environment, lease, own_environment, schedule
from lib.functions.errors import LeaseUnchecked

Handler = Callable[[Mapping[str, Any], object], dict[str, Any]]

REDRIVEN = {"lease": {"held_in_redrive": 0, "redrive_count": 1}}
HANDLERS: list[tuple[Handler, dict[str, Any]]] = [
    (environment.handler, {"op": "create"}),
    (environment.handler, {"op": "unpause_at_creation"}),
    (dag.handler, {"op": "trigger"}),
    (own_environment.handler, {"op": "own"}),
    (schedule.handler, {"state": "DISABLED"}),
]


@pytest.mark.parametrize(("handler", "event"), HANDLERS)
def test_nothing_is_done_before_the_lease_was_looked_at(handler: Handler, event: dict[str, Any]) -> None:
    # Whatever else a handler needs is not there: it would fail otherwise, if it did anything.
    with pytest.raises(LeaseUnchecked, match=r"^redrive 1 has not looked yet"):
        handler({**event, **REDRIVEN}, None)


@pytest.mark.parametrize("told", [{}, {"lease": {"held_in_redrive": 1, "redrive_count": 1}}])
def test_who_holds_it_in_this_redrive_or_needs_none_goes_on(told: dict[str, Any]) -> None:
    lease.check(told)
