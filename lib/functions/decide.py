"""The decision after a health check: end, watch, tell somebody, or recover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lib.functions import clock, failures
from lib.functions.health.verdict import Answer
from lib.functions.notify import TOLD_EVERY
from lib.functions.record_table import HEALTH, REFUSAL, RecordTable

_CAUGHT = {"Unhealthy": Answer.UNHEALTHY}
"""Any other error that was caught (a crash, a time-out, a throttled invocation) leaves us without an answer."""


@dataclass(frozen=True)
class Health:
    """What a health check, with its retries, came to."""

    answer: Answer
    reason: str
    simulated: bool = False


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"health", "records", "execution", "consecutive", "failover_on_unknown"}` -> `{"decision", "reason", "notify",
    "in_a_row"}`; `decision` is HEALTHY, STOPPED, WATCH, UNKNOWN or RECOVER.
    """
    health = read(event["health"])
    if health.simulated:  # a drill does not wait, and says nothing about the primary
        return {"decision": "RECOVER", "reason": health.reason, "notify": False, "in_a_row": 0}
    table = RecordTable(event["records"])
    last = table.get(HEALTH)
    counts = counting(failover_on_unknown=event["failover_on_unknown"])
    in_a_row = row(last, health.answer, event["execution"], counts)
    decision = decide(health.answer, in_a_row, event["consecutive"], counts)
    if decision == "RECOVER" and (refusal := table.get(REFUSAL)):
        decision, health = "WATCH", replace(health, reason=f"{health.reason}; {_refused(refusal)}")
    if has_turned_well(last, health.answer):
        table.delete(REFUSAL)
    notify = is_told(last, health.answer, decision)
    table.put(HEALTH, _record(last, health, event["execution"], in_a_row, notify=notify))
    return {"decision": decision, "reason": health.reason, "notify": notify, "in_a_row": in_a_row}


def read(health: Mapping[str, Any]) -> Health:
    """What the health check returned, or the error that was caught."""
    if "answer" in health:
        return Health(Answer(health["answer"]), health.get("reason", ""), bool(health.get("simulated")))
    error = str(health.get("Error", ""))
    return Health(_CAUGHT.get(error, Answer.UNKNOWN), failures.reason(error, str(health.get("Cause", ""))))


def counting(*, failover_on_unknown: bool) -> frozenset[Answer]:
    """The answers that lead to recovery when enough of them follow each other."""
    return frozenset({Answer.UNHEALTHY, Answer.UNKNOWN} if failover_on_unknown else {Answer.UNHEALTHY})


def row(last: Mapping[str, str], answer: Answer, execution: str, counts: frozenset[Answer]) -> int:
    """How many checks in a row, this one included, had an answer that counts."""
    if answer not in counts:
        return 0
    before = int(last.get("in_a_row", "0"))
    # Asked again by the same execution, as after a lost answer or a redrive: it is the same check.
    return max(before, 1) if last.get("execution") == execution else before + 1


def decide(answer: Answer, in_a_row: int, consecutive: int, counts: frozenset[Answer]) -> str:
    """The decision, in one word."""
    if answer in counts and in_a_row >= consecutive:
        return "RECOVER"
    return "WATCH" if answer is Answer.UNHEALTHY else answer.value


def is_told(last: Mapping[str, str], answer: Answer, decision: str) -> bool:
    """Whether somebody is told now: when the answer has turned bad, and then once an hour; a recovery tells itself."""
    if decision not in ("WATCH", "UNKNOWN"):
        return False
    return last.get("answer") != answer.value or clock.is_past(last.get("notified_at", ""), after=TOLD_EVERY)


def has_turned_well(last: Mapping[str, str], answer: Answer) -> bool:
    """Whether this is the first good answer after others."""
    return answer in (Answer.HEALTHY, Answer.STOPPED) and last.get("answer") != answer.value


def _refused(refusal: Mapping[str, str]) -> str:
    return f"recovery was refused at {refusal['at']}, which holds until the primary has been healthy again"


def _record(last: Mapping[str, str], health: Health, execution: str, in_a_row: int, *, notify: bool) -> dict[str, str]:
    now = clock.text(clock.now())
    notified = now if notify else last.get("notified_at", "")
    record = {"answer": health.answer.value, "in_a_row": str(in_a_row), "execution": execution, "at": now}
    return {**record, "reason": health.reason, **({"notified_at": notified} if notified else {})}
