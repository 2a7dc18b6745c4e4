"""An environment becomes its own, and can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from lib.functions import own_environment
from lib.functions.errors import Misconfigured, NotReady
from tests.support.mwaa import NAME, REGION
from tests.support.remembering_airflow import RememberingAirflow

BUCKET = {"DR_BACKUP_BUCKET": "backups-west"}


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> RememberingAirflow:
    remembering = RememberingAirflow({"backup_metadata": True})
    monkeypatch.setattr(own_environment, "airflow_of", lambda environment, version: remembering)
    return remembering


def handle(**more: Any) -> dict[str, Any]:
    event = {
        "environment": {"name": NAME, "region": REGION},
        "version": "2.10.3",
        "variables": BUCKET,
        "backup_dag_id": "backup_metadata",
        "schedule": "@hourly",
        **more,
    }
    return own_environment.handler(event, None)


def test_variables_are_set_and_the_scheduled_backup_is_unpaused(airflow: RememberingAirflow) -> None:
    assert handle() == {"variables": ["DR_BACKUP_BUCKET", "DR_BACKUP_SCHEDULE"], "scheduled": True}
    assert airflow.variables == {**BUCKET, "DR_BACKUP_SCHEDULE": "@hourly"}
    assert airflow.changes[-1] == "unpause backup_metadata"


def test_without_a_schedule_there_is_none_afterwards(airflow: RememberingAirflow) -> None:
    airflow.variables["DR_BACKUP_SCHEDULE"] = "@hourly"
    assert handle(schedule=None)["scheduled"] is False
    assert airflow.variables == BUCKET
    assert airflow.paused == {"backup_metadata": True}


def test_nothing_is_set_before_the_backup_dag_is_parsed(airflow: RememberingAirflow) -> None:
    airflow.paused.clear()
    with pytest.raises(NotReady, match="backup_metadata is not parsed yet"):
        handle()
    assert airflow.changes == []


def test_a_dag_without_a_schedule_is_not_waited_for(airflow: RememberingAirflow) -> None:
    airflow.paused.clear()
    handle(schedule=None)
    assert airflow.variables == BUCKET


def test_stale_variables_go_and_current_ones_stay(airflow: RememberingAirflow) -> None:
    airflow.variables = {"DR_OLD": "1"}
    handle(stale=["DR_OLD", "DR_BACKUP_BUCKET"])
    assert airflow.variables == {**BUCKET, "DR_BACKUP_SCHEDULE": "@hourly"}


def test_twice_is_as_good_as_once(airflow: RememberingAirflow) -> None:
    handle()
    once = dict(airflow.variables)
    handle()
    assert (airflow.variables, airflow.paused) == (once, {"backup_metadata": False})


OF_ANOTHER_STACK: dict[str, Any] = {"backup_dag_id": "", "schedule": "", "variables": {"DR_STOP_NOTE": "s3://b/k"}}


def test_a_backup_dag_of_another_stack_keeps_its_schedule_and_stays_at_work(airflow: RememberingAirflow) -> None:
    handle()
    before = dict(airflow.variables)
    assert handle(**OF_ANOTHER_STACK) == {"variables": ["DR_STOP_NOTE"], "scheduled": False}
    assert airflow.variables == {**before, "DR_STOP_NOTE": "s3://b/k"}
    handle(**OF_ANOTHER_STACK, op="disown")
    assert airflow.variables == before
    assert airflow.paused == {"backup_metadata": False}


def test_it_is_undone(airflow: RememberingAirflow) -> None:
    airflow.variables["MINE"] = "stays"
    handle()
    handle(op="disown")
    assert airflow.variables == {"MINE": "stays"}
    assert airflow.paused == {"backup_metadata": True}


def test_undoing_bears_that_the_dag_is_gone(airflow: RememberingAirflow) -> None:
    handle()
    airflow.paused.clear()
    handle(op="disown")
    assert airflow.variables == {}


def test_an_unknown_op_is_refused_in_words(airflow: RememberingAirflow) -> None:
    with pytest.raises(Misconfigured, match="unknown op 'mine', allowed: own, disown"):
        handle(op="mine")
