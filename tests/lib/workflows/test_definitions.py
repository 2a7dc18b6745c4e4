"""Rules that every state of every workflow keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from statelint.linter import Linter

from docs.specimen import Specimen
from lib.workflows.tasks import POLLS
from tests.support.workflows import warm_standby, workflow

Json = dict[str, Any]

STRATEGIES = [workflow, warm_standby]
TOKEN = ".waitForTaskToken"
FUNCTION = "AWS::Lambda::Function"


@pytest.fixture(params=STRATEGIES, ids=["backup_restore", "warm_standby"])
def strategy(request: pytest.FixtureRequest) -> Callable[..., Specimen]:
    found: Callable[..., Specimen] = request.param
    return found


@pytest.fixture
def asked(strategy: Callable[..., Specimen]) -> Specimen:
    """With the approval of a person, which has the most states."""
    return strategy(FAILOVER_APPROVAL="MANUAL")


def test_an_outside_validator_accepts_the_definition(asked: Specimen) -> None:
    assert Linter.validate(_as_deployed(asked.definition)) == []


def test_the_outside_validator_refuses_a_broken_definition(asked: Specimen) -> None:
    broken = _as_deployed(asked.definition)
    broken["States"]["Take the lease"]["Next"] = "Nowhere"
    assert any("Nowhere" in problem for problem in Linter.validate(broken))


def test_every_task_has_a_timeout(asked: Specimen) -> None:
    assert [name for name, task in _tasks(asked) if not task.get("TimeoutSeconds")] == []


def test_every_wait_for_a_token_has_a_heartbeat_below_its_timeout(asked: Specimen) -> None:
    waits = {name: task for name, task in _tasks(asked) if TOKEN in task["Resource"]}
    assert waits
    assert [name for name, task in waits.items() if not 0 < task["HeartbeatSeconds"] < task["TimeoutSeconds"]] == []


def test_the_execution_ends_where_it_fails_so_that_a_redrive_goes_on_there(asked: Specimen) -> None:
    assert [name for name, state in asked.states.items() if state["Type"] == "Fail"] == []
    caught = [
        (name, state["Next"], catcher)
        for name, state in asked.states.items()
        for catcher in state.get("Catch", [])
        if catcher["ErrorEquals"] != ["LeaseUnchecked"]
    ]
    assert caught
    assert [name for name, way_on, catcher in caught if catcher["Next"] != way_on] == []


WITHOUT_A_LEASE = (
    *("execution_input", "health_check", "decide", "approval", "blueprint", "preflight"),
    "records",  # which looks at the lease itself
)
LOOKS = {"wait", "look", "parsed"}


def test_whatever_changes_something_acts_only_with_the_lease(asked: Specimen) -> None:
    names = {id_: found["Properties"]["Description"] for id_, found in asked.resources(FUNCTION).items()}
    for name, task in _tasks(asked):
        parameters = task["Parameters"]
        payload = parameters.get("Payload", parameters)
        is_harmless = payload.get("op") in LOOKS or names.get(task["Resource"].strip("<>")) in WITHOUT_A_LEASE
        guards = [catcher["Next"] for catcher in task.get("Catch", []) if catcher["ErrorEquals"] == ["LeaseUnchecked"]]
        assert bool(guards) == ("lease" in payload), name
        assert guards or is_harmless or name.startswith("Notify"), name


def test_an_execution_that_looks_at_its_lease_again_goes_on_where_it_was(asked: Specimen) -> None:
    guarded = {
        name: catcher["Next"]
        for name, state in asked.states.items()
        for catcher in state.get("Catch", [])
        if catcher["ErrorEquals"] == ["LeaseUnchecked"]
    }
    assert len(guarded) >= 6
    assert {name: asked.states[again]["Next"] for name, again in guarded.items()} == {name: name for name in guarded}


def test_no_wait_asks_so_often_that_the_history_of_the_execution_is_full(strategy: Callable[..., Specimen]) -> None:
    long = {"STATE_MACHINE_TIMEOUT_MINS": "10080", "DAG_READY_TIMEOUT_MINS": "1440", "FAILOVER_APPROVAL": "MANUAL"}
    patient = strategy(
        **long,
        FAILOVER_APPROVAL_TIMEOUT_MINS="10080",
        MWAA_CREATE_ENV_TIMEOUT_MINS="1440",
        MWAA_CREATE_ENV_POLLING_INTERVAL_SECS="1",
    )
    pauses = {name: state["Seconds"] for name, state in patient.states.items() if name.startswith("Pause until")}
    assert 10080 * 60 / pauses["Pause until somebody has approved"] <= POLLS
    assert all(1440 * 60 / pauses[name] <= POLLS for name in pauses if "secondary is available" in name)
    retries = [retrier["MaxAttempts"] for _, task in _tasks(patient) for retrier in task["Retry"]]
    assert max(retries) <= POLLS


def test_the_data_of_a_state_is_kept_under_one_name(asked: Specimen) -> None:
    paths = {name: state["ResultPath"] for name, state in asked.states.items() if "ResultPath" in state}
    assert {name for name, path in paths.items() if path.count(".") != 1} == {"Read the input"}
    assert all("ResultPath" in task for _, task in _tasks(asked))


def test_no_data_of_an_execution_is_logged(asked: Specimen) -> None:
    properties = _machine(asked)
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_the_machine_ends_in_the_time_of_the_configuration_and_of_the_person(asked: Specimen) -> None:
    assert asked.definition["TimeoutSeconds"] == (60 + 720) * 60


def test_the_names_of_states_fit(asked: Specimen) -> None:
    assert [name for name in asked.states if len(name) > 80] == []


def test_the_blueprint_and_the_task_token_are_only_where_they_are_needed(asked: Specimen) -> None:
    with_token = [name for name, state in asked.states.items() if "Task.Token" in json.dumps(state)]
    assert all(TOKEN in asked.states[name]["Resource"] for name in with_token)


def test_the_health_check_is_asked_again_as_configured(strategy: Callable[..., Specimen]) -> None:
    checked = strategy(
        HEALTH_CHECK_MAX_RETRY="1", HEALTH_CHECK_RETRY_INTERVAL_SECS="7", HEALTH_CHECK_RETRY_BACKOFF_RATE="1.5"
    )
    (retrier,) = checked.states["Check the health of the primary"]["Retry"]
    assert retrier == {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 7, "MaxAttempts": 1, "BackoffRate": 1.5}


def _tasks(workflow: Specimen) -> Iterator[tuple[str, Json]]:
    return ((name, state) for name, state in workflow.states.items() if state["Type"] == "Task")


def _machine(workflow: Specimen) -> Json:
    (machine,) = workflow.resources("AWS::StepFunctions::StateMachine").values()
    found: Json = machine["Properties"]
    return found


def _as_deployed(definition: Json) -> Json:
    """With ARNs; and with 2.0 where the template has 2, which JSON does not tell apart but the validator does."""
    text = json.dumps(definition).replace('"<', '"arn:aws:lambda:us-west-2:111222333444:function:')
    loaded: Json = json.loads(text)
    for state in loaded["States"].values():
        for retrier in state.get("Retry", []):
            retrier["BackoffRate"] = float(retrier["BackoffRate"])
    return loaded
