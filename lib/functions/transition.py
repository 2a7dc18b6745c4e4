"""The first and the last step of a stop or a start: whether it is due, and what is told of it.

Permissions: dynamodb:GetItem and PutItem on the table of records, and GetItem on that of disaster recovery;
ssm:GetCalendarState.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lib.functions import clock, overrides, transition_input
from lib.functions.aws import client, error_text
from lib.functions.errors import Misconfigured
from lib.functions.log import logger
from lib.functions.overrides import Override
from lib.functions.record_table import FAILED_OVER, RecordTable

_log = logger(__name__)

LATE = timedelta(minutes=30)
"""A stop that comes later than that may meet people at work; a start does no harm then."""

_OVER = {"stop": "is stopped", "start": "is there again"}
_ROWS = {"stop": "are in the backup", "start": "came back from the backup"}
_DAGS = {"stop": "were active", "start": "are active"}


def decide(event: Mapping[str, Any]) -> dict[str, Any]:
    """`{"what", "environment", "records", "also_records", "input", "days_off", "calendar", "when_busy", "execution"}`
    -> `{"act", "reason", "notify", "scheduled", "scheduled_for", "when_busy", "backup_id"}`; raises Misconfigured for
    an unknown input. `when_busy` is what the input says, or else what it was.

    `also_records` are those of disaster recovery: while the environment runs in the other Region, no schedule starts it
    a second time. `days_off` are `{"day", "begins", "ends"}`, as `lib.config.transitions` has them. What a person
    starts is always due. `notify`: the reason is to be told, whatever is decided.
    """
    asked = transition_input.read(event["what"], event["input"])
    said = {
        "scheduled": bool(asked.scheduled_for),
        "scheduled_for": clock.text(asked.scheduled_for) if asked.scheduled_for else "",
        "when_busy": asked.when_busy or event["when_busy"],
        "backup_id": asked.backup_id,
    }
    if asked.override:
        return {**_noted(event, *asked.override), **said}
    if not asked.scheduled_for:
        elsewhere, _ = _elsewhere(event)
        reason = "; ".join(filter(None, ["a person started it", elsewhere]))
        return {**_decision(reason, notify=bool(elsewhere)), **said}
    at = asked.scheduled_for
    reasons = (_late, _held, _off, _recovered, _closed)
    found = next(filter(None, (reason(event, at) for reason in reasons)), None)
    return {**(found or _due(at)), **said}


def tell(event: Mapping[str, Any]) -> dict[str, str]:
    """`{"what", "environment", "started_at", "facts", "cost_per_hour"|null, "stopped_at"|null}` -> `{"subject",
    "message"}`: how long it took, what was carried, and after a start how long it was away and what that saved.

    Facts are `rows`, `backup_id`, `active` (DAGs) and `warnings`, each of which may be left out.
    """
    place = event["environment"]
    subject = f"{place['name']} {_OVER[event['what']]}"
    said = " ".join(_sentences(event, f"The environment {place['name']} in {place['region']} {_OVER[event['what']]}"))
    warnings = [f"WARNING: {warning}" for warning in event["facts"].get("warnings") or ()]
    return {"subject": subject, "message": "\n".join([said, *warnings])}


OPERATIONS = {operation.__name__: operation for operation in (decide, tell)}


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"op", ...}` -> what the operation `op` says that it returns."""
    return OPERATIONS[event["op"]](event)


def words(length: timedelta) -> str:
    """A duration as people say it.

    >>> words(timedelta(minutes=47, seconds=12)), words(timedelta(hours=10, minutes=2))
    ('47 min', '10 h 2 min')
    """
    hours, minutes = divmod(round(length / timedelta(minutes=1)), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _decision(reason: str, *, act: bool = True, notify: bool = False) -> dict[str, Any]:
    return {"act": act, "reason": reason, "notify": notify}


def _due(at: datetime) -> dict[str, Any]:
    return _decision(f"it is due since {clock.text(at)}")


def _noted(event: Mapping[str, Any], wanted: str, until: datetime) -> dict[str, Any]:
    override = Override(wanted, until, event["execution"])
    overrides.put(RecordTable(event["records"]), event["environment"], override)
    return _decision(f"noted: {override.words}", act=False)


def _late(event: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    late = clock.now() - at
    if event["what"] == "start" or late <= LATE:
        return None
    reason = (
        f"it was due at {clock.text(at)}, {words(late)} ago; HINT: Start an execution by hand if it is still wanted."
    )
    return _decision(reason, act=False, notify=True)


def _held(event: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    found = overrides.find(RecordTable(event["records"]), event["environment"])
    return _decision(found.words, act=False) if found and found.hinders(event["what"], at) else None


def _off(event: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    for day in event["days_off"] if event["what"] == "start" else ():
        if clock.moment(day["begins"]) <= at < clock.moment(day["ends"]):
            return _decision(f"{day['day']} is a day off", act=False)
    return None


def _elsewhere(event: Mapping[str, Any]) -> tuple[str, str]:
    """Where disaster recovery has brought the environment up, and why that cannot be said; empty: it has not."""
    for records in event["also_records"] if event["what"] == "start" else ():
        try:
            failover = RecordTable(records, attempts=2).get(FAILED_OVER)
        except (ClientError, BotoCoreError, Misconfigured) as error:
            _log.warning("the records of disaster recovery cannot be read", extra={"table": records["table"]})
            return "", f"the records of disaster recovery cannot be read: {error_text(error)}"
        if failover:
            return f"it runs as {failover['environment']} since {failover['at']}", ""
    return "", ""


def _recovered(event: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    """Two that do the same work would do harm; a Region that does not answer keeps nobody from theirs."""
    elsewhere, unknown = _elsewhere(event)
    if elsewhere:
        hint = "HINT: Start an execution by hand to have both, as on the way back."
        return _decision(f"{elsewhere}, so that there would be two; {hint}", act=False, notify=True)
    return _decision(f"it is due since {clock.text(at)}; {unknown}", notify=True) if unknown else None


def _closed(event: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    """Whether the calendar is closed to a start; one that cannot be asked does not keep people from their work."""
    calendar = event["calendar"]
    if not calendar or event["what"] != "start":
        return None
    try:
        state = _state(calendar, event["environment"]["region"], at)
    except (ClientError, BotoCoreError) as error:
        _log.warning("the calendar cannot be asked", extra={"calendar": calendar, "why": error_text(error)})
        reason = f"it is due since {clock.text(at)}; the calendar {calendar} cannot be asked: {error_text(error)}"
        return _decision(reason, notify=True)
    return _decision(f"the calendar {calendar} is closed", act=False) if state == "CLOSED" else None


def _state(calendar: str, region: str, at: datetime) -> str:
    """OPEN or CLOSED: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCalendarState.html."""
    where = calendar.split(":")[3] if ":" in calendar else region
    found = client("ssm", where, attempts=3).get_calendar_state(
        CalendarNames=[calendar], AtTime=f"{at.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    )
    return str(found["State"])


def _sentences(event: Mapping[str, Any], begin: str) -> Iterator[str]:
    what, facts, started = event["what"], event["facts"], clock.moment(event["started_at"])
    yield f"{begin}: it took {words(clock.now() - started)}."
    if facts.get("rows") is not None:
        yield f"{facts['rows']:,} rows {_ROWS[what]}{_named(facts)}."
    if facts.get("active") is not None:
        yield f"{facts['active']:,} DAGs {_DAGS[what]}."
    if what == "start" and event["stopped_at"]:
        away = max(started - clock.moment(event["stopped_at"]), timedelta())
        yield f"It was away for {words(away)}{_saved(away, event['cost_per_hour'])}."


def _named(facts: Mapping[str, Any]) -> str:
    return f" {facts['backup_id']}" if facts.get("backup_id") else ""


def _saved(away: timedelta, cost: float | None) -> str:
    """What that saved at most: whether MWAA bills a deletion is not known."""
    return f", which saved up to {away / timedelta(hours=1) * cost:,.2f} at {cost:g} an hour" if cost else ""
