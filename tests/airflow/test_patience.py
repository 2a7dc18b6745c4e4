"""How long what is at work may be silent, as each Airflow has it configured."""

from __future__ import annotations

import pytest

from tests.support.real_airflow import RealAirflow

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

ASK = """
from mwaa_dr.framework.compat import installation
answer = vars(installation().patience)
"""
SCHEDULER = "AIRFLOW__SCHEDULER__"


def patience(airflow: RealAirflow, *, task: int, rhythm: int = 0, **options: int) -> dict[str, int]:
    """What the package finds where the scheduler has these options; 0 is Airflow's own rhythm."""
    waits = "SCHEDULER_ZOMBIE_TASK_THRESHOLD" if airflow.version < (3,) else "TASK_INSTANCE_HEARTBEAT_TIMEOUT"
    options |= {waits: task, "LOCAL_TASK_JOB_HEARTBEAT_SEC": rhythm}
    airflow.set(**{SCHEDULER + name: str(value) for name, value in options.items()})
    return dict(airflow.ask(ASK))


def test_it_is_the_scheduler_s(airflow: RealAirflow) -> None:
    assert patience(airflow, task=90) == {"task": 90, "scheduler": 30}


def test_it_is_that_of_a_task_which_keeps_a_rhythm_or_ends(airflow: RealAirflow) -> None:
    found = patience(airflow, task=300, rhythm=20, SCHEDULER_HEALTH_CHECK_THRESHOLD=60)
    rhythm = 20 if airflow.version < (3,) else 300  # nobody sets it before 2.7, where it means nothing
    assert found == {"task": rhythm, "scheduler": 60}
