"""Stop and start, deployed: what becomes of real executions of the real workflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.local_aws import eventually
from tests.support.night import REGION, SECONDS, Night
from tests.support.permissions import CREATION, Policies, made, simulated, wrong

pytestmark = pytest.mark.slow

NAME = "dev"
STOPPED = f"stopped/{NAME}.{REGION}"
GONE, STARTED = "The environment is stopped", "The environment has started"


@pytest.fixture
def site(night: Night) -> Night:
    return night


def test_after_a_stop_and_a_start_the_environment_is_what_it_was(site: Night) -> None:
    before = site.environment()
    stopped = site.run("stop")
    assert stopped.states[-1] == GONE, stopped.why
    assert (site.status(), [*site.records()]) == ("NOT_FOUND", [STOPPED])
    assert "2 rows are in the backup" in site.mail("dev is stopped").text
    site.lose()
    started = site.run("start")
    assert started.states[-1] == STARTED, started.why
    assert site.environment() == before
    assert site.active() == {"sales", "stock"}
    assert site.records() == {}
    assert "saved" in site.mail("dev is there again").text
    conf = site.airflow.conf_of("restore_metadata")
    assert (conf["variable_restore_strategy"], conf["in_flight"], conf["primary_fenced"]) == ("REPLACE", "resume", True)


def test_every_call_of_a_stop_and_a_start_is_allowed_by_the_policy_of_its_role(site: Night) -> None:
    site.aws.forget_calls()
    assert site.run("stop").states[-1] == GONE
    site.lose()
    assert site.run("start").states[-1] == STARTED
    policies = Policies.of_all(site.aws, "night-")
    calls = made(site.aws, policies)
    assert wrong(calls, policies) == []
    assert [call for call in calls if call.status in (401, 403)] == []
    assert {"airflow:DeleteEnvironment", "airflow:UntagResource"} <= {call.action for call in calls}
    (creator,) = {call.role for call in calls if call.action == "airflow:CreateEnvironment"}
    assert {call.action for call in calls if call.role == creator} >= CREATION
    passed = {call.resource for call in calls if call.action == "iam:PassRole"}
    assert passed == {str(site.configured.role_arn)}
    (passing, *_) = [call for call in calls if call.action == "iam:PassRole"]
    others = [replace(passing, resource=f"{passing.resource}x"), replace(passing, parameters={})]
    assert simulated(others, policies) == ["single ImplicitlyDenied"] * 2


def test_a_backup_that_is_altered_after_it_was_written_keeps_the_environment(site: Night) -> None:
    def back_up_and_spoil(conf: Mapping[str, Any]) -> dict[str, Any]:
        answer = site.back_up(conf)
        site.storage.put(f"{NAME}.{REGION}/{answer['backup_id']}/dag.csv.gz", b"spoiled")
        return answer

    site.airflow.work["backup_metadata"] = back_up_and_spoil
    before = site.executions("reactivate")
    failed = site.run("stop")
    assert (failed.error, site.status()) == ("PreflightFailed", "AVAILABLE")
    assert "Delete the environment" not in failed.states
    assert site.reactivated(before).states[-1] == "The DAGs are active again"
    assert site.active() == {"sales", "stock"}
    assert "Verify the backup and the blueprint" in site.mail("failed").text
    assert "its DAGs are active again" in site.mail("its DAGs are active again").subject
    assert site.records() == {}


def test_a_run_that_starts_between_the_pause_and_the_snapshot_keeps_the_environment(site: Night) -> None:
    def back_up_while_somebody_works(conf: Mapping[str, Any]) -> dict[str, Any]:
        answer = site.back_up(conf)
        site.airflow.begin("unused", "by-hand")
        return answer

    site.airflow.work["backup_metadata"] = back_up_while_somebody_works
    before = site.executions("reactivate")
    failed = site.run("stop")
    assert (failed.error, site.status()) == ("StillBusy", "AVAILABLE")
    assert site.reactivated(before).status == "SUCCEEDED"
    assert site.active() == {"sales", "stock"}
    assert "Start a new execution" in site.mail("failed").text


def test_a_backup_that_fails_leaves_the_dags_active_and_a_new_stop_works(site: Night) -> None:
    def full(conf: Mapping[str, Any]) -> dict[str, Any]:
        raise OSError("no space left on device")

    site.airflow.work["backup_metadata"] = full
    before = site.executions("reactivate")
    failed = site.run("stop")
    assert failed.error == "OSError"
    assert site.reactivated(before).status == "SUCCEEDED"
    assert site.active() == {"sales", "stock"}
    site.airflow.work["backup_metadata"] = site.back_up
    again = site.run("stop")
    assert again.states[-1] == GONE, again.why


@pytest.mark.parametrize("when_busy", ["SKIP", "FORCE"])
def test_a_busy_environment_is_left_alone_or_stopped_as_a_person_asks(site: Night, when_busy: str) -> None:
    site.airflow.begin("sales", "long")
    found = site.run("stop", when_busy=when_busy)
    if when_busy == "FORCE":
        assert found.states[-1] == GONE, found.why
        return
    assert found.states[-1] == "The environment is busy, it goes on", found.why
    assert (site.status(), site.active(), site.records()) == ("AVAILABLE", {"sales", "stock"}, {})
    assert site.note()["ended_at"]
    assert "sales" in site.mail("busy and was not stopped").text


def test_running_work_is_waited_for_while_what_is_idle_is_paused(site: Night) -> None:
    found = site.stopped_while_at_work()
    assert found.states[-1] == GONE, found.why
    assert site.note()["active"] == ["sales", "stock"]


def test_work_that_lasts_longer_than_the_wait_keeps_the_environment(site: Night) -> None:
    site.airflow.begin("sales", "long")
    with site.changed("stop", r'"drain_mins":\d+', '"drain_mins":0'):
        found = site.run("stop")
    assert found.states[-1] == "The environment is busy, it goes on", found.why
    assert site.active() == {"sales", "stock"}


def test_a_deletion_that_fails_leaves_the_dags_active_and_a_redrive_deletes_nothing(site: Night) -> None:
    before = site.executions("reactivate")
    with site.changed("stop", r'("op":"delete","bucket":")[^"]*', r"\g<1>not-there-yet"):
        failed = site.run("stop")
    assert (failed.status, failed.states[-1]) == ("FAILED", "Delete the environment")
    assert site.reactivated(before).states[-1] == "The DAGs are active again"
    assert (site.status(), site.active(), site.records()) == ("AVAILABLE", {"sales", "stock"}, {})
    again = site.redriven(failed)
    assert again.states[-1] == "Check that nothing has run since the backup"
    assert (again.status, site.status(), site.active()) == ("FAILED", "AVAILABLE", {"sales", "stock"})


def test_a_stop_that_is_aborted_leaves_the_dags_active(site: Night) -> None:
    before, arn = site.executions("reactivate"), begun_to_back_up(site)
    site.client("stepfunctions").stop_execution(executionArn=arn, error="Operator", cause="not tonight")
    assert site.ended(arn).status == "ABORTED"
    left_as_it_was(site, before)


def test_a_stop_that_times_out_leaves_the_dags_active(site: Night) -> None:
    before, arn = site.executions("reactivate"), begun_to_back_up(site)
    site.aws.time_out(arn)
    assert site.ended(arn).status == "TIMED_OUT"
    left_as_it_was(site, before)


def begun_to_back_up(site: Night) -> str:
    """An execution of a stop whose backup lasts for ever."""
    site.airflow.silent.add("backup_metadata")
    arn = site.start("stop")
    eventually(lambda: "running" in site.airflow.runs["backup_metadata"].values(), SECONDS)
    assert site.active() == set()
    return arn


def left_as_it_was(site: Night, before: set[str]) -> None:
    again = site.reactivated(before)
    assert again.states[-1] == "The DAGs are active again", again.why
    assert (site.status(), site.active(), site.records()) == ("AVAILABLE", {"sales", "stock"}, {})


def test_of_two_stops_at_once_one_acts(site: Night) -> None:
    both = [site.ended(arn) for arn in [site.start("stop"), site.start("stop")]]
    ends = sorted(found.states[-1] for found in both)
    assert ends[1] == GONE
    assert ends[0] in ("Another transition is running", "The environment is gone already")


def test_a_stop_of_what_is_gone_and_a_start_of_what_is_there_say_so(site: Night) -> None:
    there = site.run("start")
    assert there.states[-1] == "The environment is there already", there.why
    assert "dev is there already" in site.mail("there already").subject
    assert site.airflow.ran() == []
    assert site.run("stop").states[-1] == GONE
    gone = site.run("stop")
    assert gone.states[-1] == "The environment is gone already", gone.why
    assert [*site.records()] == [STOPPED]


def test_a_start_wakes_what_a_stop_and_its_reactivation_have_left_paused(site: Night) -> None:
    before = site.executions("reactivate")
    with site.changed("reactivate", r'("op":"resume","bucket":")[^"]*', r"\g<1>not-there-yet"):
        arn = begun_to_back_up(site)
        site.client("stepfunctions").stop_execution(executionArn=arn)
        assert site.reactivated(before).status == "FAILED"
    assert site.active() == set()
    before = site.executions("reactivate")
    assert site.run("start").states[-1] == "The environment is there already"
    left_as_it_was(site, before)


def test_a_creation_that_fails_is_told_and_begun_again(site: Night) -> None:
    assert site.run("stop").states[-1] == GONE
    site.lose()
    site.aws.mwaa.fail_creation(REGION, NAME, message="the role cannot be assumed")
    failed = site.run("start")
    assert failed.error == "EnvironmentBroken"
    assert "INCORRECT_CONFIGURATION: the role cannot be assumed" in site.mail("failed").text
    again = site.run("start")
    assert again.states[-1] == STARTED, again.why
    assert "Look whether the failed creation is gone" in again.states
    assert site.active() == {"sales", "stock"}


def test_a_creation_without_an_end_ends_at_the_deadline_and_a_redrive_goes_on(site: Night) -> None:
    assert site.run("stop").states[-1] == GONE
    site.lose()
    site.aws.mwaa.never_create(REGION, NAME)
    with site.changed("start", r'"deadline_mins":\d+', '"deadline_mins":0'):
        failed = site.run("start")
    assert failed.error == "DeadlinePassed"
    site.aws.mwaa.status(REGION, NAME, "CREATE_FAILED")
    again = site.redriven(failed)
    assert again.states[-1] == STARTED, again.why
    assert site.active() == {"sales", "stock"}


def test_an_environment_that_waits_for_endpoints_is_told_of_once(site: Night) -> None:
    assert site.run("stop").states[-1] == GONE
    site.lose()
    site.aws.mwaa.never_create(REGION, NAME)
    arn = site.start("start")
    eventually(lambda: site.status() == "CREATING", SECONDS)
    site.aws.mwaa.status(REGION, NAME, "PENDING")
    site.mail("waits for VPC endpoints")
    site.aws.mwaa.status(REGION, NAME, "CREATE_FAILED")
    found = site.ended(arn)
    assert found.error == "EnvironmentBroken"
    assert found.states.count("Notify that VPC endpoints are needed") == 1


def test_a_restore_that_fails_goes_on_by_a_redrive_or_a_new_start(site: Night) -> None:
    assert site.run("stop").states[-1] == GONE
    site.lose()

    def full(conf: Mapping[str, Any]) -> dict[str, Any]:
        raise OSError("no space left on device")

    site.airflow.work["restore_metadata"] = full
    failed = site.run("start")
    assert failed.error == "OSError"
    assert "redrive-execution" in site.mail("failed").text
    # In the evening it is still empty: a backup of it must not take the place of the one that is needed.
    before = site.executions("reactivate")
    assert site.run("stop").error == "NotRestored"
    assert site.reactivated(before).states[-1] == "No DAG was paused"
    assert (site.active(), [*site.records()]) == (set(), [STOPPED])
    site.airflow.work["restore_metadata"] = site.restore
    again = site.run("start")
    assert again.states[-1] == STARTED, again.why
    assert again.states.count("Restore the metadata") == 1
    assert site.active() == {"sales", "stock"}


def test_a_schedule_really_starts_its_machine_with_the_time_that_was_due(site: Night) -> None:
    machine, before = site.machine("stop"), site.executions("stop")
    scheduler = site.client("scheduler")
    names = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
    (name,) = [name for name in names if scheduler.get_schedule(Name=name)["Target"]["Arn"] == machine]
    site.aws.fire_schedule(name, region=REGION)
    (arn,) = eventually(lambda: site.executions("stop") - before, SECONDS)
    found = site.ended(arn)
    assert found.states[-1] == GONE, found.why
    assert found.said["output"]["decision"]["scheduled"] is True
