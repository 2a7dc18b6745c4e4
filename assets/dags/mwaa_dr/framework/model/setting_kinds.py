"""How a setting's value is read, kind by kind, and what each kind allows in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mwaa_dr.framework.model.options import Retention

DEFAULT_BATCH = 1000
"""Runs for each commit of a batched cleanup when no number is given."""

LONGEST_DAG_ID = 250

_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"

_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True)
class Kind:
    """A kind of value: `read` raises ValueError for anything that `allowed` does not say."""

    allowed: str
    read: Callable[[object], Any]


def matching(pattern: str, allowed: str) -> Kind:
    """Text of a given form, as it is."""

    def read(value: object) -> str:
        text = _text(value)
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(allowed)
        return text

    return Kind(allowed, read)


def choice(words: type[Enum]) -> Kind:
    """One of a few words, in upper or lower case."""
    by_name = {str(word.value).lower(): word for word in words}
    allowed = " or ".join(str(word.value) for word in words)

    def read(value: object) -> Enum:
        word = by_name.get(_text(value).lower())
        if word is None:
            raise ValueError(allowed)
        return word

    return Kind(allowed, read)


def whole(low: int, high: int) -> Kind:
    """A whole number between two bounds, both included."""
    allowed = f"a whole number from {low} to {high}"

    def read(value: object) -> int:
        number = _number(value)
        if not low <= number <= high:
            raise ValueError(allowed)
        return number

    return Kind(allowed, read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text")  # noqa: TRY004 - every value that does not fit is one kind of error here
    return value.strip()


def _number(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = _text(value)
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ValueError("a whole number")
    return int(text)


def _yes_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value) if isinstance(value, int) else _text(value).lower()
    if word not in _YES | _NO:
        raise ValueError("true or false")
    return word in _YES


def _batch(value: object) -> int:
    if isinstance(value, bool) or (isinstance(value, str) and not value.strip().isdigit()):
        return DEFAULT_BATCH if _yes_no(value) else 0
    return int(RUNS_OF_A_BATCH.read(value))


def _retention(value: object) -> Retention:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
    form = r"(?P<newest>\d{1,6})(?:\s*,\s*(?P<days>\d{1,6})d)?|(?P<only_days>\d{1,6})d"
    found = re.fullmatch(form, text, re.ASCII)
    if not found:
        raise ValueError("not a retention")
    return Retention(newest=int(found["newest"] or 0), days=int(found["days"] or found["only_days"] or 0))


_KMS_ARN = re.compile(r"arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[A-Za-z0-9/_-]+", re.ASCII)


def _kms_arns(value: object) -> tuple[str, ...]:
    """Read a JSON list, `["a", "b"]` or `[a, b]` as text, or `a, b`."""
    items = value if isinstance(value, (list, tuple)) else _text(value).strip("[]").split(",")
    arns = [_text(item).strip("\"'") for item in items]
    arns = [arn for arn in arns if arn]
    if not all(_KMS_ARN.fullmatch(arn) for arn in arns):
        raise ValueError("not a list of key ARNs")
    return tuple(dict.fromkeys(arns))


def _dag_ids(value: object) -> tuple[str, ...]:
    """Read a list, or `a, b` as text; no id in it means that no DAG is active."""
    items = value if isinstance(value, (list, tuple)) else _text(value).strip("[]").split(",")
    ids = [_text(item).strip("\"'") for item in items]
    if isinstance(value, str):
        ids = [dag_id for dag_id in ids if dag_id]
    if not all(0 < len(dag_id) <= LONGEST_DAG_ID and dag_id.isprintable() for dag_id in ids):
        raise ValueError("not a list of DAG ids")
    return tuple(dict.fromkeys(ids))


def _prefix(value: object) -> str:
    text = _text(value).strip("/")
    segments = text.split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9!_.*'()=-]+", s, re.ASCII) and s.strip(".") for s in segments):
        raise ValueError("not a path")
    return text


def _backup_id(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,120}", text, re.ASCII):
        raise ValueError("not an id")
    return "" if text == "latest" else text


YES_NO = Kind("true or false", _yes_no)
RUNS_OF_A_BATCH = whole(0, 1_000_000)
BATCH = Kind("true, false, or the number of runs for each commit", _batch)
RETENTION = Kind("`24,14d` (the newest 24, and one a day for 14 days), `24`, `14d`, or `0` to keep all", _retention)
KMS_ARN = matching(_KMS_ARN.pattern, "the ARN of a KMS key or alias")
KMS_ARNS = Kind("a list of ARNs of KMS keys, as `a, b` or `[a, b]`", _kms_arns)
DAG_IDS = Kind("a list of DAG ids", _dag_ids)
OBJECT_KEY = matching(r"[^\x00-\x1f]{1,1024}", "the key of an S3 object")
OBJECT_URL = matching(rf"s3://{_BUCKET}/[^\x00-\x1f]{{1,1024}}", "the URL of an S3 object, as `s3://bucket/key`")
TOPIC_ARN = matching(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}", "the ARN of a standard SNS topic")
BUCKET = matching(_BUCKET, "the name of an S3 bucket, not its ARN")
PREFIX = Kind("a path of letters, digits and !_.*'()=- without `.` and `..` in it", _prefix)
ENVIRONMENT_NAME = matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", "letters, digits, `-` and `_`, at most 80")
ENVIRONMENT_ID = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}", "the name of an environment's folder")
BACKUP_ID = Kind("the id of a backup, or `latest`", _backup_id)
REGION = matching(r"[a-z0-9][a-z0-9-]{2,30}", "the name of an AWS Region")
TASK_TOKEN = matching(r"\S{1,2048}", "a Step Functions task token of at most 2,048 characters")
SCHEDULE = matching(r"@?[^@\x00-\x1f]+", "a cron expression, a preset such as `@hourly`, or nothing")
CONN_ID = matching(r"[A-Za-z0-9_.:/#()-]{1,200}", "the id of an Airflow Connection")
DATABASE_URL = matching(r"postgres(ql)?(\+\w+)?://\S+", "the URL of a PostgreSQL database")
