"""What is played for which options."""

from __future__ import annotations

import pytest

from drill.faults import AND, FAULTS, TOGETHER, Together, named
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


def test_every_fault_is_played_once_where_they_are_played_together() -> None:
    assert sorted(one for name in TOGETHER for one in name.split(AND)) == sorted(FAULTS)
    assert all(named(name).strategies for name in TOGETHER)


def test_each_of_several_faults_is_to_come_to_what_it_comes_to_alone() -> None:
    fault = named("creation-fails+worker-killed")
    assert isinstance(fault, Together)
    assert fault.ends == ("EnvironmentBroken", "TaskKilled", "SUCCEEDED")
    assert fault.restores == ("failed", "success")
    assert fault.told == {"failed": 2}
    assert names("", "creation-fails+worker-killed") == [("backup_restore", "creation-fails+worker-killed")]
    other = named("half-replicated+scheduler-down+second-execution")
    assert (other.ends, other.passed_over) == (("SUCCEEDED",), FAULTS["half-replicated"].passed_over)
    assert other.happens == FAULTS["scheduler-down"].happens
    assert other.told == FAULTS["second-execution"].told


def test_faults_of_the_same_thing_are_refused_together() -> None:
    with pytest.raises(DrillError, match="worker-killed and heartbeat-lost cannot happen in one disaster"):
        named("worker-killed+heartbeat-lost")
    with pytest.raises(DrillError, match="half-replicated and half-replicated cannot happen"):
        named("half-replicated+half-replicated")


def test_a_fault_that_is_none_is_told() -> None:
    with pytest.raises(DrillError, match="there is no fault worker-kiled\nHINT: Choose of backup-altered, "):
        chosen("", "worker-killed+worker-kiled")


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
