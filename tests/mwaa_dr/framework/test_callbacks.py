"""What a waiting workflow and the failure topic hear when a run has ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from mwaa_dr.framework.callbacks import SUBJECT_LIMIT, tell, tell_from_task
from mwaa_dr.framework.factory.run import FAILURE, RESULT, Failure, Run
from mwaa_dr.framework.model.setting import Operation
from tests.support.waiting_workflow import WaitingWorkflow

TOKEN = "AQCsecret/token+1=="
TOPIC = "arn:aws:sns:eu-west-1:123456789012:failures"
DONE = {"operation": "backup", "backup_id": "B1", "rows": 7, "promoted": True, "active_dags": []}
REFUSED = {"error": "StorageError", "line": "the bucket refuses", "hint": "Grant s3:PutObject."}


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[WaitingWorkflow]:
    """The workflow that the test's calls reach; whatever happens, its token must not be logged."""
    caplog.set_level(logging.DEBUG)
    with WaitingWorkflow() as waiting:
        for name, value in waiting.environ.items():
            monkeypatch.setenv(name, value)
        yield waiting
    assert TOKEN not in caplog.text


def ended_run(left: dict[str, Any] | None = None, conf: object = None, reason: str = "") -> Run:
    """A run that ended, with the XComs that its task left."""
    xcoms = dict(left or {})
    return Run(
        dag_id="backup_metadata",
        run_id="manual__1",
        conf={"task_token": TOKEN} if conf is None else conf,
        log_url="https://web/log",
        reason=reason,
        pull=xcoms.get,
        push=xcoms.__setitem__,
    )


def end(
    run: Run,
    operation: Operation = Operation.BACKUP,
    *,
    succeeded: bool = True,
    topic: str = TOPIC,
    environ: Any = None,
) -> None:
    variables = {"DR_SNS_TOPIC_ARN": topic}
    named = {"AIRFLOW_ENV_NAME": "prod", "AWS_REGION": "eu-west-1", **(environ or {})}
    tell(operation, run, succeeded=succeeded, variable=variables.get, environ=named)


@pytest.mark.parametrize("operation", list(Operation))
def test_a_run_that_succeeded_answers_with_its_result(workflow: WaitingWorkflow, operation: Operation) -> None:
    end(ended_run({RESULT: DONE}), operation)
    [(action, sent)] = workflow.answers(TOKEN)
    assert action == "SendTaskSuccess"
    assert json.loads(sent["output"])["backup_id"] == "B1"
    assert workflow.published() == []


@pytest.mark.parametrize("operation", list(Operation))
def test_a_run_that_failed_answers_with_the_error_that_its_task_left(
    workflow: WaitingWorkflow, operation: Operation
) -> None:
    end(ended_run({FAILURE: REFUSED}), operation, succeeded=False)
    [(action, sent)] = workflow.answers(TOKEN)
    assert action == "SendTaskFailure"
    assert sent["error"] == "StorageError"
    assert sent["cause"] == "the bucket refuses\nHINT: Grant s3:PutObject."


def test_a_second_callback_for_the_same_run_tells_nobody(workflow: WaitingWorkflow) -> None:
    run = ended_run({FAILURE: REFUSED})
    end(run, succeeded=False)
    end(run, succeeded=False)
    assert len(workflow.answers(TOKEN)) == 1
    assert len(workflow.published()) == 1


def test_a_killed_task_is_answered_though_it_left_no_word(workflow: WaitingWorkflow) -> None:
    end(ended_run(reason="task_failure"), Operation.RESTORE, succeeded=False)
    [(action, sent)] = workflow.answers(TOKEN)
    assert (action, sent["error"]) == ("SendTaskFailure", "TaskKilled")


def test_a_run_that_took_too_long_says_so(workflow: WaitingWorkflow) -> None:
    told_to_end = {"error": "AirflowException", "line": "Task received SIGTERM signal"}
    end(ended_run({FAILURE: told_to_end}, reason="timed_out"), Operation.RESTORE, succeeded=False)
    [(_, sent)] = workflow.answers(TOKEN)
    assert sent["error"] == "RunTimedOut"


def test_a_run_marked_as_success_by_hand_is_no_success_for_the_workflow(workflow: WaitingWorkflow) -> None:
    end(ended_run(), Operation.BACKUP, succeeded=True)
    [(action, sent)] = workflow.answers(TOKEN)
    assert (action, sent["error"]) == ("SendTaskFailure", "NoResult")


def test_an_xcom_backend_that_fails_does_not_silence_the_answer(workflow: WaitingWorkflow) -> None:
    def broken(*arguments: object) -> object:
        raise RuntimeError(*arguments)

    run = Run("restore_metadata", "r", {"task_token": TOKEN}, pull=broken, push=cast("Any", broken))
    end(run, Operation.RESTORE, succeeded=False)
    assert len(workflow.answers(TOKEN)) == 1


@pytest.mark.parametrize("conf", [{}, None, [], "text", {"task_token": ""}, {"task_token": None}])
def test_without_a_token_no_workflow_is_called(workflow: WaitingWorkflow, conf: object) -> None:
    end(ended_run({FAILURE: REFUSED}, conf=conf if conf is not None else {}), succeeded=False)
    assert workflow.answers(TOKEN) == []
    assert len(workflow.published()) == 1


def test_a_wrong_setting_does_not_silence_the_answer(workflow: WaitingWorkflow) -> None:
    conf = {"task_token": TOKEN, "task_token_region": "No Region", "nonsense": 1}
    end(ended_run({FAILURE: REFUSED}, conf=conf), succeeded=False, topic="no-arn")
    assert len(workflow.answers(TOKEN)) == 1
    assert workflow.published() == []


def test_a_topic_that_refuses_changes_nothing(workflow: WaitingWorkflow, caplog: pytest.LogCaptureFixture) -> None:
    workflow.error = "AuthorizationError"
    end(ended_run({FAILURE: REFUSED}, conf={}), succeeded=False)
    assert "could not be told" in caplog.text


def test_only_a_backup_goes_to_the_topic(workflow: WaitingWorkflow) -> None:
    end(ended_run({FAILURE: REFUSED}), Operation.RESTORE, succeeded=False)
    end(ended_run({FAILURE: REFUSED}), Operation.CLEANUP, succeeded=False)
    assert workflow.published() == []


def test_the_notification_of_a_failure_says_what_where_and_what_to_do(workflow: WaitingWorkflow) -> None:
    end(ended_run({FAILURE: REFUSED}), succeeded=False)
    [sent] = workflow.published()
    assert sent["TopicArn"] == TOPIC
    assert sent["Subject"] == "[mwaa_dr] Backup failed: prod"
    assert sent["Message"].splitlines() == [
        "Environment: prod",
        "Region: eu-west-1",
        "DAG: backup_metadata",
        "Run: manual__1",
        "Error: the bucket refuses",
        "Hint: Grant s3:PutObject.",
        "Log: https://web/log",
    ]


def test_a_backup_that_shrank_is_published_though_it_succeeded(workflow: WaitingWorkflow) -> None:
    end(ended_run({RESULT: {**DONE, "promoted": False, "notes": ["dag_run lost 80 % of its rows."]}}))
    [sent] = workflow.published()
    assert sent["Subject"] == "[mwaa_dr] Backup shrank: prod"
    assert "Backup: B1\nError: dag_run lost 80 % of its rows." in sent["Message"]
    [(action, answer)] = workflow.answers(TOKEN)
    assert action == "SendTaskSuccess"
    assert json.loads(answer["output"])["promoted"] is False


def test_the_subject_is_short_and_plain(workflow: WaitingWorkflow) -> None:
    end(ended_run({FAILURE: REFUSED}), succeeded=False, environ={"AIRFLOW_ENV_NAME": "e" * 80})
    [sent] = workflow.published()
    assert len(sent["Subject"]) <= SUBJECT_LIMIT
    assert sent["Subject"].isascii()


def test_many_active_dags_do_not_swell_the_output(workflow: WaitingWorkflow) -> None:
    end(ended_run({RESULT: {**DONE, "active_dags": ["d" * 200] * 5000}}), Operation.CLEANUP)
    [(_, sent)] = workflow.answers(TOKEN)
    assert json.loads(sent["output"])["active_dags"] == 5000


CONFIG_ONLY = {"task_token": TOKEN, "mode": "CONFIG_ONLY"}


def deaf(left: dict[str, Any], reason: str = "") -> Run:
    """A run of which the callback hears nothing: there is no database, and Airflow 3 gives a callback no XCom."""

    def pull(key: str) -> object:
        raise RuntimeError("no database")

    return replace(ended_run(conf=CONFIG_ONLY, reason=reason), pull=pull, push=left.__setitem__)


def from_task(run: Run, word: Any) -> None:
    tell_from_task(
        Operation.BACKUP,
        run,
        word,
        variable={"DR_SNS_TOPIC_ARN": TOPIC}.get,
        environ={"AIRFLOW_ENV_NAME": "prod", "AWS_REGION": "eu-west-1"},
    )


def test_without_the_database_the_task_tells_of_its_success(workflow: WaitingWorkflow) -> None:
    run = deaf({})
    from_task(run, DONE)
    end(run)
    [(action, sent)] = workflow.answers(TOKEN)
    assert (action, json.loads(sent["output"])["backup_id"]) == ("SendTaskSuccess", "B1")
    assert workflow.published() == []


def test_without_the_database_the_task_tells_of_its_failure(workflow: WaitingWorkflow) -> None:
    run = ended_run(conf=CONFIG_ONLY)
    from_task(run, Failure("SecretError", "variable 'lost' holds a masked value"))
    end(run, succeeded=False)
    [(action, sent)] = workflow.answers(TOKEN)
    assert (action, sent["error"]) == ("SendTaskFailure", "SecretError")
    assert [message["Subject"] for message in workflow.published()] == ["[mwaa_dr] Backup failed: prod"]


def test_a_backup_that_shrank_is_told_by_its_task_too(workflow: WaitingWorkflow) -> None:
    run = deaf({})
    from_task(run, {**DONE, "promoted": False})
    end(run)
    assert [message["Subject"] for message in workflow.published()] == ["[mwaa_dr] Backup shrank: prod"]


@pytest.mark.parametrize(("reason", "error"), [("task_failure", "RunFailed"), ("timed_out", "RunTimedOut")])
def test_a_task_that_could_not_tell_is_answered_for(workflow: WaitingWorkflow, reason: str, error: str) -> None:
    end(deaf({}, reason), succeeded=False)
    [(action, sent)] = workflow.answers(TOKEN)
    assert (action, sent["error"]) == ("SendTaskFailure", error)


def test_with_the_database_the_task_leaves_it_to_the_callback(workflow: WaitingWorkflow) -> None:
    from_task(ended_run(), DONE)
    assert workflow.calls == []
