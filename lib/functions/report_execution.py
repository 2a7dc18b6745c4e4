"""The report of an execution that failed, timed out or was aborted: the step, the reason, and how to go on.

Of one that has begun or has succeeded `progress` tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lib.functions import executions, failures, notify, progress
from lib.functions.aws import error_text
from lib.functions.log import logger
from lib.functions.repeated import Repeated

_log = logger(__name__)

PAGES = 10
"""Pages of 1,000 events of the history that are read, newest first."""

ANEW = frozenset({"LeaseLost", "StillBusy"})
"""After these a redrive meets the same again; a new execution acts itself, or backs up again."""

_ADDED = ("input", "error", "cause", "redriveCount", "redriveStatus", "redriveStatusReason")
_ENDS = {"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "was aborted"}


@dataclass(frozen=True)
class Failure:
    """Where an execution ended, and why."""

    step: str
    error: str
    cause: str

    @property
    def reason(self) -> str:
        """The reason in words."""
        return failures.reason(self.error, self.cause)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"event": an Execution Status Change, "topic_arn", "checks"}` -> `{"step", "reason"}`, told to the topic.

    With `checks`, `{"records", "acts_from"}`, the same failure of executions that the schedule started is told once an
    hour, as long as they have not come to the state `acts_from`.
    """
    if event["event"]["detail"]["status"] in progress.STATUSES:
        return progress.tell(event)
    detail = _described(event["event"]["detail"])
    failure = _failure(detail)
    repeated = _repeated(event.get("checks"), detail, failure)
    if not repeated or repeated.is_told:
        name = executions.name(detail["stateMachineArn"])
        end = _ENDS.get(detail["status"], detail["status"])
        more = [repeated.words, ""] if repeated else []
        lines = _lines(detail, failure, f"{name} {end}", more)
        notify.publish(event["topic_arn"], f"{name} {end}: {failure.step}", lines)
    if repeated:  # only now: a report that could not be sent is asked for again
        repeated.remember()
    return {"step": failure.step, "reason": failure.reason}


def find(history: Iterator[Mapping[str, Any]], told: Failure) -> Failure:
    """The step that was left last and never ended, and the newest error in it, from the events, newest first."""
    error, cause = told.error, told.cause
    for event in history:
        for name, details in event.items():
            if name.endswith("EventDetails") and not (error or cause):
                error, cause = details.get("error", ""), details.get("cause", "")
        if event["type"].endswith("StateEntered"):
            return Failure(event["stateEnteredEventDetails"]["name"], error, cause)
    return Failure(told.step, error, cause)


def _repeated(checks: Mapping[str, Any] | None, detail: Mapping[str, Any], failure: Failure) -> Repeated | None:
    """The failure among those like it; None for an execution of a person, and for one that acts, or may have acted."""
    if not checks or _input(detail) != {} or detail.get("redriveCount"):
        return None
    if _may_have_entered(checks["acts_from"], detail["executionArn"]):
        return None
    return Repeated.of(checks["records"], detail["status"], failure.step, failure.error)


def _may_have_entered(state: str, arn: str) -> bool:
    """Whether an execution came to a state, by the beginning of its history; True where that does not tell."""
    try:
        page = executions.steps(arn).get_execution_history(
            executionArn=arn, includeExecutionData=False, maxResults=1000
        )
    except (ClientError, BotoCoreError) as error:
        _log.warning("the history cannot be read", extra={"why": error_text(error)})
        return True
    return "nextToken" in page or any(
        event.get("stateEnteredEventDetails", {}).get("name") == state for event in page["events"]
    )


def _described(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The event, and what Step Functions adds: input, error, cause, and whether a redrive is possible."""
    arn = detail["executionArn"]
    try:
        described = executions.steps(arn).describe_execution(executionArn=arn)
    except (ClientError, BotoCoreError) as error:
        _log.warning("the execution cannot be described", extra={"why": error_text(error)})
        return dict(detail)
    return {**detail, **{name: described[name] for name in _ADDED if name in described}}


def _failure(detail: Mapping[str, Any]) -> Failure:
    """What the history says; where it cannot be read, what the event says."""
    told = Failure("a step that the history does not show", detail.get("error") or "", detail.get("cause") or "")
    try:
        return find(_history(detail["executionArn"]), told)
    except (ClientError, BotoCoreError) as error:
        _log.warning("the history cannot be read", extra={"why": error_text(error)})
        return told


def _history(arn: str) -> Iterator[Mapping[str, Any]]:
    """The events, newest first, without inputs and outputs: these may hold a task token."""
    states = executions.steps(arn)
    more: dict[str, str] = {}
    for _ in range(PAGES):
        page = states.get_execution_history(
            executionArn=arn, reverseOrder=True, includeExecutionData=False, maxResults=1000, **more
        )
        yield from page["events"]
        if "nextToken" not in page:
            return
        more = {"nextToken": page["nextToken"]}


def _lines(detail: Mapping[str, Any], failure: Failure, what: str, more: list[str]) -> list[str]:
    return [
        f"The execution {detail['name']} of {what}.",
        "",
        f"Step:   {failure.step}",
        f"Reason: {failure.reason}",
        "",
        *more,
        *_next(detail, failure),
        "",
        f"Execution: {detail['executionArn']}",
    ]


def _next(detail: Mapping[str, Any], failure: Failure) -> list[str]:
    redrive = executions.redrive_command(detail["executionArn"])
    start = _start(detail)
    if failure.error in ANEW:
        return ["Start a new execution, which goes on with what is there; a redrive would fail again:", *start]
    if detail.get("redriveStatus") == "NOT_REDRIVABLE":
        why = detail.get("redriveStatusReason") or "Step Functions says so"
        return [f"Start a new execution, which goes on with what is there; no redrive is possible ({why}):", *start]
    return [
        "When the reason is mended, go on from this step, within 14 days and if no newer execution acts:",
        redrive,
        "or start a new execution, which goes on with what is there:",
        *start,
    ]


def _start(detail: Mapping[str, Any]) -> list[str]:
    """The command for a new execution; an input that is not known is not passed off as an empty one."""
    given = _input(detail)
    # With the moment of its schedule a new execution would be too late, instead of one that a person wants.
    asked = {name: value for name, value in (given or {}).items() if name != "scheduled_for"}
    command = executions.start_command(detail["stateMachineArn"], asked)
    unknown = "(The input of this execution cannot be read: the command has an empty one. Add the flags that it had.)"
    return [command] if given is not None else [command, unknown]


def _input(detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """The input of the execution; None where it is not told whole."""
    try:
        given = json.loads(detail.get("input") or "")
    except ValueError:
        return None
    return given if isinstance(given, dict) else None
