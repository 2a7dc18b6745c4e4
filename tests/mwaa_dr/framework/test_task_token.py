"""Answers and heartbeats to a waiting Step Functions task, over HTTP to a stand-in."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from mwaa_dr.framework.heartbeat import Heartbeat
from mwaa_dr.framework.task_token import CAUSE_LIMIT, ERROR_LIMIT, TaskToken
from tests.support.waiting import until
from tests.support.waiting_workflow import WaitingWorkflow

TOKEN = "AQCsecret/token+1=="


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[WaitingWorkflow]:
    """The workflow that the test's calls reach."""
    with WaitingWorkflow() as waiting:
        for name, value in waiting.environ.items():
            monkeypatch.setenv(name, value)
        yield waiting


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore").setLevel(logging.NOTSET)


def test_success_carries_the_output(workflow: WaitingWorkflow) -> None:
    TaskToken(TOKEN).succeed({"backup_id": "B1", "rows": 7})
    [(action, sent)] = workflow.answers(TOKEN)
    assert action == "SendTaskSuccess"
    assert json.loads(sent["output"]) == {"backup_id": "B1", "rows": 7}


def test_failure_carries_error_and_cause_within_the_limits(workflow: WaitingWorkflow) -> None:
    TaskToken(TOKEN).fail("E" * 300, "C" * 40_000)
    [(action, sent)] = workflow.answers(TOKEN)
    assert action == "SendTaskFailure"
    assert (len(sent["error"]), len(sent["cause"])) == (ERROR_LIMIT, CAUSE_LIMIT)


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_task_that_waits_no_more_counts_as_answered(
    workflow: WaitingWorkflow, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    workflow.error = code
    TaskToken(TOKEN).succeed({})
    assert f"does not wait any more ({code})" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_answer_that_fails_is_an_error_in_the_log_and_no_exception(
    workflow: WaitingWorkflow, caplog: pytest.LogCaptureFixture
) -> None:
    workflow.error = "AccessDeniedException"
    TaskToken(TOKEN).fail("StorageError", "the bucket refuses")
    assert "could not be told of the failure (AccessDeniedException)" in caplog.text


def test_no_region_is_an_error_in_the_log_and_no_exception(
    workflow: WaitingWorkflow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    TaskToken(TOKEN).succeed({})
    assert "NoRegionError" in caplog.text


def test_the_token_is_in_no_log_even_at_debug_level(
    workflow: WaitingWorkflow, caplog: pytest.LogCaptureFixture
) -> None:
    token = TaskToken(TOKEN)
    token.beat()
    token.succeed({})
    token.succeed({})
    assert caplog.records
    assert TOKEN not in caplog.text


def test_heartbeats_go_on_until_the_work_ends(workflow: WaitingWorkflow) -> None:
    with Heartbeat(TaskToken(TOKEN).beat, seconds=0.05):
        until(lambda: workflow.heartbeats(TOKEN) >= 3)
    assert not beating()


def test_a_heartbeat_that_fails_is_followed_by_the_next(workflow: WaitingWorkflow) -> None:
    workflow.error = "AccessDeniedException"
    with Heartbeat(TaskToken(TOKEN).beat, seconds=0.05):
        until(lambda: workflow.heartbeats(TOKEN) >= 3)


def test_heartbeats_stop_when_nobody_waits_any_more(workflow: WaitingWorkflow) -> None:
    workflow.error = "TaskTimedOut"
    with Heartbeat(TaskToken(TOKEN).beat, seconds=0.02):
        until(lambda: not beating(), "the end of the heartbeats")
    assert workflow.heartbeats(TOKEN) == 1


def test_the_heart_stops_when_the_work_fails() -> None:
    with pytest.raises(ValueError, match="work"), Heartbeat(lambda: True, seconds=0.02):
        raise ValueError("work")
    assert not beating()


def test_without_a_token_nothing_beats() -> None:
    with Heartbeat(None, seconds=0.01) as heart:
        assert heart is not None


def beating() -> bool:
    return any(thread.name == "heartbeat" for thread in threading.enumerate())
