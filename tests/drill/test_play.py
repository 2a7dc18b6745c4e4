"""What is played for which options."""

from __future__ import annotations

import pytest

from drill.faults import FAULTS
from drill.play import ALL, chosen
from drill.strategies import STRATEGIES
from drill.venvs import DrillError
from lib.config.catalog import Product


def names(strategy: str, fault: str) -> list[tuple[str, str]]:
    return [(one.name, other.name) for one, other in chosen(strategy, fault)]


def test_without_a_choice_every_strategy_is_played() -> None:
    assert names("", "") == [(name, "") for name in STRATEGIES]


def test_a_fault_is_played_with_every_strategy_that_has_it() -> None:
    assert names("", "creation-fails") == [("backup_restore", "creation-fails")]
    assert names("", "worker-killed") == [("warm_standby", "worker-killed"), ("backup_restore", "worker-killed")]
    assert names("warm_standby", "worker-killed") == [("warm_standby", "worker-killed")]


def test_all_faults_are_played_once() -> None:
    assert [fault for _, fault in names("", ALL)] == [*FAULTS]
    assert "creation-fails" not in [fault for _, fault in names("warm_standby", ALL)]


def test_a_fault_that_a_strategy_cannot_have_is_refused() -> None:
    with pytest.raises(DrillError, match="creation-fails cannot happen in warm_standby\nHINT: Choose backup_restore"):
        chosen("warm_standby", "creation-fails")


def test_no_fault_happens_in_a_stop_and_a_start() -> None:
    assert names("stop_start", "") == [("stop_start", "")]
    with pytest.raises(DrillError, match="worker-killed cannot happen in stop_start"):
        chosen("stop_start", "worker-killed")
    with pytest.raises(DrillError, match="fault all is none of stop_start"):
        chosen("stop_start", ALL)


def test_without_a_choice_only_what_is_configured_is_played() -> None:
    assert [one.name for one, _ in chosen("", "", {Product.START_STOP})] == ["stop_start"]
    assert [one.name for one, _ in chosen("", "", {Product.RECOVERY})] == ["warm_standby", "backup_restore"]
    assert [one.name for one, _ in chosen("stop_start", "", {Product.RECOVERY})] == ["stop_start"]
    with pytest.raises(DrillError, match="fault worker-killed is none of what is configured"):
        chosen("", "worker-killed", {Product.START_STOP})
