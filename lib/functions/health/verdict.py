"""The verdict: each status of the environment x each heartbeat -> an answer; docs/health.md shows the table."""

from __future__ import annotations

from enum import Enum


class Answer(str, Enum):
    """How the primary is."""

    HEALTHY = "HEALTHY"
    UNHEALTHY = "UNHEALTHY"
    UNKNOWN = "UNKNOWN"
    STOPPED = "STOPPED"
    """On purpose: the record that a stop writes says so."""


class Heartbeat(str, Enum):
    """What CloudWatch tells of the scheduler."""

    BEATING = "BEATING"
    SILENT = "SILENT"
    LATE = "LATE"
    FILTERED = "FILTERED"
    NO_ANSWER = "NO_ANSWER"
    NOT_TOLD = "NOT_TOLD"


class Status(str, Enum):
    """What MWAA tells of the environment: its statuses, and three of ours."""

    CREATING = "CREATING"
    PENDING = "PENDING"
    CREATE_FAILED = "CREATE_FAILED"
    AVAILABLE = "AVAILABLE"
    UPDATING = "UPDATING"
    UPDATE_FAILED = "UPDATE_FAILED"
    ROLLING_BACK = "ROLLING_BACK"
    CREATING_SNAPSHOT = "CREATING_SNAPSHOT"
    MAINTENANCE = "MAINTENANCE"
    UNAVAILABLE = "UNAVAILABLE"
    DELETING = "DELETING"
    DELETED = "DELETED"
    NOT_FOUND = "NOT_FOUND"
    OTHER = "OTHER"
    """One that MWAA did not have when this was written."""
    NO_ANSWER = "NO_ANSWER"
    NOT_TOLD = "NOT_TOLD"


class Stop(str, Enum):
    """What the table of records tells of a stop on purpose."""

    NONE = "NONE"
    RECORDED = "RECORDED"
    LEFT_BEHIND = "LEFT_BEHIND"
    """Of an environment that was created since, and that no start is at work on any more."""
    NOT_TOLD = "NOT_TOLD"


STATUS_WORDS = {
    Status.NOT_FOUND: "MWAA does not know the environment",
    Status.OTHER: "MWAA says a status that is not known here",
    Status.NO_ANSWER: "MWAA does not answer (refused, timed out, or 5xx)",
    Status.NOT_TOLD: "MWAA does not tell us (denied, throttled, or our own trouble)",
}
"""What is told of a status that MWAA does not say itself."""

HEARTBEAT_WORDS = {
    Heartbeat.BEATING: "the scheduler's heart beats",
    Heartbeat.SILENT: "no heartbeat arrived for two periods, other metrics of the environment did",
    Heartbeat.LATE: "no heartbeat arrived for two periods, and other metrics are late, too",
    Heartbeat.FILTERED: "the heartbeat is filtered out, or was never seen",
    Heartbeat.NO_ANSWER: "CloudWatch does not answer (refused, timed out, or 5xx)",
    Heartbeat.NOT_TOLD: "CloudWatch does not tell us (denied, throttled, or our own trouble)",
}

_Row = dict[Heartbeat, Answer]


def _row(*answers: Answer) -> _Row:
    return dict(zip(Heartbeat, answers, strict=True))


H, U, X = Answer.HEALTHY, Answer.UNKNOWN, Answer.UNHEALTHY
# BEATING, SILENT, LATE, FILTERED, NO_ANSWER, NOT_TOLD
RUNNING = _row(H, X, U, U, U, U)
CHANGING = _row(H, H, H, H, U, U)
BROKEN = _row(X, X, X, X, X, X)
GONE = _row(U, U, U, U, U, U)
NEW = _row(H, U, U, U, U, U)
NO_ANSWER = _row(U, X, X, U, X, U)
NOT_TOLD = _row(U, U, U, U, U, U)

TABLE: dict[Status, _Row] = {
    Status.AVAILABLE: RUNNING,
    Status.UPDATE_FAILED: RUNNING,  # put back as it was, and ready to use
    Status.CREATING: CHANGING,
    Status.PENDING: CHANGING,
    Status.UPDATING: CHANGING,
    Status.ROLLING_BACK: CHANGING,
    Status.CREATING_SNAPSHOT: CHANGING,
    Status.MAINTENANCE: CHANGING,
    Status.CREATE_FAILED: BROKEN,
    Status.UNAVAILABLE: BROKEN,
    Status.DELETING: GONE,
    Status.DELETED: GONE,
    Status.NOT_FOUND: GONE,
    Status.OTHER: NEW,
    Status.NO_ANSWER: NO_ANSWER,
    Status.NOT_TOLD: NOT_TOLD,
}
"""The answers, where our own network works and no stop is recorded."""


WITH_STOP: dict[Stop, dict[Answer, Answer]] = {
    Stop.NONE: {H: H, X: X, U: U},
    Stop.RECORDED: {H: H, X: Answer.STOPPED, U: Answer.STOPPED},  # one that runs all the same is still healthy
    Stop.LEFT_BEHIND: {H: H, X: U, U: U},
    Stop.NOT_TOLD: {H: H, X: U, U: U},
}
"""What becomes of an answer."""


def judge(status: Status, heartbeat: Heartbeat, *, network_works: bool = True) -> Answer:
    """How the primary is; that its whole Region is silent counts only while the others answer us."""
    if is_region_silent(status, heartbeat) and not network_works:
        return Answer.UNKNOWN
    return TABLE[status][heartbeat]


def is_region_silent(status: Status, heartbeat: Heartbeat) -> bool:
    """Whether neither of the two services answers."""
    return status is Status.NO_ANSWER and heartbeat is Heartbeat.NO_ANSWER


def known_status(said: str) -> Status:
    """A status as MWAA says it."""
    return Status(said) if said in Status.__members__ else Status.OTHER
