"""The workflows on the local AWS: a second interpreter, and redrive by AWS's rules, which moto has not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from docs.specimen import Specimen
from tests.support.deployed_workflows import Deployment
from tests.support.workflows import warm_standby, workflow

BROKEN_UNTIL_REDRIVEN = """
BEGUN = "2026-11-22T02:00:00+00:00"


class EnvironmentBroken(Exception):
    pass


def handler(event, context):
    if event["op"] == "create":
        count = event["redrive_count"]
        return {"outcome": "CREATING", "paused_at_creation_was": None, "started_at": BEGUN, "redrive_count": count}
    if event["op"] == "wait":
        if event["redrive_count"] == 0:
            raise EnvironmentBroken("CREATE_FAILED")
        return {"outcome": "AGAIN" if event["redrive_count"] > event["created_in_redrive"] else "READY"}
    if event["op"] == "look":
        return {"status": "AVAILABLE", "web_server": "PRIVATE", "version": "2.10.3"}
    return {"changed": False, "why": "nothing is to be done"}
"""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("strategy", [workflow, warm_standby], ids=["backup_restore", "warm_standby"])
def test_a_recovery_without_trouble_succeeds(deployment: Deployment, strategy: Callable[..., Specimen]) -> None:
    execution = deployment.build.start(deployment.deploy(strategy()), {"simulate_dr": "YES"})
    found = deployment.build.ended(execution)
    assert found["status"] == "SUCCEEDED", found
    assert deployment.entered(execution)[-1] == "The secondary has taken over"


def test_a_redrive_goes_on_with_the_state_that_failed_and_creates_again(deployment: Deployment) -> None:
    machine = deployment.deploy(workflow(), {"environment": BROKEN_UNTIL_REDRIVEN})
    execution = deployment.build.start(machine)
    assert deployment.build.ended(execution)["error"] == "EnvironmentBroken"
    before = deployment.entered(execution)
    assert deployment.redriven(execution)["status"] == "SUCCEEDED"
    after = deployment.entered(execution)[len(before) :]
    assert "Take the lease" not in after
    assert after.count("Create the secondary environment") == 1
    assert after[-1] == "The secondary has taken over"
