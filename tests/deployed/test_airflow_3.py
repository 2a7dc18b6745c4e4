"""Airflow 3, deployed: the environments have no commands, only a REST API through InvokeRestApi."""

from __future__ import annotations

from typing import Any

import pytest

from mwaa_dr.framework.manifest import Mode
from tests.support import account
from tests.support.backups import a_backup
from tests.support.deployment import PROD, Deployment, Execution
from tests.support.fence import Fence
from tests.support.local_aws import eventually
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.slow

VARIABLES = {
    "DR_TYPE": "BACKUP_RESTORE",
    "MWAA_VERSION": "3.0.6",
    "SECONDARY_BACKUP_SCHEDULE": "'0 2 * * *'",
    "FENCE_PRIMARY": "YES",
    "FENCE_INTERVAL_MINS": "60",
}
LATER = "20991231T000000Z-0123456789ab"
ARCHIVE = "20991231T010000Z-0123456789ab"
OVER = "The secondary has taken over"


def back_up(site: Deployment, backup_id: str, **changes: Any) -> None:
    changes = {"airflow_version": "3.0.6", "alembic_revision": "29ce7909c52b", **changes}
    a_backup(site.storage(site.primary), backup_id, PROD, **changes)


@pytest.fixture
def backed_up(site: Deployment) -> Deployment:
    """The primary was healthy once, and has a backup of its own Airflow."""
    back_up(site, LATER)
    site.aws.forget_calls()
    assert site.run().states[-1] == "The primary is healthy"
    return site


def went_by_rest(site: Deployment) -> bool:
    """Whether Airflow was asked by its REST API, and by no command."""
    actions = {call.action for call in site.aws.calls() if call.role}
    return "airflow:InvokeRestApi" in actions and "airflow:CreateCliToken" not in actions


def is_restored(site: Deployment, found: Execution, backup_id: str = LATER) -> bool:
    """Whether the secondary has what a recovery gives it."""
    assert found.states[-1] == OVER, found.why
    assert site.airflow.conf_of("restore_metadata")["backup_id"] == backup_id
    assert site.airflow.variables["DR_BACKUP_BUCKET"] == site.backups
    assert site.airflow.variables["DR_BACKUP_SCHEDULE"] == "0 2 * * *"
    return site.airflow.paused["backup_metadata"] is False


def test_the_primary_is_told_its_variables(deployment: Deployment) -> None:
    primary = deployment.airflows[deployment.primary.region]
    assert primary.variables["DR_BACKUP_BUCKET"] == deployment.config.backup_bucket_name(deployment.primary)
    assert primary.paused["backup_metadata"] is False
    assert went_by_rest(deployment)


def test_a_backup_of_airflow_2_stands_in_the_way_of_a_recovery(site: Deployment) -> None:
    site.run()
    found = site.run(simulate_dr="YES")
    assert (found.status, found.error) == ("FAILED", "PreflightFailed")
    assert "a backup of Airflow 2.10.3 is not restored into 3.0.6" in site.mail("failed").text
    assert site.status() == "NOT_FOUND"


def test_an_environment_is_created_and_restored_and_the_primary_is_paused(backed_up: Deployment) -> None:
    assert is_restored(backed_up, backed_up.run(simulate_dr="YES"))
    assert backed_up.environment()["AirflowVersion"] == "3.0.6"
    assert backed_up.airflow.ran() == ["restore_metadata"]
    fence = Fence(backed_up, Mailbox(backed_up.aws, backed_up.primary.region))
    fence.airflow.paused |= {"backup_metadata": False, "their_dag": False}
    assert fence.looks() == "The primary is quiet"
    assert set(fence.airflow.paused.values()) == {True}
    assert went_by_rest(backed_up)


def test_a_standby_is_emptied_and_restored_and_told_that_a_history_is_an_archive(backed_up: Deployment) -> None:
    backed_up.configure(DR_TYPE="WARM_STANDBY", DR_MODE="CONFIG_ONLY")
    back_up(backed_up, ARCHIVE, mode=Mode.CONFIG_ONLY)
    account.create(backed_up.aws, backed_up.config, backed_up.secondary)
    eventually(lambda: backed_up.status() == "AVAILABLE")
    assert is_restored(backed_up, backed_up.run(simulate_dr="YES"), ARCHIVE)
    assert backed_up.airflow.ran() == ["cleanup_metadata", "restore_metadata"]
    modes = [backed_up.airflow.conf_of(dag_id)["mode"] for dag_id in backed_up.airflow.ran()]
    assert (modes, backed_up.airflow.variables["DR_MODE"]) == (["CONFIG_ONLY"] * 2, "CONFIG_ONLY")
    assert f"backup {ARCHIVE} is CONFIG_ONLY" in backed_up.mail("starts").text
    assert went_by_rest(backed_up)
