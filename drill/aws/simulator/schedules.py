"""EventBridge Scheduler: fires within half a second, in the schedule's time zone, as the schedule's own role.

AWS: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (rates count from the creation, crons
follow ScheduleExpressionTimezone), .../managing-targets-context.html (<aws.scheduler.*> in the input) and
.../setting-up.html#setting-up-execution-role (the target is called as that role).
"""

from __future__ import annotations

import logging
import os
import time
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import botocore.exceptions
from ministack.core.responses import new_uuid, request_scope
from ministack.services import eventbridge, scheduler

from drill.aws.simulator import identity
from drill.aws.simulator.state import door, on_reset

logger = logging.getLogger("drill.schedules")

SWEEP_SECONDS = 0.5
Key = tuple[str, str, str]  # account, Region, group and name


class Scale:
    """By how much rates are shortened: 0.1 fires `rate(5 minutes)` every 30 seconds; whether crons and moments fire."""

    rates = float(os.environ.get("DRILL_SCHEDULE_SCALE", "1"))
    clock = True


_START = Scale.rates


def mend() -> None:
    """Replace the sweep."""
    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS
    scheduler._tick_schedules = sweep


def sweep() -> None:
    """Fire what is due."""
    now = time.time()
    for key, schedule in list(scheduler._schedules._data.items()):
        if _is_live(schedule, now) and _is_due(key, schedule, now):
            scheduler._schedule_last_fired[key] = now
            fire(key, schedule, now)
            if _is_once(schedule) and schedule.get("ActionAfterCompletion") == "DELETE":
                scheduler._schedules._data.pop(key, None)


def _is_live(schedule: dict[str, Any], now: float) -> bool:
    start, end = scheduler._to_epoch(schedule.get("StartDate")), scheduler._to_epoch(schedule.get("EndDate"))
    return schedule["State"] == "ENABLED" and (start is None or now >= start) and (end is None or now <= end)


def _is_once(schedule: dict[str, Any]) -> bool:
    return bool(schedule["ScheduleExpression"].startswith("at("))


def _is_due(key: Key, schedule: dict[str, Any], now: float) -> bool:
    expression, zone = schedule["ScheduleExpression"], ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    last = scheduler._schedule_last_fired.get(key)
    if not Scale.clock and not expression.startswith("rate("):
        return False
    if _is_once(schedule):
        moment = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone)
        return last is None and now >= moment.timestamp()
    since = max(last or 0, schedule["CreationDate"])
    seconds = eventbridge._parse_rate_seconds(expression)
    if seconds is not None:
        return bool(now - since >= seconds * Scale.rates)
    fields = eventbridge._parse_cron_fields(expression)
    following = fields and eventbridge._cron_next_fire(fields, datetime.fromtimestamp(since, tz=zone))
    return bool(following and now >= following.timestamp())


def fire(key: Key, schedule: dict[str, Any], now: float) -> None:
    """Call the target of a schedule as its role."""
    account, region, name = key
    target = schedule["Target"]
    text = target.get("Input") or "{}"
    moment = datetime.fromtimestamp(now, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": moment,
        "execution-id": new_uuid(),
        "attempt-number": "1",
    }
    for word, value in known.items():
        text = text.replace(f"<aws.scheduler.{word}>", value)
    try:
        with request_scope(account, region):
            _call(region, target, text, name)
    except botocore.exceptions.ClientError as error:
        logger.warning("schedule could not call its target: %s", error, extra={"schedule": name})


def _call(region: str, target: dict[str, Any], text: str, name: str) -> None:
    def client(service: str) -> Any:
        return identity.client(service, region, target["RoleArn"], f"scheduler-{name.rpartition('/')[2]}")

    if ":states:" in target["Arn"]:
        client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=text)
    elif ":lambda:" in target["Arn"]:
        client("lambda").invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=text.encode())
    else:
        logger.warning("this simulator's schedules call state machines and functions only: %s", target["Arn"])


@door("schedules/scale")
def scale(rates: float) -> None:
    """Shorten rates from now on."""
    Scale.rates = rates


@door("schedules/clock")
def clock(runs: bool) -> None:
    """Whether crons and moments fire from now on."""
    Scale.clock = runs


@door("schedules/fire")
def fire_now(region: str, name: str, group: str = "default") -> None:
    """Let a schedule fire now, whatever its expression and state say."""
    for key, schedule in list(scheduler._schedules._data.items()):
        if key[1:] == (region, f"{group}/{name}"):
            fire(key, schedule, time.time())
            return
    raise KeyError(f"there is no schedule {group}/{name} in {region}")


@door("schedules/age")
def age(region: str, name: str, minutes: float) -> None:
    """Let a schedule, of the group `default`, have been made, and have fired, so long ago."""
    places = [key for key in scheduler._schedules._data if key[1:] == (region, f"default/{name}")]
    if not places:
        raise KeyError(f"there is no schedule {name} in {region}")
    then = time.time() - minutes * 60
    scheduler._schedule_last_fired[places[0]] = scheduler._schedules._data[places[0]]["CreationDate"] = then


@on_reset
def _forget() -> None:
    scheduler._schedule_last_fired.clear()
    Scale.rates, Scale.clock = _START, True
