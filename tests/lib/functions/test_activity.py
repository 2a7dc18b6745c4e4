"""The DAGs of an environment come to rest without harm to what runs, and every one of them is active again later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto import mock_aws

from lib.functions import activity, clock
from lib.functions.airflow_client import DagRun
from lib.functions.errors import AirflowUnavailable, DeadlinePassed, Misconfigured, NotReady, StillBusy
from mwaa_dr.framework.manifest import Environment
from tests.support.remembering_airflow import RememberingAirflow
from tests.support.stubbed_aws import StubbedAws, kept_client, stubbed_aws

REGION = "us-west-2"
START = datetime(2026, 11, 22, 20, 0, tzinfo=timezone.utc)
KEY = "stops/prod.us-west-2/active.json"
OWN = ["backup_metadata", "restore_metadata", "cleanup_metadata"]
RUN = DagRun("sales", "scheduled__1")
SNAPSHOT = "2026-11-22T20:10:00+00:00"


class Stage:
    """An environment with two active DAGs, one that a person has paused, and ours; and the bucket of the note."""

    def __init__(self) -> None:
        paused = {"sales": False, "stock": False, "retired": True, **dict.fromkeys(OWN, False)}
        self.airflow = RememberingAirflow(paused)
        self.s3 = kept_client("s3", REGION)
        self.s3.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.now = START

    def do(self, op: str, **more: Any) -> dict[str, Any]:
        event = {
            "op": op,
            "environment": {"name": "prod", "region": REGION},
            "version": "2.10.3",
            "bucket": "backups",
            "bucket_region": REGION,
            "execution": "arn:aws:states:us-west-2:111222333444:execution:stop:one",
            "own_dags": OWN,
            "when_busy": "WAIT",
            "drain_mins": 60,
            "started_at": START.isoformat(),
            "redrive_count": 0,
            "started_in_redrive": 0,
            "snapshot_time": SNAPSHOT,
            **more,
        }
        return activity.handler(event, None)

    def note(self) -> dict[str, Any]:
        written: dict[str, Any] = json.loads(self.s3.get_object(Bucket="backups", Key=KEY)["Body"].read())
        return written

    def active(self) -> set[str]:
        """Those that are active, without ours."""
        return set(self.airflow.active_dags()) - set(OWN)

    def stopped(self, **more: Any) -> None:
        """Noted and quiet."""
        self.do("note")
        assert self.do("quieten", **more)["outcome"] == "QUIET"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with mock_aws(), stubbed_aws():
        stage = Stage()
        monkeypatch.setattr(activity, "airflow_of", lambda environment, version: stage.airflow)
        monkeypatch.setattr(clock, "now", lambda: stage.now)
        yield stage


def test_the_active_dags_are_noted_ours_among_them(stage: Stage) -> None:
    told = stage.do("note", redrive_count=2)
    started = {"started_at": "2026-11-22T20:00:00+00:00", "redrive_count": 2}
    assert told == {"key": KEY, "active": 5, "joined": False, **started}
    assert stage.note()["active"] == sorted(["sales", "stock", *OWN])
    assert stage.note()["ended_at"] == ""


def test_the_note_lies_beside_the_backups_of_that_environment(stage: Stage) -> None:
    assert stage.do("note")["key"].split("/")[1] == Environment("prod", REGION).id


def test_a_stop_after_one_that_failed_does_not_forget_what_was_active(stage: Stage) -> None:
    stage.stopped()
    stage.airflow.paused["new"] = False
    assert stage.do("note")["joined"] is True
    assert {"sales", "stock", "new"} <= set(stage.note()["active"])
    assert stage.note()["standing"] == []


def test_a_note_that_has_ended_is_not_joined(stage: Stage) -> None:
    stage.do("note")
    stage.do("resume")
    stage.airflow.paused["sales"] = True
    assert stage.do("note")["joined"] is False
    assert "sales" not in stage.note()["active"]


@pytest.mark.parametrize("op", ["note", "resume"])
def test_what_was_active_before_the_environment_was_created_anew_stays_paused(stage: Stage, op: str) -> None:
    stage.stopped()
    stage.now += timedelta(hours=10)
    stage.do(op, created_at=(START + timedelta(hours=9)).isoformat())
    assert stage.active() == set()
    assert ("sales" in stage.note()["active"]) is (op == "resume")
    assert stage.note()["ended_at"] == ""


def test_a_note_of_this_life_of_the_environment_counts(stage: Stage) -> None:
    created_at = START.isoformat()
    stage.do("note", created_at=created_at)
    stage.do("quieten", created_at=created_at)
    assert stage.do("resume", created_at=created_at)["activated"] == 2


def test_idle_dags_are_paused_at_once_and_ours_are_not(stage: Stage) -> None:
    stage.do("note")
    assert stage.do("quieten") == {"outcome": "QUIET", "paused": 2, "busy": [], "runs": 0}
    assert stage.active() == set()
    assert not any(stage.airflow.paused[dag_id] for dag_id in OWN)


def test_a_dag_stays_active_until_its_run_has_ended(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.unfinished = {RUN}
    assert stage.do("quieten") == {"outcome": "WAIT", "paused": 1, "busy": ["sales"], "runs": 1}
    assert stage.active() == {"sales"}
    stage.airflow.unfinished.clear()
    assert stage.do("quieten")["outcome"] == "QUIET"
    assert stage.active() == set()


def test_runs_of_our_own_dags_are_not_waited_for(stage: Stage) -> None:
    stage.airflow.unfinished = {DagRun("backup_metadata", "dr-1")}
    stage.stopped()
    assert stage.note()["standing"] == []


def test_a_run_that_came_while_its_dag_was_paused_may_end_first(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.when_changed = lambda dag_id, paused: stage.airflow.unfinished.add(RUN) if paused else None
    assert stage.do("quieten")["outcome"] == "WAIT"
    assert "sales" not in stage.active()
    stage.airflow.when_changed = lambda dag_id, paused: None
    assert stage.do("quieten")["outcome"] == "WAIT"
    assert stage.active() == {"sales"}


def test_what_became_active_since_the_note_is_noted_before_it_is_paused(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.paused["late"] = False
    noted: list[bool] = []
    stage.airflow.when_changed = lambda dag_id, paused: noted.append(dag_id in stage.note()["active"])
    stage.do("quieten")
    assert (stage.airflow.paused["late"], set(noted)) == (True, {True})


def test_a_run_of_a_dag_that_a_person_has_paused_stands_still_and_is_not_waited_for(stage: Stage) -> None:
    stage.airflow.unfinished = {DagRun("retired", "manual__1")}
    stage.stopped()
    assert stage.note()["standing"] == [{"dag_id": "retired", "run_id": "manual__1"}]
    assert stage.do("still_quiet") == {"quiet": True}
    assert stage.airflow.paused["retired"] is True


@pytest.mark.parametrize("working", [{"retired"}, None], ids=["its task works", "nobody can tell"])
def test_its_task_at_work_is_waited_for(stage: Stage, working: set[str] | None) -> None:
    stage.do("note")
    stage.airflow.unfinished, stage.airflow.working = {DagRun("retired", "manual__1")}, working
    assert stage.do("quieten")["busy"] == ["retired"]
    assert stage.airflow.paused["retired"] is True


def test_with_skip_nothing_is_paused_where_something_runs(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.unfinished = {RUN}
    told = stage.do("quieten", when_busy="SKIP", drain_mins=0)
    assert told == {"outcome": "BUSY", "paused": 0, "busy": ["sales"], "runs": 1}
    assert stage.active() == {"sales", "stock"}


def test_with_skip_an_idle_environment_is_brought_to_rest(stage: Stage) -> None:
    stage.stopped(when_busy="SKIP", drain_mins=0)
    assert stage.active() == set()


def test_with_force_all_are_paused_whatever_runs(stage: Stage) -> None:
    stage.airflow.unfinished, stage.airflow.working = {RUN}, {"sales"}
    stage.stopped(when_busy="FORCE", drain_mins=0)
    assert stage.active() == set()
    assert stage.do("still_quiet", when_busy="FORCE") == {"quiet": True}


def test_after_the_drain_the_environment_is_busy_and_a_later_redrive_waits_anew(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.unfinished = {RUN}
    stage.now = START + timedelta(minutes=60)
    assert stage.do("quieten")["outcome"] == "WAIT"
    stage.now += timedelta(seconds=1)
    assert stage.do("quieten")["outcome"] == "BUSY"
    assert stage.do("quieten", redrive_count=1)["outcome"] == "AGAIN"
    assert stage.do("quieten", redrive_count=1, started_in_redrive=1)["outcome"] == "BUSY"


def test_thousands_of_dags_are_paused_in_turns_and_that_eats_no_drain(stage: Stage) -> None:
    stage.airflow.paused |= {f"dag_{n}": False for n in range(300)}
    stage.airflow.unfinished = {RUN}
    stage.airflow.capacity = 200
    stage.do("note")
    assert stage.do("quieten")["paused"] == 200
    stage.airflow.unfinished.clear()
    stage.airflow.pause_all = list  # type: ignore[method-assign]
    stage.now = START + timedelta(minutes=70)
    assert stage.do("quieten")["outcome"] == "WAIT"


def test_many_idle_dags_are_paused_all_at_once_and_ours_go_on(stage: Stage) -> None:
    stage.airflow.paused |= {f"dag_{n}": False for n in range(5000)}
    stage.airflow.paused["cleanup_metadata"] = True
    stage.stopped()
    assert stage.active() == set()
    assert [change for change in stage.airflow.changes if change.startswith("pause")] == ["pause all"]
    assert [stage.airflow.paused[dag_id] for dag_id in OWN] == [False, False, True]


def test_dags_that_do_not_stay_paused_end_the_wait_in_words(stage: Stage) -> None:
    stage.do("note")
    stage.airflow.set_paused = lambda dag_id, paused: None  # type: ignore[method-assign]
    stage.now = START + timedelta(minutes=81)
    with pytest.raises(DeadlinePassed, match="2 DAGs do not stay paused: sales, stock"):
        stage.do("quieten")


def test_an_environment_that_stayed_quiet_may_go(stage: Stage) -> None:
    stage.stopped()
    stage.airflow.started = {
        RUN: "2026-11-22T20:09:59+00:00",
        DagRun("backup_metadata", "dr-1"): "2026-11-22T20:10:01+00:00",
    }
    assert stage.do("still_quiet") == {"quiet": True}


@pytest.mark.parametrize("when_busy", ["WAIT", "SKIP", "FORCE"])
def test_a_run_since_the_snapshot_keeps_the_environment(stage: Stage, when_busy: str) -> None:
    stage.stopped(when_busy=when_busy)
    stage.airflow.started = {RUN: SNAPSHOT}
    with pytest.raises(StillBusy, match=r"prod is not quiet.* 1 runs are not in the backup.*: sales scheduled__1"):
        stage.do("still_quiet", when_busy=when_busy)


@pytest.mark.parametrize("when_busy", ["WAIT", "FORCE"])
def test_a_run_that_was_asked_for_and_has_not_started_keeps_it(stage: Stage, when_busy: str) -> None:
    stage.stopped(when_busy=when_busy)
    stage.airflow.unfinished = {DagRun("retired", "manual__2")}
    with pytest.raises(StillBusy, match="retired manual__2"):
        stage.do("still_quiet", when_busy=when_busy)


def test_a_run_that_stood_still_and_has_ended_since_keeps_it(stage: Stage) -> None:
    stage.airflow.unfinished = {DagRun("retired", "manual__1")}
    stage.stopped()
    stage.airflow.unfinished.clear()
    with pytest.raises(StillBusy, match="retired manual__1"):
        stage.do("still_quiet")


def test_a_dag_that_is_active_again_keeps_it(stage: Stage) -> None:
    stage.airflow.paused |= {f"dag_{n}": False for n in range(8)}
    stage.stopped()
    stage.airflow.paused |= {f"dag_{n}": False for n in range(8)}
    with pytest.raises(StillBusy, match="8 DAGs are active: dag_0, dag_1, dag_2, dag_3, dag_4 and 3 more"):
        stage.do("still_quiet")


def test_exactly_the_noted_dags_are_active_again(stage: Stage) -> None:
    stage.stopped()
    del stage.airflow.paused["stock"]
    assert stage.do("resume") == {"activated": 1, "missing": ["stock"], "note": True}
    assert stage.active() == {"sales"}
    assert stage.note()["ended_at"] == "2026-11-22T20:00:00+00:00"


def test_without_an_unfinished_note_nothing_is_made_active(stage: Stage) -> None:
    nothing = {"activated": 0, "missing": [], "note": False}
    assert stage.do("resume") == nothing
    stage.stopped()
    stage.do("resume")
    stage.airflow.paused["sales"] = True
    assert stage.do("resume") == nothing
    assert stage.airflow.paused["sales"] is True


def test_what_there_was_no_time_for_is_asked_for_again(stage: Stage) -> None:
    stage.airflow.paused |= {f"dag_{n}": False for n in range(300)}
    stage.stopped()
    stage.airflow.capacity = 200
    with pytest.raises(NotReady, match="200 DAGs are active again, 102 are not yet"):
        stage.do("resume")
    assert stage.do("resume")["activated"] == 102
    assert len(stage.active()) == 302


def test_a_dag_that_stays_paused_keeps_the_note(stage: Stage) -> None:
    stage.stopped()
    stage.airflow.set_paused = lambda dag_id, paused: None  # type: ignore[method-assign]
    with pytest.raises(AirflowUnavailable, match="2 DAGs were made active, and are not: sales, stock"):
        stage.do("resume")
    assert stage.note()["ended_at"] == ""


def test_a_dag_that_an_aborted_stop_pauses_meanwhile_keeps_the_note(stage: Stage) -> None:
    stage.stopped()
    stage.airflow.paused["sales"] = False
    stage.airflow.when_changed = lambda dag_id, paused: stage.airflow.paused.update(sales=True)
    with pytest.raises(AirflowUnavailable, match="1 DAGs were made active, and are not: sales"):
        stage.do("resume")
    assert stage.note()["ended_at"] == ""


@pytest.mark.parametrize("dags", [2, 5000])
def test_a_stop_that_is_over_takes_its_own_pauses_back(stage: Stage, dags: int) -> None:
    stage.airflow.paused |= {f"dag_{n}": False for n in range(dags)}
    stage.do("note")
    active, pause_all = stage.active(), stage.airflow.pause_all

    def made_active() -> None:
        stage.airflow.when_changed = lambda dag_id, paused: None
        stage.do("resume")

    def paused_by_one_that_is_aborted() -> list[str]:
        made_active()
        return pause_all()

    stage.airflow.when_changed = lambda dag_id, paused: made_active()
    stage.airflow.pause_all = paused_by_one_that_is_aborted  # type: ignore[method-assign]
    with pytest.raises(StillBusy, match="the DAGs of prod are active again"):
        stage.do("quieten")
    assert stage.active() == active
    assert stage.note()["ended_at"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"active": ["a"]}', b'{"active": [], "standing": [], "new": 1}'])
def test_a_note_that_cannot_be_read_is_not_taken_for_none(stage: Stage, body: bytes) -> None:
    stage.s3.put_object(Bucket="backups", Key=KEY, Body=body)
    for op in ("note", "quieten", "still_quiet", "resume"):
        with pytest.raises(Misconfigured, match=r"active\.json is no note of a stop"):
            stage.do(op)


@pytest.mark.parametrize("op", ["quieten", "still_quiet"])
def test_without_a_note_nothing_is_paused_and_nothing_goes(stage: Stage, op: str) -> None:
    with pytest.raises(Misconfigured, match="is no unfinished note"):
        stage.do(op)
    assert stage.active() == {"sales", "stock"}


def test_a_bucket_that_does_not_answer_is_asked_again(stage: Stage) -> None:
    with stubbed_aws() as aws:
        script(aws).add_client_error("get_object", "SlowDown", "because", 503)
        with pytest.raises(NotReady, match=r"active\.json now: SlowDown"):
            stage.do("note")


def script(aws: StubbedAws) -> Any:
    return aws.script("s3", REGION)


def test_an_unknown_op_is_refused_in_words(stage: Stage) -> None:
    with pytest.raises(Misconfigured, match="unknown op 'stop', allowed: note, quieten"):
        stage.do("stop")
