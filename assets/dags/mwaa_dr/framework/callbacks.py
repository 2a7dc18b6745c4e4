"""What the world hears when a run has ended: the waiting workflow, and the topic of failed backups."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from mwaa_dr.framework import aws
from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.factory.run import FAILURE, RESULT, TOLD, Failure, Run
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.model.setting import Operation
from mwaa_dr.framework.settings import Variable, read_setting
from mwaa_dr.framework.task_token import TaskToken

logger = logging.getLogger(__name__)

SUBJECT_LIMIT = 100
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

RUN_TIMED_OUT = Failure(
    "RunTimedOut", "the run took longer than its DAG allows", "The task's log says how far it came."
)

TASK_KILLED = Failure(
    "TaskKilled",
    "the task ended without a word: killed, out of memory, or its worker went away",
    "See the task's log, and the worker's memory at that time.",
)

NO_RESULT = Failure(
    "NoResult",
    "the run ended as success, but its task left no result",
    "Somebody may have marked it as success by hand; nothing proves that the work was done.",
)


UNHEARD = Failure(
    "RunFailed",
    "the run failed",
    "Its task's log says why; without the database a callback cannot hear it. Where the task could, it told before.",
)

UNREAD = object()
"""In the place of an XCom that could not be read."""


@dataclass(frozen=True)
class Ending:
    """How a run of one of our DAGs ended, and where to look up whom to tell."""

    operation: Operation
    run: Run
    result: Mapping[str, Any]
    """What the task left when it was done; empty where it did not come that far."""
    failure: Failure | None
    setting: Callable[[str], Any]


def tell(operation: Operation, run: Run, *, succeeded: bool, variable: Variable, environ: Mapping[str, str]) -> None:
    """Answer the task token, and publish a backup that failed or shrank.

    Once for each run: Airflow may call back twice, when a timed-out task writes its stale run back as running.
    """

    def setting(name: str) -> Any:
        return _lenient(name, run.conf, variable, environ)

    told = _pull(run, TOLD)
    unheard = told is UNREAD and setting("mode") is Mode.CONFIG_ONLY
    # Without the database the task tells of its success itself.
    if (unheard and succeeded) or (told and told is not UNREAD):
        logger.info("run %s was told of before", run.run_id)
        return
    found = _pull(run, RESULT)
    result = dict(found) if isinstance(found, Mapping) else {}
    failure = _failure(run, result, succeeded)
    ending = Ending(operation, run, result, UNHEARD if unheard and failure is TASK_KILLED else failure, setting)
    token = setting("task_token")
    if token:
        answer(ending, TaskToken(token, setting("task_token_region") or setting("region")))
    if operation is Operation.BACKUP and (ending.failure or result.get("promoted") is False):
        publish(ending)
    _remember(run)


def tell_from_task(
    operation: Operation,
    run: Run,
    word: Mapping[str, Any] | Failure,
    *,
    variable: Variable,
    environ: Mapping[str, str],
) -> None:
    """Tell of a run without the database while its task still runs: no callback may ever hear what the task left."""
    if _lenient("mode", run.conf, variable, environ) is not Mode.CONFIG_ONLY:
        return
    failed = isinstance(word, Failure)
    left = {FAILURE: asdict(word)} if isinstance(word, Failure) else {RESULT: word}
    tell(operation, replace(run, pull=left.get), succeeded=not failed, variable=variable, environ=environ)


def answer(ending: Ending, token: TaskToken) -> None:
    """Tell the workflow that waits for this run."""
    if ending.failure:
        token.fail(ending.failure.error, str(ending.failure))
    else:
        token.succeed(_output(ending.result))


def publish(ending: Ending) -> None:
    """Tell the topic; trouble with it is logged, since the run has ended."""
    topic = ending.setting("sns_topic_arn")
    if not topic:
        logger.info("nobody is told: there is no DR_SNS_TOPIC_ARN")
        return
    subject, message = notification(ending)
    try:
        aws.client("sns", topic.split(":")[3]).publish(TopicArn=topic, Subject=subject, Message=message)
    except Exception as err:  # noqa: BLE001 - boto3 has no common class, and the callback goes on
        logger.error("the topic %s could not be told (%s)", topic, aws.error_code(err))  # noqa: TRY400 - see aws.py


def notification(ending: Ending) -> tuple[str, str]:
    """Subject and message for people."""
    environment = ending.setting("environment_name")
    told = ending.failure or _shrank(ending.result)
    subject = f"[mwaa_dr] Backup {'failed' if ending.failure else 'shrank'}: {environment}"
    lines = {
        "Environment": environment,
        "Region": ending.setting("region"),
        "DAG": ending.run.dag_id,
        "Run": ending.run.run_id,
        "Backup": ending.result.get("backup_id"),
        "Error": told.line,
        "Hint": told.hint,
        "Log": ending.run.log_url,
    }
    message = "\n".join(f"{name}: {value}" for name, value in lines.items() if value)
    return subject.encode("ascii", "replace").decode()[:SUBJECT_LIMIT], message


def _failure(run: Run, result: Mapping[str, Any], succeeded: bool) -> Failure | None:
    if succeeded:
        return None if result else NO_RESULT
    if run.reason == "timed_out":  # the task may have left a word, too: that it was told to end
        return RUN_TIMED_OUT
    left = _pull(run, FAILURE)
    if isinstance(left, Mapping) and left.get("line"):
        return Failure(str(left.get("error") or "Error"), str(left["line"]), str(left.get("hint") or ""))
    return TASK_KILLED


def _shrank(result: Mapping[str, Any]) -> Failure:
    notes = result.get("notes")
    why = " ".join(str(note) for note in notes) if isinstance(notes, list) else ""
    return Failure(
        "BackupShrank",
        why or "the backup has far fewer rows than the last one",
        "It is kept, but `latest` still is the one before: see whether rows were lost or meant to go.",
    )


def _output(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result without its one list that can be long."""
    return {**result, "active_dags": len(result.get("active_dags") or ())}


def _pull(run: Run, key: str) -> object:
    try:
        return run.pull(key)
    except Exception as err:  # noqa: BLE001 - an XCom backend may raise anything, the answer must go out
        logger.error("XCom '%s' cannot be read (%s)", key, type(err).__name__)  # noqa: TRY400 - it may hold values
        return UNREAD


def _remember(run: Run) -> None:
    try:
        run.push(TOLD, True)
    except Exception as err:  # noqa: BLE001 - everybody was told, and a second answer does no harm
        logger.warning("XCom '%s' cannot be written (%s)", TOLD, type(err).__name__)


def _lenient(name: str, conf: object, variable: Variable, environ: Mapping[str, str]) -> Any:
    """One setting, or its default where it is wrong: a wrong one must not silence the answer."""
    try:
        return read_setting(name, conf=conf, variable=variable, environ=environ)
    except SettingError as err:
        logger.warning("%s", err.message)
        return read_setting(name, conf={}, variable=lambda _: None, environ={})
