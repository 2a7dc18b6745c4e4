"""Each way through the workflows, as an interpreter of Amazon States Language takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from docs.specimen import Specimen
from lib.functions.errors import (
    DeadlinePassed,
    EnvironmentBroken,
    LeaseLost,
    LeaseUnchecked,
    Misconfigured,
    NotApproved,
    NotReady,
    PreflightFailed,
    Unhealthy,
)
from tests.support.executions import ANSWERS, BEGUN, FAILOVER, Execution, execute
from tests.support.workflows import warm_standby, workflow

STRATEGIES = pytest.mark.parametrize("strategy", [workflow, warm_standby], ids=["backup_restore", "warm_standby"])
Strategy = Callable[..., Specimen]

HEALTHY = {"decision": "HEALTHY", "reason": "it beats", "notify": False, "in_a_row": 0}
DRILL = {"execution_input": {"simulate": True, "force": False, "activate_dags": False}}
CHANGES = {"schedule", "environment.create", "environment.delete", "dag.trigger", "own_environment.own"}
"""Whoever was asked for one of these may have changed something."""


class RestoreError(Exception):
    """What the restore DAG reports."""


def decided(decision: str, *, notify: bool = False) -> dict[str, Any]:
    return {"decide": {"decision": decision, "reason": "the reason", "notify": notify, "in_a_row": 1}}


def changed(execution: Execution) -> set[str]:
    return {name for name in CHANGES if execution.payloads(name)}


def subjects(execution: Execution) -> list[str]:
    return [subject for subject, _ in execution.told]


@STRATEGIES
def test_a_recovery_without_trouble_ends_with_a_secondary_that_has_taken_over(strategy: Strategy) -> None:
    execution = execute(strategy())
    assert (execution.status, execution.states[-1]) == ("SUCCEEDED", "The secondary has taken over")
    assert subjects(execution) == ["Recovery of mwaa-primary starts", "mwaa-secondary has taken over"]
    (recorded,) = execution.payloads("records.record_failover")
    assert recorded["backup_id"] == ANSWERS["preflight"]["backup_id"]
    assert execution.payloads("records.finish_failover")


@STRATEGIES
def test_the_backup_that_the_preflight_has_chosen_is_restored_from_the_own_bucket(strategy: Strategy) -> None:
    conf = execute(strategy()).payloads("dag.trigger")[-1]["conf"]
    chosen: Any = ANSWERS["preflight"]
    assert conf["backup_id"] == chosen["backup_id"]
    assert conf["environment"] == chosen["backup_environment"]
    assert conf["activate_dags"] is True
    assert "BackupBucket" in conf["bucket"]


def test_a_healthy_primary_has_its_blueprint_stored() -> None:
    execution = execute(workflow(), {"decide": HEALTHY})
    assert execution.states[-4:] == [
        "Store the blueprint of the primary",
        "Look at the newest backup of the primary",
        "Tell what needs attention",
        "The primary is healthy",
    ]
    assert changed(execution) == set()


def test_a_healthy_primary_of_a_warm_standby_needs_no_blueprint() -> None:
    execution = execute(warm_standby(), {"decide": HEALTHY})
    assert execution.states[-1] == "The primary is healthy"
    assert not execution.payloads("blueprint.store")
    (told,) = execution.payloads("attention")
    assert set(told["concerns"]) == {"backups"}


def test_backups_are_looked_at_only_while_the_primary_is_healthy() -> None:
    assert not execute(workflow()).payloads("freshness")
    assert not execute(workflow(), decided("STOPPED")).payloads("freshness")


def test_what_is_found_of_blueprint_and_backups_reaches_those_who_look_after_it() -> None:
    script = {"decide": HEALTHY, "freshness": {"backup_id": "", "trouble": "there is none"}}
    execution = execute(workflow(), script)
    (asked,) = execution.payloads("freshness")
    assert (asked["max_age_mins"], asked["path_prefix"]) == (150, "data")
    assert asked["health"]["answer"] == "HEALTHY"
    (told,) = execution.payloads("attention")
    assert told["concerns"]["backups"]["found"]["trouble"] == "there is none"
    assert told["concerns"]["blueprint"]["found"]["stored"] is True


@STRATEGIES
@pytest.mark.parametrize("broken", ["blueprint.store", "freshness", "attention"])
def test_a_healthy_primary_is_healthy_whatever_fails_that_a_recovery_will_need(strategy: Strategy, broken: str) -> None:
    execution = execute(strategy(), {"decide": HEALTHY, broken: Misconfigured("denied")})
    assert (execution.status, execution.states[-1]) == ("SUCCEEDED", "The primary is healthy")


def test_a_blueprint_that_cannot_be_stored_is_told_with_the_reason_and_backups_are_looked_at() -> None:
    execution = execute(workflow(), {"decide": HEALTHY, "blueprint.store": Misconfigured("denied by KMS")})
    assert execution.payloads("freshness")
    (told,) = execution.payloads("attention")
    found = told["concerns"]["blueprint"]["found"]
    assert found["Error"] == "Misconfigured"
    assert "denied by KMS" in found["Cause"]


def test_what_is_not_watched_is_not_told() -> None:
    execution = execute(warm_standby(BACKUP_MAX_AGE_MINS="0"), {"decide": HEALTHY})
    assert execution.states[-2:] == ["Act on the decision", "The primary is healthy"]


def test_what_the_health_check_raises_is_asked_again_and_then_decided() -> None:
    execution = execute(workflow(), {"health_check": Unhealthy("no heartbeat"), "decide": HEALTHY})
    assert len(execution.payloads("health_check")) == 1 + 2
    (asked,) = execution.payloads("decide")
    assert asked["health"]["Error"] == "Unhealthy"
    assert "no heartbeat" in asked["health"]["Cause"]


def test_a_primary_that_is_healthy_when_asked_again_is_healthy() -> None:
    script = {"health_check": [Unhealthy("no heartbeat"), ANSWERS["health_check"]], "decide": HEALTHY}
    (asked,) = execute(workflow(), script).payloads("decide")
    assert asked["health"]["answer"] == "HEALTHY"


@pytest.mark.parametrize(
    ("decision", "notify", "end", "told"),
    [
        ("STOPPED", False, "The primary is stopped on purpose", 0),
        ("WATCH", False, "Nothing is to be done before the next check", 0),
        ("UNKNOWN", False, "Nothing is to be done before the next check", 0),
        ("UNKNOWN", True, "Nothing is to be done before the next check", 1),
    ],
)
def test_what_is_not_a_failure_ends_without_a_change(decision: str, notify: bool, end: str, told: int) -> None:
    execution = execute(workflow(), decided(decision, notify=notify))
    assert (execution.status, execution.states[-1], len(execution.told)) == ("SUCCEEDED", end, told)
    assert changed(execution) == set()


def test_an_answer_that_nobody_knows_does_not_recover() -> None:
    execution = execute(workflow(), decided("PERHAPS"))
    assert (execution.status, execution.states[-1]) == ("FAILED", "Act on the decision")


@STRATEGIES
@pytest.mark.parametrize(
    ("outcome", "end", "told"),
    [("HELD", "Another execution recovers", 0), ("FAILED_OVER", "The primary has failed over already", 1)],
)
def test_who_has_not_the_lease_changes_nothing(strategy: Strategy, outcome: str, end: str, told: int) -> None:
    lease = {"outcome": outcome, "holder": "another", "reason": "the reason"}
    execution = execute(strategy(), {"records.take_lease": lease})
    assert (execution.status, execution.states[-1], len(execution.told)) == ("SUCCEEDED", end, told)
    assert changed(execution) == set()


@STRATEGIES
def test_what_follows_a_failover_is_finished_by_the_next_execution(strategy: Strategy) -> None:
    lease = {"outcome": "UNFINISHED", "holder": "another", "reason": "", "redrive_count": 0, "failover": FAILOVER}
    execution = execute(strategy(FAILOVER_APPROVAL="MANUAL"), {"records.take_lease": lease})
    assert execution.states[-1] == "The secondary has taken over"
    assert changed(execution) == {"own_environment.own"}
    assert not execution.payloads("records.record_failover")
    assert FAILOVER["backup_id"] in execution.told[-1][1]


def test_the_next_execution_gives_new_dags_the_setting_of_the_blueprint_back() -> None:
    lease = {"outcome": "UNFINISHED", "holder": "another", "reason": "", "redrive_count": 0, "failover": FAILOVER}
    (asked,) = execute(workflow(), {"records.take_lease": lease}).payloads("environment.unpause_at_creation")
    assert asked["paused_at_creation_was"] is False


GUARDED = ["schedule", "environment.create", "dag.trigger", "own_environment.own", "environment.unpause_at_creation"]


@pytest.mark.parametrize("asked", GUARDED)
def test_a_step_looks_at_the_lease_again_when_its_function_says_so(asked: str) -> None:
    execution = execute(workflow(), {asked: [LeaseUnchecked("redrive 1"), ANSWERS[asked]]})
    assert execution.states[-1] == "The secondary has taken over"
    assert len(execution.payloads("records.hold_lease")) == 1
    assert len(execution.payloads(asked)) == 2


@pytest.mark.parametrize("asked", GUARDED)
def test_a_step_of_an_execution_that_acts_no_more_is_the_last_one(asked: str) -> None:
    script = {asked: LeaseUnchecked("redrive 1"), "records.hold_lease": LeaseLost("another has taken the lease")}
    execution = execute(workflow(), script)
    assert (execution.status, execution.error) == ("FAILED", "LeaseLost")
    assert execution.states[-1].startswith("Hold the lease again, then ")


def test_recovery_begins_when_a_person_has_approved_it() -> None:
    script = {"approval.look": [{"answer": "WAITING"}, {"answer": "WAITING"}, {"answer": "APPROVED"}]}
    execution = execute(workflow(FAILOVER_APPROVAL="MANUAL"), script)
    assert len(execution.payloads("approval.look")) == 3
    assert execution.states[-1] == "The secondary has taken over"


def test_a_recovery_that_is_refused_gives_the_lease_back() -> None:
    execution = execute(workflow(FAILOVER_APPROVAL="MANUAL"), {"approval.look": {"answer": "REFUSED"}})
    assert (execution.status, execution.states[-1]) == ("SUCCEEDED", "The recovery was refused")
    assert execution.payloads("records.release")
    assert changed(execution) == set()


def test_a_recovery_that_nobody_approves_fails() -> None:
    execution = execute(workflow(FAILOVER_APPROVAL="MANUAL"), {"approval.look": NotApproved("nobody")})
    assert (execution.status, execution.error) == ("FAILED", "NotApproved")


@STRATEGIES
def test_a_failed_preflight_changes_nothing(strategy: Strategy) -> None:
    execution = execute(strategy(), {"preflight": PreflightFailed("no backup")})
    assert (execution.status, execution.error) == ("FAILED", "PreflightFailed")
    assert changed(execution) == set()


def test_a_standby_that_does_not_know_the_restore_dag_is_not_cleaned_up() -> None:
    execution = execute(warm_standby(), {"dag.parsed": NotReady("restore_metadata is not parsed")})
    assert (execution.status, execution.error) == ("FAILED", "NotReady")
    assert changed(execution) == set()
    asked = execution.payloads("dag.parsed")
    assert {payload["dag_id"] for payload in asked} == {"restore_metadata"}
    assert len(asked) == 1 + 5 * 60 // 10


def test_a_standby_that_is_never_available_is_not_touched() -> None:
    script = {"environment.wait": [{"outcome": "WAIT", "status": "UPDATING"}, DeadlinePassed("still UPDATING")]}
    execution = execute(warm_standby(), script)
    assert (execution.status, execution.error) == ("FAILED", "DeadlinePassed")
    assert changed(execution) == set()


def test_a_redrive_begins_the_wait_for_the_standby_anew() -> None:
    script = {"environment.wait": [{"outcome": "AGAIN", "status": "UPDATING"}, {"outcome": "READY", "status": ""}]}
    execution = execute(warm_standby(), script)
    assert execution.states.count("Begin to wait for the standby") == 2
    assert execution.payloads("environment.wait")[0]["created_in_redrive"] == 0


def test_the_standby_is_cleaned_up_before_it_is_restored() -> None:
    asked = execute(warm_standby()).asked
    dags = [(payload["op"], payload["dag_id"]) for name, payload in asked if name == "dag_outside"]
    assert dags == [
        ("parsed", "restore_metadata"),
        ("parsed", "cleanup_metadata"),
        ("trigger", "cleanup_metadata"),
        ("parsed", "restore_metadata"),
        ("trigger", "restore_metadata"),
    ]


def test_a_creation_that_failed_before_is_deleted_first() -> None:
    creating, deleting = ({"outcome": outcome, "paused_at_creation_was": None, **BEGUN} for outcome in _OUTCOMES)
    waits = [{"outcome": "WAIT", "status": "DELETING"}, {"outcome": "READY", "status": "NOT_FOUND"}]
    script = {
        "environment.create": [deleting, creating],
        "environment.wait": [*waits, {"outcome": "READY", "status": "AVAILABLE"}],
    }
    execution = execute(workflow(), script)
    assert [payload["until"] for payload in execution.payloads("environment.wait")] == ["DELETED"] * 2 + ["AVAILABLE"]
    assert execution.status == "SUCCEEDED"


_OUTCOMES = ("CREATING", "DELETING")


def test_the_secondary_is_created_with_what_belongs_to_its_region() -> None:
    options = '{"core.default_timezone": "utc", "core.gone": null}'
    (asked,) = execute(workflow(SECONDARY_AIRFLOW_CONFIG_OVERRIDES=options)).payloads("environment.create")
    assert asked["config_overrides"] == {"core.default_timezone": "utc", "core.gone": None}
    assert asked["environment"] == {"name": "mwaa-secondary", "region": "us-west-2"}
    assert asked["kms_key_arn"] is None
    assert "us-east-1" not in str(asked)


def test_an_environment_that_is_there_already_is_only_restored() -> None:
    ready = {"outcome": "READY", "paused_at_creation_was": None, **BEGUN}
    execution = execute(workflow(), {"environment.create": ready})
    assert not execution.payloads("environment.wait")
    assert execution.status == "SUCCEEDED"


def test_a_creation_that_fails_ends_the_execution_with_what_is_broken() -> None:
    execution = execute(workflow(), {"environment.wait": EnvironmentBroken("CREATE_FAILED")})
    assert (execution.status, execution.error) == ("FAILED", "EnvironmentBroken")
    assert execution.states[-1] == "Look whether the secondary is available"


def test_a_redrive_creates_again_what_failed() -> None:
    script = {"environment.wait": [{"outcome": "AGAIN", "status": "CREATE_FAILED"}, ANSWERS["environment.wait"]]}
    assert len(execute(workflow(), script).payloads("environment.create")) == 2


def test_people_are_told_once_that_endpoints_are_needed() -> None:
    pending = {"outcome": "PENDING_TOLD", "status": "PENDING"}
    execution = execute(workflow(), {"environment.wait": [pending, pending, pending, ANSWERS["environment.wait"]]})
    assert subjects(execution).count("mwaa-secondary waits for VPC endpoints") == 1
    assert execution.status == "SUCCEEDED"


@STRATEGIES
def test_a_private_web_server_is_asked_from_inside_the_vpc(strategy: Strategy) -> None:
    private = {"status": "AVAILABLE", "web_server": "PRIVATE", "version": "3.0.6", "tags": {}}
    asked = execute(strategy(), {"environment.look": private}).asked
    airflow = [(name, payload) for name, payload in asked if name.startswith(("dag", "own"))]
    assert {name for name, _ in airflow} == {"dag_inside", "own_inside"}
    assert {payload["version"] for _, payload in airflow} == {"3.0.6"}


def test_a_dag_that_is_parsed_later_is_waited_for() -> None:
    execution = execute(workflow(), {"dag.parsed": [NotReady("not yet"), NotReady("not yet"), ANSWERS["dag.parsed"]]})
    assert execution.status == "SUCCEEDED"


@STRATEGIES
def test_a_restore_that_reports_a_failure_is_not_recorded_as_a_failover(strategy: Strategy) -> None:
    execution = execute(strategy(), {"restore_metadata": RestoreError("a table is missing")})
    assert (execution.status, execution.error) == ("FAILED", "RestoreError")
    assert execution.states[-1] == "Restore the metadata"
    assert not execution.payloads("records.record_failover")


def test_a_restore_that_falls_silent_has_failed() -> None:
    execution = execute(workflow(), {"restore_metadata": None})
    # AWS says States.HeartbeatTimeout, https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    assert (execution.status, execution.error) == ("FAILED", "States.Timeout")
    assert len(execution.payloads("dag.trigger")) == 1


@STRATEGIES
def test_a_drill_leaves_the_primary_at_work(strategy: Strategy) -> None:
    execution = execute(strategy(SECONDARY_BACKUP_SCHEDULE="0 * * * *"), DRILL)
    assert execution.states[-1] == "The drill is over"
    assert execution.payloads("dag.trigger")[-1]["conf"]["activate_dags"] is False
    assert [payload["state"] for payload in execution.payloads("schedule")] == ["DISABLED", "ENABLED"]
    assert execution.payloads("records.release")
    assert not execution.payloads("records.record_failover")
    assert [payload["schedule"] for payload in execution.payloads("own_environment.own")] == [None]
    assert not execution.payloads("environment.unpause_at_creation")


@STRATEGIES
def test_the_secondary_is_its_own_once_it_has_taken_over(strategy: Strategy) -> None:
    (own,) = execute(strategy(SECONDARY_BACKUP_SCHEDULE="0 * * * *")).payloads("own_environment.own")
    assert own["schedule"] == "0 * * * *"
    assert own["backup_dag_id"] == "backup_metadata"
    assert own["variables"]["DR_KMS_KEY_ARNS"] == "arn:aws:kms:us-west-2:111222333444:alias/mwaa-team-backup"
    assert "us-east-1" not in str(own)


@STRATEGIES
def test_a_failover_is_recorded_before_anything_after_it_can_fail(strategy: Strategy) -> None:
    execution = execute(strategy(), {"own_environment.own": ValueError("Airflow is restarting")})
    assert execution.status == "FAILED"
    assert execution.payloads("records.record_failover")


@STRATEGIES
def test_a_recovery_goes_on_although_nobody_can_be_told(strategy: Strategy) -> None:
    execution = execute(strategy(), is_topic_there=False)
    assert (execution.status, execution.told) == ("SUCCEEDED", [])
