"""Each step of a recovery that can fail, and what makes it fail: a service that refuses, or an answer that is late."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.functions.record_table import FAILED_OVER, LEASE
from tests.support.deployment import Deployment, Execution

DRILL = {"activate_dags": "NO"}
OVER = "The secondary has taken over"
ALREADY = "The primary has failed over already"
DRILLED = "The drill is over"
AGAIN = "Hold the lease again, then "


@dataclass(frozen=True)
class Step:
    """A state that can fail."""

    service: str
    """What it asks of AWS, by the prefix of IAM."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """What an execution is started with that comes to it."""
    before: Callable[[Deployment], None] = lambda site: None
    """What a new execution needs to come to it."""
    restores: int = 1
    """How often a backup is restored, when a new execution follows on one that was refused, and on one that was late.

    A restore that nothing is recorded of has not happened for a new execution: it cannot know, and restores again.
    """
    end: str = OVER
    """Where the last of these executions ends."""
    replaced: str = "LeaseLost"
    """How the first of them ends when it is redriven after all; by its error, or by its last state."""


STEPS = {
    "Take the lease": Step("dynamodb", replaced=ALREADY),
    "Check that recovery can succeed": Step("s3"),
    "Disable the health schedule": Step("scheduler"),
    "Look at the secondary environment": Step("airflow"),
    "Wait until the restore DAG is parsed": Step("airflow"),
    "Restore the metadata": Step("airflow", restores=2),
    "Record the failover": Step("dynamodb", restores=2),
    "Make the secondary its own": Step("airflow"),
    "Record that the failover is finished and give the lease back": Step("dynamodb", end=ALREADY, replaced=OVER),
    "Make the secondary its own for the drill": Step("airflow", DRILL, restores=3, end=DRILLED),
    "Enable the health schedule again": Step("scheduler", DRILL, restores=3, end=DRILLED),
    "Give the lease back after the drill": Step("dynamodb", DRILL, restores=3, end=DRILLED, replaced=DRILLED),
}
"""What both strategies have."""


def go_on_by_redrives(site: Deployment, state: str, step: Step) -> None:
    """The step is refused, then late, then the records are: each time a redrive goes on, at last to the end."""
    step.before(site)
    _refuse(site, state, step.service)
    execution = _failed(site, _run(site, step), state)
    site.aws.delay(state)
    execution = _failed(site, site.redriven(execution), state)
    again = f"{AGAIN}{state[0].lower()}{state[1:]}"
    if again in _states(site):
        _refuse(site, again, "dynamodb")
        execution = _failed(site, site.redriven(execution), again)
    _resumed(site, site.redriven(execution), DRILLED if step.flags else OVER)
    assert _restores(site) == (2 if state == "Restore the metadata" else 1)


def go_on_by_new_executions(site: Deployment, state: str, step: Step) -> None:
    """The step is refused, then late; new executions go on, and the first one does nothing any more."""
    step.before(site)
    _refuse(site, state, step.service)
    first = _failed(site, _run(site, step), state)
    step.before(site)
    site.aws.delay(state)
    _failed(site, _run(site, step), state)
    _resumed(site, _run(site, step), step.end)
    assert _restores(site) == step.restores
    before = _world(site)
    replaced = site.redriven(first)
    assert step.replaced in (replaced.error, replaced.states[-1]), replaced.why
    assert _world(site) == before


def can_fail(site: Deployment) -> set[str]:
    """The tasks from the lease on, by the definition that is deployed."""
    return tasks_that_can_fail(_states(site), "Take the lease")


def tasks_that_can_fail(states: Mapping[str, Any], first: str) -> set[str]:
    """The tasks of a definition from one of its states on; those that catch everything cannot fail.

    Where the lease is held again is part of the step that needs it.
    """
    found: set[str] = set()
    left = [first]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            ways = [states[name], *states[name].get("Choices", ()), *states[name].get("Catch", ())]
            left += [way[onward] for way in ways for onward in ("Next", "Default") if onward in way]
    caught = {name for name in found for way in states[name].get("Catch", ()) if way["ErrorEquals"] == ["States.ALL"]}
    return {name for name in found - caught if states[name]["Type"] == "Task" and not name.startswith(AGAIN)}


def _states(site: Deployment) -> dict[str, Any]:
    machine = site.client("stepfunctions").describe_state_machine(stateMachineArn=site.machine)
    states: dict[str, Any] = json.loads(machine["definition"])["States"]
    return states


def _run(site: Deployment, step: Step) -> Execution:
    return site.run(simulate_dr="YES", **step.flags)


def _refuse(site: Deployment, state: str, service: str) -> None:
    site.aws.silence(site.secondary.region, [service], "deny", at=state)


def _failed(site: Deployment, execution: Execution, state: str) -> Execution:
    """It has failed in this state, and people were told; the world is well again."""
    assert (execution.status, execution.states[-1]) == ("FAILED", state), execution.why
    told = site.mail(f"{site.config.workflow_name} failed: {state}"[:99])
    assert f"Step:   {state}\n" in told.text
    assert execution.arn in told.text
    site.mailbox.taken()
    site.aws.heal()
    return execution


def _resumed(site: Deployment, execution: Execution, end: str) -> None:
    """All is as after a recovery without any trouble."""
    assert (execution.status, execution.states[-1]) == ("SUCCEEDED", end), execution.why
    records = site.records()
    assert LEASE not in records
    assert site.airflow.ran()[-1] == "restore_metadata"
    assert {conf["backup_id"] for dag_id, conf in site.airflow.confs if dag_id == "restore_metadata"} == {
        site.golden_id()
    }
    assert site.status() == "AVAILABLE"
    assert site.airflow.variables["DR_BACKUP_BUCKET"] == site.backups
    if end == DRILLED:
        assert (FAILED_OVER in records, site.schedule()) == (False, "ENABLED")
        return
    assert records[FAILED_OVER]["finished_at"]
    assert site.schedule() == "DISABLED"
    assert site.airflow.paused["backup_metadata"] is False


def _restores(site: Deployment) -> int:
    return site.airflow.ran().count("restore_metadata")


def _world(site: Deployment) -> tuple[Any, ...]:
    """What an execution may have changed."""
    front = site.airflow
    held = (site.records().get(LEASE), site.records().get(FAILED_OVER), site.schedule(), site.environment())
    return (*held, front.ran(), dict(front.variables), dict(front.paused))
