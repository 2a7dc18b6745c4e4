"""Warm standby, deployed: every step fails, and is gone on with by a redrive or by a new execution."""

from __future__ import annotations

import pytest

from tests.support import resuming
from tests.support.deployment import Deployment
from tests.support.resuming import Step

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "WARM_STANDBY", "SECONDARY_BACKUP_SCHEDULE": "'0 2 * * *'"}
STEPS = {
    **resuming.STEPS,
    "Look whether the standby is available": Step("airflow"),
    "Check that the standby knows the restore DAG": Step("airflow"),
    "Wait until the cleanup DAG is parsed": Step("airflow"),
    "Clean the standby up": Step("airflow"),
}


def test_every_step_that_can_fail_is_here(site: Deployment) -> None:
    assert resuming.can_fail(site) == STEPS.keys()


def test_an_execution_that_takes_too_long_is_told_and_goes_on_by_a_redrive(site: Deployment) -> None:
    site.airflow.silent.add("restore_metadata")
    with site.machine_timeout(seconds=4):
        found = site.run(simulate_dr="YES")
    assert found.status == "TIMED_OUT"
    told = site.mail(f"{site.config.workflow_name} timed out: {found.states[-1]}")
    assert f"aws stepfunctions redrive-execution --region us-west-2 --execution-arn {found.arn}" in told.text
    site.airflow.silent.clear()
    site.aws.scale(timeouts=60)  # its definition is that of its start
    assert site.redriven(found).states[-1] == resuming.OVER


@pytest.mark.parametrize("state", STEPS)
def test_a_step_that_fails_is_gone_on_with_by_redrives(site: Deployment, state: str) -> None:
    resuming.go_on_by_redrives(site, state, STEPS[state])


@pytest.mark.parametrize("state", STEPS)
def test_a_step_that_fails_is_gone_on_with_by_new_executions(site: Deployment, state: str) -> None:
    resuming.go_on_by_new_executions(site, state, STEPS[state])
