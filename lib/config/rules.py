"""Checks that need more than one value; a check whose values could not be read is left out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lib.config import regions, versions
from lib.config.aws_kinds import Arn
from lib.config.deadlines import rounded
from lib.config.findings import Finding
from lib.config.section import Section, UnreadableError
from lib.config.shared import Deadlines, Engine

T = TypeVar("T")
Rule = Callable[[T], Iterable[Finding]]


def findings(rules: Iterable[Rule[T]], subject: T) -> list[Finding]:
    """What the rules find, in their order."""
    found: list[Finding] = []
    for rule in rules:
        with contextlib.suppress(UnreadableError):  # what cannot be read was said already
            found.extend(rule(subject))
    return found


def role_is_ours(section: Section, role_arn: Arn, account: str, partition: str) -> Iterator[Finding]:
    """CloudFormation attaches a policy to a role of that name in its own account, whatever the ARN says."""
    if role_arn.account != account:
        yield section.finding("role_arn", f"allowed: a role of the account {account}")
    if role_arn.aws_partition != partition:
        yield section.finding("role_arn", f"allowed: a role of the partition {partition}")


def key_is_in_region(section: Section, field: str, key_arn: Arn | None, region: str) -> Iterator[Finding]:
    """KMS keys serve their own Region only."""
    wanted = (regions.partition_of(region), region)
    if key_arn and (key_arn.aws_partition, key_arn.region) != wanted:
        yield section.finding(field, f"allowed: a key of the Region {region} and the partition {wanted[0]}")


def version_is_served(section: Section, field: str, version: str) -> Iterator[Finding]:
    """Older Airflow has another schema."""
    if not versions.is_served(version):
        oldest = ".".join(map(str, versions.OLDEST_SERVED))
        yield section.finding(field, f"allowed: {oldest} or later, which the DAG package backs up")


def version_is_doubtful(section: Section, field: str, version: str) -> Iterator[Finding]:
    """A version that cannot be created any more, or that is not known."""
    if versions.is_served(version) and (words := versions.doubt(version)):
        yield section.finding(field, words)


def region_is_known(section: Section, field: str, region: str) -> Iterator[Finding]:
    """A slip of the pen is likelier than a new Region."""
    if region not in regions.MWAA_REGIONS:
        yield section.finding(field, "which is not known to have MWAA")


def heartbeat_fits(engine: Engine, deadlines: Deadlines, *fields: str) -> Iterator[Finding]:
    """Step Functions wants a heartbeat shorter than the timeout of its task, and one beat may be missed."""
    seconds = deadlines.heartbeat_secs
    shortest, variable = min((getattr(deadlines, field), deadlines.name_of(field)) for field in fields)
    if seconds >= shortest * 60:
        yield deadlines.finding("heartbeat_secs", f"allowed: less than {variable}, {shortest * 60} seconds")
    if seconds < 2 * engine.heartbeat_seconds:
        twice = f"2 x {engine.heartbeat_seconds} {engine.name_of('heartbeat_seconds')}"
        yield deadlines.finding(
            "heartbeat_secs", f"allowed: at least {rounded(2 * engine.heartbeat_seconds)} = {twice}"
        )


def names_differ(section: Section, *fields: str) -> Iterator[Finding]:
    """Two variables must not mean one thing."""
    seen: dict[object, str] = {}
    for field in fields:
        value = getattr(section, field)
        if value in seen:
            yield section.finding(field, f"allowed: another one than {section.name_of(seen[value])}")
        seen.setdefault(value, field)
