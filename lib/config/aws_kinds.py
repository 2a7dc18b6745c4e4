"""How names, ids and ARNs of AWS are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from lib.config.kinds import Kind, Word, matching, several, word
from lib.root import ROOT

_PARTITION = r"aws(?:-[a-z]+)*"


class Arn(str):
    """An ARN: text, and its parts by name."""

    __slots__ = ()

    @property
    def aws_partition(self) -> str:
        """The partition."""
        return self.split(":")[1]

    @property
    def region(self) -> str:
        """The Region; empty for what is global."""
        return self.split(":")[3]

    @property
    def account(self) -> str:
        """The account that owns it."""
        return self.split(":")[4]


def _arn(pattern: str, allowed: str) -> Kind[Arn]:
    form = matching(pattern, allowed)
    return Kind(allowed, lambda text: Arn(form.read(text)))


ACCOUNT = matching(r"\d{12}", "an account id of 12 digits")
REGION = matching(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}", "the name of a Region, as us-east-1")
ROLE_ARN = _arn(
    rf"arn:{_PARTITION}:iam::\d{{12}}:role/[A-Za-z0-9+=,.@_/-]{{1,512}}",
    "the ARN of a role, as arn:aws:iam::111222333444:role/service-role/my-role",
)
KMS_KEY_ARN = _arn(
    rf"arn:{_PARTITION}:kms:[a-z0-9-]+:\d{{12}}:key/(mrk-)?[0-9a-f-]{{32,36}}",
    "the ARN of a KMS key (not of an alias), as arn:aws:kms:us-east-1:111222333444:key/0f3c...",
)
CALENDAR = matching(
    rf"arn:{_PARTITION}:ssm:[a-z0-9-]+:\d{{12}}:document/[A-Za-z0-9_.-]{{3,128}}|[A-Za-z0-9_.-]{{3,128}}",
    "the name or the ARN of an SSM Change Calendar",
)
VPC_ID = matching(r"vpc-[0-9a-z]{4,32}", "the id of a VPC, as vpc-012ab34c56d789101")


def subnet_ids(*, or_none: bool = False) -> Kind[tuple[str, ...]]:
    """The two subnets of an environment."""
    item = matching(r"subnet-[0-9a-z]{4,32}", "")
    allowed = "a list of exactly two subnet ids, as MWAA takes them: [subnet-1234567, subnet-987654321]"
    return several(item, allowed, low=2, high=2, or_none=or_none)


def security_group_ids(*, or_none: bool = False) -> Kind[tuple[str, ...]]:
    """The security groups of an environment."""
    item = matching(r"sg-[0-9a-z]{4,32}", "")
    allowed = "a list of one to five security group ids, as MWAA takes them: [sg-0123456789]"
    return several(item, allowed, low=1, high=5, or_none=or_none)


BUCKET = matching(
    r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    "the name of an S3 bucket (not its ARN): 3 to 63 lower-case letters, digits, dots and hyphens",
)
ENVIRONMENT_NAME = matching(
    r"[A-Za-z][A-Za-z0-9_-]{0,79}",
    "the name of an MWAA environment: a letter, then letters, digits, - and _, at most 80",
)
DAG_NAME = matching(
    r"[A-Za-z0-9_.-]{1,50}",
    "a DAG id of letters, digits, -, _ and ., at most 50 (MWAA's REST paths end at 64)",
)
STACK_NAME = matching(r"[A-Za-z][A-Za-z0-9-]{0,127}", "a letter, then letters, digits and hyphens, at most 128")
VERSION = matching(r"\d{1,2}\.\d{1,3}\.\d{1,3}", "a version of Airflow on MWAA, as 2.10.3")
JSON_FILE = matching(r"[A-Za-z0-9!_.*'()-]{1,200}\.json", "a file name without a folder that ends in .json")
SECTIONS = several(
    Kind("", lambda text: matching(r"[A-Z][A-Z0-9]{0,30}", "").read(text.upper())),
    "a list of names of letters and digits, as [dev, staging]",
)
EMAILS = several(
    matching(r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", ""),
    "a list of e-mail addresses, as [admins@example.com, ops@example.com]",
)


def _path(text: str) -> str:
    path = text.strip("/")
    segments = path.split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9!_.*'()=-]+", part, re.ASCII) and part.strip(".") for part in segments):
        raise ValueError
    return path


def _folder(text: str) -> Path:
    folder = ROOT / text
    try:
        found = (folder / "dags" / "mwaa_dr" / "__init__.py").is_file()
    except OSError as err:  # no right to look, or a name that no file can have
        raise ValueError(err.strerror) from err
    if not found:
        raise ValueError
    return folder


FOLDER = Kind("a local folder that has the DAG package, dags/mwaa_dr", _folder)
S3_PATH = Kind("a folder in the bucket, as dags or path/to/dags", _path)


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of zones, as America
        raise ValueError from None
    return text


TIME_ZONE = Kind("a time zone of the IANA database, as America/New_York or Etc/UTC", _time_zone)


def _date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(f"{text} is no date")
    return date.fromisoformat(text)


DATES = several(Kind("", _date), "a list of dates, as [2026-12-25, 2027-01-01]")


class Status(Word):
    """What an execution can become."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


STATUSES = several(word(Status), f"a list of {word(Status).allowed}")


@dataclass(frozen=True)
class Retention:
    """The newest `newest` backups and one a day for `days` days stay; 0 and 0: all."""

    newest: int
    days: int

    def __str__(self) -> str:
        return f"{self.newest},{self.days}d"


def _retention(text: str) -> Retention:
    form = r"(?P<newest>\d{1,6})(?:\s*,\s*(?P<days>\d{1,6})d)?|(?P<only_days>\d{1,6})d"
    found = re.fullmatch(form, text, re.ASCII)
    if not found:
        raise ValueError
    return Retention(int(found["newest"] or 0), int(found["days"] or found["only_days"] or 0))


RETENTION = Kind("24,14d (the newest 24, and one a day for 14 days), 24, 14d, or 0 to keep all", _retention)
