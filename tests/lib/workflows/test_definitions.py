"""Rules that every state of every workflow keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from statelint.linter import Linter

from docs.specimen import Specimen
from lib.workflows.tasks import POLLS
from tests.support.workflows import reactivate, start, stop, warm_standby, workflow

Json = dict[str, Any]

STRATEGIES = [workflow, warm_standby]
MANUAL = {"FAILOVER_APPROVAL": "MANUAL"}
EVERY: dict[str, tuple[Callable[..., Specimen], dict[str, str]]] = {
    "backup_restore": (workflow, MANUAL),
    "warm_standby": (warm_standby, MANUAL),
    "stop": (stop, {}),
    "start": (start, {"MWAA_UPDATE_AFTER_RESTORE": "YES"}),
    "reactivate": (reactivate, {}),
}
"""Every workflow, with the flags that give it the most states."""
TOKEN = ".waitForTaskToken"
FUNCTION = "AWS::Lambda::Function"


@pytest.fixture(params=STRATEGIES, ids=["backup_restore", "warm_standby"])
def strategy(request: pytest.FixtureRequest) -> Callable[..., Specimen]:
    found: Callable[..., Specimen] = request.param
    return found


@pytest.fixture(params=EVERY)
def asked(request: pytest.FixtureRequest) -> Specimen:
    shown, flags = EVERY[request.param]
    return shown(**flags)


def test_an_outside_validator_accepts_the_definition(asked: Specimen) -> None:
    assert Linter.validate(_as_deployed(asked.definition)) == []


def test_the_outside_validator_refuses_a_broken_definition(asked: Specimen) -> None:
    broken = _as_deployed(asked.definition)
    broken["States"]["Act on the lease"]["Choices"][0]["Next"] = "Nowhere"
    assert any("Nowhere" in problem for problem in Linter.validate(broken))


def test_every_task_has_a_timeout(asked: Specimen) -> None:
    assert [name for name, task in _tasks(asked) if not task.get("TimeoutSeconds")] == []


def test_every_wait_for_a_token_has_a_heartbeat_below_its_timeout(asked: Specimen) -> None:
    waits = {name: task for name, task in _tasks(asked) if TOKEN in task["Resource"]}
    assert bool(waits) == any("etadata" in name for name in asked.states)
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
    *("freshness", "attention"),  # of a primary that is healthy
    *("records", "stopping"),  # which look at the lease themselves
    "transition",
)
LOOKS = {"wait", "look", "parsed", "still_quiet"}
BEGINS = "states:startExecution"
"""What takes the lease itself."""
PROVED_ANEW = {"delete"}
"""What after a redrive goes back to the checks before it, by itself."""


def test_whatever_changes_something_acts_only_with_the_lease(asked: Specimen) -> None:
    names = {id_: found["Properties"]["Description"] for id_, found in asked.resources(FUNCTION).items()}
    for name, task in _tasks(asked):
        parameters = task["Parameters"]
        payload = parameters.get("Payload", parameters)
        is_harmless = (
            payload.get("op") in LOOKS | PROVED_ANEW or names.get(task["Resource"].strip("<>")) in WITHOUT_A_LEASE
        )
        guards = [catcher["Next"] for catcher in task.get("Catch", []) if catcher["ErrorEquals"] == ["LeaseUnchecked"]]
        assert bool(guards) == ("lease" in payload), name
        assert guards or is_harmless or name.startswith("Notify") or task["Resource"].endswith(BEGINS), name


def test_an_execution_that_looks_at_its_lease_again_goes_on_where_it_was(asked: Specimen) -> None:
    guarded = {
        name: catcher["Next"]
        for name, state in asked.states.items()
        for catcher in state.get("Catch", [])
        if catcher["ErrorEquals"] == ["LeaseUnchecked"]
    }
    assert guarded
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


def test_no_wait_of_a_stop_or_a_start_asks_too_often() -> None:
    long = {
        "SFN_POLL_TIMEOUT_MINS": "1440",
        "SFN_PAUSE_TIMEOUT_MINS": "1440",
        "SFN_RESUME_TIMEOUT_MINS": "1440",
        "STOP_DRAIN_MINS": "1440",
        "SFN_POLL_FREQUENCY_SECS": "1",
        "MWAA_RESUME_CRON_SCHEDULE": "0 6 1 * ? *",
        "MWAA_PAUSE_CRON_SCHEDULE": "0 6 15 * ? *",
    }
    for patient in (stop(**long), start(**long, MWAA_UPDATE_AFTER_RESTORE="YES")):
        pauses = {name: state for name, state in patient.states.items() if name.startswith("Pause until")}
        assert pauses
        for pause in pauses.values():
            asked = patient.states[pause["Next"]]["Parameters"]
            mins = asked.get("deadline_mins", patient.definition["TimeoutSeconds"] / 60)
            assert mins * 60 / pause["Seconds"] <= POLLS


def test_before_the_deletion_stand_the_proofs_and_the_record_and_a_redrive_meets_them_again() -> None:
    states = stop().states
    told, name = [], "Back the metadata up"
    while name != "Act on the deletion":
        told.append(name)
        name = states[name]["Next"]
    assert told[-4:] == [
        "Verify the backup and the blueprint",
        "Check that nothing has run since the backup",
        "Record the stop",
        "Delete the environment",
    ]
    deletion = states["Delete the environment"]["Parameters"]
    assert deletion["checked_in_redrive.$"] == "$.quiet.redrive_count"
    checked = states["Check that nothing has run since the backup"]["ResultSelector"]
    assert checked["redrive_count.$"] == "$$.Execution.RedriveCount"
    ways = {rule["StringEquals"]: rule["Next"] for rule in states["Act on the deletion"]["Choices"]}
    assert ways["AGAIN"] == "Check that nothing has run since the backup"
    deleting = [name for name, state in states.items() if "delete" in json.dumps(state.get("Parameters", {}))]
    assert deleting == ["Delete the environment"]


def test_a_start_gives_all_back_that_the_environment_had() -> None:
    states = start().states
    conf = states["Restore the metadata"]["Parameters"]["Payload"]["conf"]
    assert conf["variable_restore_strategy"] == conf["connection_restore_strategy"] == "REPLACE"
    assert conf["activate_dags"] is True
    creation = states["Create the environment"]["Parameters"]
    assert [name for name in ("network", "role_arn", "dags_bucket", "kms_key_arn") if name in creation] == []


def test_a_reactivation_asks_airflow_for_hours() -> None:
    states = reactivate().states
    retries = states["Make the noted DAGs active again"]["Retry"]
    (patient,) = [one for one in retries if "AirflowUnavailable" in one["ErrorEquals"]]
    assert patient["IntervalSeconds"] * patient["MaxAttempts"] >= 6 * 3600
    assert reactivate().definition["TimeoutSeconds"] > 6 * 3600


def test_the_data_of_a_state_is_kept_under_one_name(asked: Specimen) -> None:
    paths = {name: state["ResultPath"] for name, state in asked.states.items() if "ResultPath" in state}
    (first,) = [name for name, path in paths.items() if path.count(".") != 1]
    assert first == asked.definition["StartAt"]
    assert paths[first] == "$"
    assert list(asked.states[first]["ResultSelector"].values()) == ["$"]
    assert all("ResultPath" in task for _, task in _tasks(asked))


def test_the_role_of_a_machine_is_taken_for_machines_of_this_account_only(asked: Specimen) -> None:
    documents = [role["Properties"]["AssumeRolePolicyDocument"] for role in asked.resources("AWS::IAM::Role").values()]
    (trust,) = [one["Statement"][0] for one in documents if "states.amazonaws.com" in json.dumps(one)]
    assert trust["Condition"]["StringEquals"].keys() == {"aws:SourceAccount"}


def test_no_data_of_an_execution_is_logged(asked: Specimen) -> None:
    properties = _machine(asked)
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_the_machine_ends_in_the_time_of_the_configuration_and_of_the_person(
    strategy: Callable[..., Specimen],
) -> None:
    assert strategy(**MANUAL).definition["TimeoutSeconds"] == (60 + 720) * 60


def test_the_wait_for_running_work_does_not_eat_the_time_of_a_stop() -> None:
    assert stop(STOP_DRAIN_MINS="90").definition["TimeoutSeconds"] == (60 + 90) * 60
    assert stop(STOP_DRAIN_MINS="90", STOP_WHEN_BUSY="SKIP").definition["TimeoutSeconds"] == 60 * 60
    assert start(SFN_RESUME_TIMEOUT_MINS="75").definition["TimeoutSeconds"] == 75 * 60


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


@pytest.mark.parametrize("state", ["Clean the standby up", "Restore the metadata"])
def test_a_recovery_without_the_database_says_so_to_the_dags(state: str) -> None:
    def conf(**changes: str) -> Json:
        found: Json = warm_standby(MWAA_VERSION="3.2.1", **changes).states[state]["Parameters"]["Payload"]["conf"]
        return found

    assert conf(DR_MODE="CONFIG_ONLY")["mode"] == "CONFIG_ONLY"
    assert "mode" not in conf()
