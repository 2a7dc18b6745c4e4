"""Private web servers, deployed: whatever talks to Airflow does so from inside the environment's VPC."""

from __future__ import annotations

import json

import pytest

from drill.aws.control import Call
from lib.config.recovery_sections import Side
from tests.support.deployment import Deployment
from tests.support.fence import Fence
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "WARM_STANDBY", "FENCE_PRIMARY": "YES", "FENCE_INTERVAL_MINS": "60"}
ENVIRONMENTS = {"WebserverAccessMode": "PRIVATE_ONLY"}


def callers(site: Deployment, side: Side) -> set[str]:
    """The roles that called the Airflow of a side, by the words that tell them apart."""
    return {_named(call) for call in site.aws.calls() if call.region == side.region and _is_to_airflow(call)}


def _is_to_airflow(call: Call) -> bool:
    return call.action in ("airflow:CreateCliToken", "airflow:InvokeRestApi")


def _named(call: Call) -> str:
    words = ("DagInside", "OwnEnvironmentIns", "AirflowCliInside")
    return next((word for word in words if word in call.role), call.role)


def test_the_primary_is_told_its_variables_from_inside(deployment: Deployment) -> None:
    assert deployment.airflows[deployment.primary.region].variables["DR_BACKUP_BUCKET"]
    assert deployment.airflows[deployment.primary.region].paused["backup_metadata"] is False
    assert callers(deployment, deployment.primary) == {"AirflowCliInside"}


def test_from_outside_a_private_web_server_is_not_reached(site: Deployment) -> None:
    functions = site.client("lambda")
    names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    site.airflow.paused["backup_metadata"] = False
    (outside,) = [name for name in names if "FunctionsDagFunction" in name]
    environment = {"name": site.secondary.environment_name, "region": site.secondary.region}
    asked = {
        "op": "pause",
        "dag_id": "backup_metadata",
        "environment": environment,
        "version": "2.10.3",
    }
    answer = functions.invoke(FunctionName=outside, Payload=json.dumps(asked).encode())
    said = json.loads(answer["Payload"].read())
    assert said["errorType"] == "AirflowUnavailable", said
    assert "did not answer" in said["errorMessage"]
    assert site.airflow.paused["backup_metadata"] is False


def test_a_recovery_goes_through_the_copies_inside(site: Deployment) -> None:
    site.aws.forget_calls()
    found = site.run(simulate_dr="YES")
    assert found.states[-1] == "The secondary has taken over", found.why
    assert "Reach Airflow from inside the VPC" in found.states
    assert site.airflow.ran() == ["cleanup_metadata", "restore_metadata"]
    assert site.airflow.variables["DR_BACKUP_BUCKET"] == site.backups
    assert callers(site, site.secondary) == {"DagInside", "OwnEnvironmentIns"}


def test_the_fence_pauses_from_inside(site: Deployment) -> None:
    fence = Fence(site, Mailbox(site.aws, site.primary.region))
    fence.airflow.paused |= {"backup_metadata": False, "their_dag": False}
    site.run(simulate_dr="YES")
    site.aws.forget_calls()
    assert fence.entered(fence.build.start(fence.machine))[-2:] == [
        "Pause all DAGs from inside the VPC",
        "The primary is quiet",
    ]
    assert set(fence.airflow.paused.values()) == {True}
    assert callers(site, site.primary) == {"DagInside"}
