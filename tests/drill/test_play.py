"""What is played for which options."""

from __future__ import annotations

import pytest

from drill.faults import FAULTS
from drill.play import ALL, chosen
from drill.strategies import STRATEGIES
from drill.venvs import DrillError


def names(strategy: str, fault: str) -> list[tuple[str, str]]:
    return [(one.name, other.name) for one, other in chosen(strategy, fault)]


def test_without_a_choice_every_strategy_is_played() -> None:
    assert names("", "") == [(name, "") for name in STRATEGIES]


def test_a_fault_is_played_with_every_strategy_that_has_it() -> None:
    assert names("", "creation-fails") == [("backup_restore", "creation-fails")]
    assert names("warm_standby", "worker-killed") == [("warm_standby", "worker-killed")]


def test_all_faults_are_played_once() -> None:
    assert [fault for _, fault in names("", ALL)] == [*FAULTS]
    assert "creation-fails" not in [fault for _, fault in names("warm_standby", ALL)]


def test_a_fault_that_a_strategy_cannot_have_is_refused() -> None:
    with pytest.raises(DrillError, match="creation-fails cannot happen in warm_standby\nHINT: Choose backup_restore"):
        chosen("warm_standby", "creation-fails")
