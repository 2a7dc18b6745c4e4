"""How long a restore may keep what is at work from saying that it lives."""

from __future__ import annotations

import pytest

from mwaa_dr.framework.model.patience import Patience


@pytest.mark.parametrize("version", ["2.8.0", "2.8.1", "2.10.3", "2.11.2"])
def test_a_scheduler_that_goes_on_from_others_heartbeats_does_not_count(version: str) -> None:
    assert Patience(task=300, scheduler=30).of(version) == 300


@pytest.mark.parametrize("version", ["2.4.3", "2.7.2", "3.0.6", "3.3.1", "4.0.0"])
def test_one_that_writes_down_what_it_remembers_does(version: str) -> None:
    assert Patience(task=300, scheduler=30).of(version) == 30
    assert Patience(task=20, scheduler=30).of(version) == 20
