"""The health check of the primary environment, asked from the secondary Region and outside any VPC."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lib.functions import clock, execution_input, record_table
from lib.functions.aws import client
from lib.functions.errors import FunctionError, Unhealthy, Unknown
from lib.functions.health import calls, heartbeat
from lib.functions.health.calls import Outcome, Reply
from lib.functions.health.metric_filter import is_filtered
from lib.functions.health.verdict import (
    HEARTBEAT_WORDS,
    STATUS_WORDS,
    WITH_STOP,
    Answer,
    Heartbeat,
    Status,
    Stop,
    is_region_silent,
    judge,
    known_status,
)
from lib.functions.log import logger
from lib.functions.mwaa import USABLE, created_at

_log = logger(__name__)

CONNECT, READ, ATTEMPTS = 3.0, 5.0, 2
"""Seconds, seconds and tries of each call. All are made at once, so the longest takes 2 x (3 + 5) s and a pause below
1 s: less than the 20 s that HEALTH_CHECK_TIMEOUT_SECS is at least."""

MARGIN = 2.0
"""Seconds of the invocation that are kept for the answer."""

_ERRORS: dict[Answer, type[FunctionError]] = {Answer.UNHEALTHY: Unhealthy, Answer.UNKNOWN: Unknown}

LONGEST_START = timedelta(hours=3)
"""So long after its creation an environment may still be at the end of a start, which then forgets the stop."""

HAS_LIVED = USABLE | {Status.UNAVAILABLE.value}
"""Statuses of an environment that has been available."""

OTHER_REGIONS = {"records": "the secondary Region", "witness": "the witness Region"}
"""The calls whose answers prove that our own network works."""

SIMULATED = "simulated: MWAA_SIMULATE_DR or the input asks for it"


@dataclass(frozen=True)
class Finding:
    """An answer, why, and what each of the calls came to."""

    answer: Answer
    reason: str
    checks: Mapping[str, str]
    created_at: str = ""
    """When the environment was created; empty where MWAA does not say it."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """`{"primary", "secondary_region", "witness_region", "records", "simulate", "input"}` -> `{"answer", "reason",
    "simulated", "created_at"}` when it is healthy, stopped or simulated; else raises Unhealthy or Unknown, with the
    reason as JSON.
    """
    if event["simulate"] or execution_input.read(event["input"]).simulate:
        return {"answer": Answer.UNHEALTHY.value, "reason": SIMULATED, "simulated": True, "created_at": ""}
    now = clock.now()
    finding = weigh(calls.ask(_questions(event, now), seconds=_seconds_left(context)), now, event["primary"])
    told = {"answer": finding.answer.value, "reason": finding.reason, "simulated": False}
    _log.info("health check", extra={**told, "checks": finding.checks})
    if error := _ERRORS.get(finding.answer):
        raise error(json.dumps({"reason": finding.reason, "checks": finding.checks, "simulated": False}))
    return {**told, "created_at": finding.created_at}


def weigh(replies: Mapping[str, Reply], now: datetime, primary: Mapping[str, str]) -> Finding:
    """The finding from the replies of `mwaa`, `cloudwatch`, `records` (secondary Region) and `witness`."""
    environment = replies["mwaa"].value if replies["mwaa"].outcome is Outcome.ANSWERED else {}
    status = known_status(environment["Status"]) if environment else Status(replies["mwaa"].outcome.value)
    pulse = _heartbeat(replies["cloudwatch"], environment, now)
    silent = [name for name in OTHER_REGIONS if replies[name].outcome is not Outcome.ANSWERED]
    answer = judge(status, pulse, network_works=not silent)
    words = [STATUS_WORDS.get(status) or f"MWAA says {status.value}", HEARTBEAT_WORDS[pulse]]
    if is_region_silent(status, pulse):
        words.append(_network_words(replies, silent))
    stop, before = recorded_stop(replies["records"], environment, now), answer
    answer = WITH_STOP[stop][before]
    if answer is not before or (stop is Stop.LEFT_BEHIND and answer is Answer.UNKNOWN):
        words.append(_stop_words(stop, replies["records"], primary))
    checks = {name: reply.words for name, reply in replies.items()} | {"status": status.value, "heartbeat": pulse.value}
    return Finding(answer, "; ".join(words), checks, created_at(environment))


def _heartbeat(reply: Reply, environment: Mapping[str, Any], now: datetime) -> Heartbeat:
    if reply.outcome is not Outcome.ANSWERED:
        return Heartbeat(reply.outcome.value)
    found = heartbeat.assess(reply.value, now, since=environment.get("CreatedAt"))
    options = environment.get("AirflowConfigurationOptions", {})
    if found is not Heartbeat.BEATING and is_filtered(options, environment.get("AirflowVersion", "")):
        return Heartbeat.FILTERED
    return found


def recorded_stop(records: Reply, environment: Mapping[str, Any], now: datetime) -> Stop:
    """What the records say of a stop, for an environment as MWAA tells of it; empty where it does not."""
    if records.outcome is not Outcome.ANSWERED:
        return Stop.NOT_TOLD
    if not records.value:
        return Stop.NONE
    created = environment.get("CreatedAt")
    if created is None or environment["Status"] not in HAS_LIVED:
        return Stop.RECORDED
    is_left = clock.moment(records.value["at"]) < created < now - LONGEST_START
    return Stop.LEFT_BEHIND if is_left else Stop.RECORDED


def _stop_words(stop: Stop, records: Reply, primary: Mapping[str, str]) -> str:
    if stop is Stop.NOT_TOLD:
        return f"the records do not tell whether it was stopped on purpose ({records.words})"
    told = f"it was stopped on purpose at {records.value['at']}"
    if stop is Stop.RECORDED:
        return told
    record, forget = record_table.stopped(primary), f"./build.sh start {primary['name']}"
    return f"the record {record} says that {told}, but it was created after that: {forget} forgets that record"


def _network_words(replies: Mapping[str, Reply], silent: list[str]) -> str:
    if not silent:
        return "the secondary and the witness Region answer"
    words = ", ".join(f"{OTHER_REGIONS[name]} is silent, too ({replies[name].words})" for name in silent)
    return f"our own network may be the reason: {words}"


def _questions(event: Mapping[str, Any], now: datetime) -> dict[str, Callable[[], Any]]:
    """The calls; the clients are made here, since boto3 does not make them in several threads at once."""
    name, region = event["primary"]["name"], event["primary"]["region"]
    mwaa, cloudwatch = _client("mwaa", region), _client("cloudwatch", region)
    table = record_table.RecordTable(event["records"], connect=CONNECT, read=READ, attempts=ATTEMPTS)
    return {
        "mwaa": lambda: _environment(mwaa, name),
        "cloudwatch": lambda: heartbeat.read(cloudwatch.get_metric_data(**heartbeat.query(name, now))),
        "records": lambda: table.get(record_table.stopped(event["primary"])),
        "witness": _witness(event["witness_region"]),
    }


def _environment(mwaa: Any, name: str) -> dict[str, Any]:
    try:
        environment: dict[str, Any] = mwaa.get_environment(Name=name)["Environment"]
    except mwaa.exceptions.ResourceNotFoundException:
        return {"Status": Status.NOT_FOUND.value}
    return environment


def _witness(region: str | None) -> Callable[[], Any]:
    """A call to a third Region that nobody can deny (it needs no permission); without one nobody vouches for us."""
    if region is None:
        return _no_witness
    sts = _client("sts", region)
    return lambda: bool(sts.get_caller_identity())


def _no_witness() -> None:
    raise LookupError("no third Region is configured")


def _client(service: str, region: str) -> Any:
    return client(service, region, connect=CONNECT, read=READ, attempts=ATTEMPTS)


def _seconds_left(context: Any) -> float:
    left: int = context.get_remaining_time_in_millis()
    return max(left / 1000 - MARGIN, 1.0)
