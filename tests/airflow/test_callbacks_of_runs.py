"""Runs under a real scheduler: whatever becomes of the task, the waiting workflow hears of it once."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.real_airflow import RealAirflow
from tests.support.waiting_workflow import WaitingWorkflow

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

STUB = Path(__file__).parent / "dags" / "stubbed.py"
ENDED = ("success", "failed")
TOPIC = "arn:aws:sns:eu-west-1:123456789012:failures"

RUNS: list[tuple[str, str, dict[str, object]]] = [
    ("stub_backup", "shrunk", {}),
    ("stub_restore", "done", {"backup_id": "done"}),
    ("stub_restore", "refused", {"backup_id": "refused"}),
    ("stub_restore", "broken", {"backup_id": "broken"}),
    ("stub_restore", "mute", {"backup_id": "mute"}),
    ("stub_restore", "killed", {"backup_id": "killed"}),
    ("stub_restore", "zombie", {"backup_id": "zombie"}),
    ("stub_restore", "slow", {"backup_id": "slow"}),
    ("stub_restore", "misspelt", {"bakcup_id": "done"}),
    ("stub_hasty", "endless", {"backup_id": "endless"}),
    ("stub_cleanup", "unexpected", {}),
    *((f"stub_refusing_{operation}", f"unserved_{operation}", {}) for operation in ("backup", "restore", "cleanup")),
]


def token(run_id: str) -> str:
    """The token that the run answers to."""
    return f"AQC{run_id}/secret"


@pytest.fixture(scope="module")
def ended(airflow: RealAirflow, workflow: WaitingWorkflow) -> RealAirflow:
    """An Airflow in which all runs have ended, at debug level, and everybody was told."""
    workflow.forget()
    shutil.copy(STUB, airflow.dags)
    airflow.set(
        AIRFLOW__LOGGING__LOGGING_LEVEL="DEBUG",
        AIRFLOW_VAR_DR_SNS_TOPIC_ARN=TOPIC,
        AIRFLOW_VAR_DR_HEARTBEAT_SECONDS="1",
    )
    airflow.run("airflow", "dags", "reserialize")
    airflow.query("UPDATE dag SET is_paused = false WHERE dag_id LIKE %s", "stub%")
    airflow.trigger([(dag_id, run_id, {**conf, "task_token": token(run_id)}) for dag_id, run_id, conf in RUNS])
    airflow.start("scheduler")
    everybody = {token(run_id) for _, run_id, _ in RUNS}
    airflow.wait("answers", lambda: " ".join(everybody - workflow.answered()), 600)
    airflow.wait("ends", lambda: " ".join(r for d, r, _ in RUNS if airflow.state(d, r) not in ENDED), 60)
    time.sleep(5)  # for answers too many
    airflow.stop()
    return airflow


def answer(ended: RealAirflow, workflow: WaitingWorkflow, run_id: str) -> dict[str, Any]:
    [(action, sent)] = workflow.answers(token(run_id))
    return {"action": action, **sent}


@pytest.mark.parametrize("run_id", [run_id for _, run_id, _ in RUNS])
def test_every_run_answers_exactly_once(ended: RealAirflow, workflow: WaitingWorkflow, run_id: str) -> None:
    assert len(workflow.answers(token(run_id))) == 1


def test_success_carries_the_result(ended: RealAirflow, workflow: WaitingWorkflow) -> None:
    sent = answer(ended, workflow, "done")
    assert sent["action"] == "SendTaskSuccess"
    assert json.loads(sent["output"])["backup_id"] == "done"
    assert json.loads(sent["output"])["environment"] == "primary.eu-west-1"


@pytest.mark.parametrize(
    ("run_id", "error", "cause"),
    [
        ("refused", "StorageError", "the bucket refuses\nHINT: Grant s3:GetObject."),
        ("broken", "ValueError", "unexpected ValueError: first line"),
        ("unexpected", "KeyError", "unexpected KeyError: 'unexpected'"),
        ("misspelt", "SettingError", "dag_run.conf has an unknown setting 'bakcup_id', allowed: "),
        ("unserved_backup", "UnservedVersionError", "Airflow 9.9.9 is not served\nHINT: "),
        ("unserved_restore", "UnservedVersionError", "Airflow 9.9.9 is not served\nHINT: "),
        ("unserved_cleanup", "UnservedVersionError", "Airflow 9.9.9 is not served\nHINT: "),
        ("mute", "TaskKilled", "the task ended without a word"),
        ("killed", "TaskKilled", "the task ended without a word"),
        ("zombie", "TaskKilled", "the task ended without a word"),
        ("endless", "RunTimedOut", "the run took longer than its DAG allows"),
    ],
)
def test_failure_names_the_error(
    ended: RealAirflow, workflow: WaitingWorkflow, run_id: str, error: str, cause: str
) -> None:
    sent = answer(ended, workflow, run_id)
    assert (sent["action"], sent["error"]) == ("SendTaskFailure", error)
    assert sent["cause"].startswith(cause)


def test_a_slow_task_sends_heartbeats(ended: RealAirflow, workflow: WaitingWorkflow) -> None:
    assert workflow.heartbeats(token("slow")) >= 3


def test_a_backup_that_failed_or_shrank_is_published_once(ended: RealAirflow, workflow: WaitingWorkflow) -> None:
    subjects = [message["Subject"] for message in workflow.published()]
    assert sorted(subjects) == ["[mwaa_dr] Backup failed: primary", "[mwaa_dr] Backup shrank: primary"]
    sent = next(message for message in workflow.published() if "shrank" in message["Subject"])
    assert "dag_run lost 80 % of its rows" in sent["Message"]
    if not (3,) <= ended.version < (3, 1):  # Airflow 3.0 tells a callback no address of the log
        assert "stub_backup" in sent["Message"].split("Log: ")[1]


def test_nothing_that_was_refused_or_broke_is_tried_again(ended: RealAirflow) -> None:
    folders = (ended.folder / "logs").glob("dag_id=stub_*/run_id=*/task_id=*")
    tries = {folder.parent.name: len(list(folder.glob("attempt=*.log"))) for folder in folders}
    assert tries == {f"run_id={run_id}": 1 for _, run_id, _ in RUNS}


def test_no_log_shows_a_token_or_a_value_even_at_debug_level(ended: RealAirflow) -> None:
    # What watches a task in Airflow 3 writes all that it sends to it, the conf too, before any code of ours runs.
    text = ended.log_text() if ended.version < (3,) else ended.task_log("stub_")
    assert "debug" in text.lower()
    assert "the bucket refuses" in text
    assert [run_id for _, run_id, _ in RUNS if token(run_id) in text] == []
    assert "the-secret-value" not in text
