"""Stop and start of Airflow 3, deployed: all that is asked of it goes through InvokeRestApi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.night import Night

pytestmark = pytest.mark.slow

NIGHT = {"MWAA_ENV_VERSION": "3.2.1"}
GONE, STARTED = "The environment is stopped", "The environment has started"


@pytest.fixture
def site(night: Night) -> Iterator[Night]:
    night.aws.forget_calls()
    yield night
    actions = {call.action for call in night.aws.calls() if call.role}
    assert "airflow:InvokeRestApi" in actions
    assert "airflow:CreateCliToken" not in actions


def test_after_a_stop_and_a_start_the_environment_is_what_it_was(site: Night) -> None:
    before = site.environment()
    assert before["AirflowVersion"] == "3.2.1"
    stopped = site.run("stop")
    assert stopped.states[-1] == GONE, stopped.why
    assert site.status() == "NOT_FOUND"
    assert site.note()["active"] == ["sales", "stock"]
    site.lose()
    started = site.run("start")
    assert started.states[-1] == STARTED, started.why
    assert site.environment() == before
    assert site.active() == {"sales", "stock"}
    assert site.airflow.ran() == ["restore_metadata"]


def test_running_work_is_waited_for_while_what_is_idle_is_paused(site: Night) -> None:
    found = site.stopped_while_at_work()
    assert found.states[-1] == GONE, found.why


def test_a_backup_that_fails_leaves_the_dags_active(site: Night) -> None:
    def full(conf: Mapping[str, Any]) -> dict[str, Any]:
        raise OSError("no space left on device")

    site.airflow.work["backup_metadata"] = full
    before = site.executions("reactivate")
    assert site.run("stop").error == "OSError"
    assert site.reactivated(before).states[-1] == "The DAGs are active again"
    assert site.active() == {"sales", "stock"}
