"""Backup and restore, deployed: every step fails, and is gone on with by a redrive or by a new execution."""

from __future__ import annotations

import pytest

from tests.support import resuming
from tests.support.deployment import Deployment
from tests.support.local_aws import eventually
from tests.support.resuming import Step

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "BACKUP_RESTORE", "SECONDARY_BACKUP_SCHEDULE": "'0 2 * * *'"}
PAUSED = "core.dags_are_paused_at_creation"


def a_failed_creation(site: Deployment) -> None:
    site.aws.mwaa.fail_creation(site.secondary.region, site.secondary.environment_name)
    assert site.run(simulate_dr="YES").error == "EnvironmentBroken"
    site.mail("failed")
    site.mailbox.taken()


def nothing_created(site: Deployment) -> None:
    if site.status() != "NOT_FOUND":
        site.client("mwaa").delete_environment(Name=site.secondary.environment_name)
        eventually(lambda: site.status() == "NOT_FOUND")


STEPS = {
    **resuming.STEPS,
    "Create the secondary environment": Step("airflow"),
    "Look whether the failed creation is gone": Step("airflow", before=a_failed_creation),
    "Look whether the secondary is available": Step("airflow", before=nothing_created),
    "Let new DAGs start on their own again": Step("airflow"),
}


@pytest.fixture
def known(site: Deployment) -> Deployment:
    """The primary was healthy once, and its blueprint says that new DAGs start on their own."""
    site.run()
    site.store_blueprint(AirflowConfigurationOptions={PAUSED: "False"})
    site.mailbox.taken()
    return site


def test_every_step_that_can_fail_is_here(site: Deployment) -> None:
    assert resuming.can_fail(site) == STEPS.keys()


@pytest.mark.parametrize("state", STEPS)
def test_a_step_that_fails_is_gone_on_with_by_redrives(known: Deployment, state: str) -> None:
    resuming.go_on_by_redrives(known, state, STEPS[state])
    assert known.environment()["AirflowConfigurationOptions"][PAUSED] == paused(state)


@pytest.mark.parametrize("state", STEPS)
def test_a_step_that_fails_is_gone_on_with_by_new_executions(known: Deployment, state: str) -> None:
    resuming.go_on_by_new_executions(known, state, STEPS[state])
    assert known.environment()["AirflowConfigurationOptions"][PAUSED] == paused(state)


def paused(state: str) -> str:
    """As the blueprint says it, but for a drill."""
    return "True" if STEPS[state].flags else "False"
