"""The approval of a recovery by a person: asked by a notification, answered in the table of records."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lib.functions import clock, executions, notify, record_table
from lib.functions.errors import NotApproved
from lib.functions.record_table import RecordTable

ANSWERS = ("APPROVED", "REFUSED")


def ask(event: Mapping[str, Any]) -> dict[str, Any]:
    """Tell how to approve until when; the first deadline of an execution stands, however often it is asked."""
    records, execution = event["records"], event["execution"]
    now = clock.now()
    asked = {
        "execution": execution,
        "at": clock.text(now),
        "deadline": clock.text(now + timedelta(minutes=event["deadline_mins"])),
    }
    name = record_table.approval(execution)
    table = RecordTable(records)
    known = table.get(name)
    if not known:
        table.put(name, asked)
    deadline = (known or asked)["deadline"]
    notify.publish(event["topic_arn"], f"Approve the recovery of {event['primary']['name']}?", _lines(event, deadline))
    return {"deadline": deadline}


def look(event: Mapping[str, Any]) -> dict[str, Any]:
    """APPROVED, REFUSED or WAITING; raises NotApproved when the deadline passed without an answer."""
    execution = event["execution"]
    asked = RecordTable(event["records"]).get(record_table.approval(execution))
    answer = asked.get("answer", "").strip().upper()
    if answer in ANSWERS:
        return {"answer": answer}
    if clock.is_past(asked.get("deadline", "")):
        raise NotApproved(
            f"nobody approved the recovery by {asked.get('deadline', 'the deadline')}; HINT: Approve it with "
            f"{_build(execution, 'APPROVED')} and redrive: {executions.redrive_command(execution)}"
        )
    return {"answer": "WAITING"}


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Write a person's answer, APPROVED or REFUSED, beside what was asked: `answered`, False where nothing was."""
    table, name = RecordTable(event["records"]), f"approval/{event['name']}"
    asked = table.get(name)
    if asked:
        table.put(name, {**asked, "answer": event["answer"]})
    return {"answered": bool(asked)}


OPERATIONS = {operation.__name__: operation for operation in (ask, look, answer)}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op": "ask", "records", "execution", "topic_arn", "primary", "reason", "deadline_mins"}` -> `{"deadline"}`;
    `{"op": "look", "records", "execution"}` -> `{"answer"}`;
    `{"op": "answer", "records", "name", "answer"}` -> `{"answered"}`.
    """
    return OPERATIONS[event["op"]](event)


def _lines(event: Mapping[str, Any], deadline: str) -> list[str]:
    primary, execution = event["primary"], event["execution"]
    until = datetime.fromisoformat(deadline)
    return [
        f"The environment {primary['name']} in {primary['region']} counts as failed: {event['reason']}",
        "",
        f"Recovery waits for your approval until {until:%Y-%m-%d %H:%M} UTC. Nothing has been changed yet.",
        "",
        f"To approve:    {_build(execution, 'APPROVED')}",
        f"To refuse:     {_build(execution, 'REFUSED')}",
        "",
        "Without this project at hand:",
        _aws(event["records"], execution, "APPROVED"),
        "",
        f"The execution that waits: {execution}",
    ]


def _build(execution: str, said: str) -> str:
    return f"./build.sh approve {executions.name(execution)}" + ("" if said == "APPROVED" else f" {said}")


def _aws(records: Mapping[str, str], execution: str, said: str) -> str:
    words = [
        *("aws", "dynamodb", "update-item", "--region", records["region"], "--table-name", records["table"]),
        *("--key", json.dumps({record_table.KEY: {"S": record_table.approval(execution)}})),
        *("--update-expression", "SET answer = :answer"),
        *("--expression-attribute-values", json.dumps({":answer": {"S": said}})),
        *("--condition-expression", "attribute_exists(deadline)"),
    ]
    return shlex.join(words)
