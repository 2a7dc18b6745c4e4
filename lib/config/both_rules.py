"""What disaster recovery and stop and start must not say about one environment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from lib.config.findings import Finding
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side
from lib.config.rules import Rule
from lib.config.section import Section, UnreadableError
from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment

Both = tuple[DisasterRecovery, StartStop]

NOTHING = Finding(
    "DR_TYPE",
    "DR_TYPE and MWAA_ENV_NAME are not set, allowed: the variables of disaster recovery, of stop and start, or of both",
)


def _same(both: Both, side: Side) -> Iterator[Environment]:
    """The environments of stop and start that are this side's."""
    dr, plan = both
    for environment in plan.environments:
        with contextlib.suppress(UnreadableError):
            if dr.side_of(plan.schedules.account_id, plan.schedules.region, environment.name) is side:
                yield environment


def _the_secondary_stays(both: Both) -> Iterator[Finding]:
    for environment in _same(both, both[0].secondary):
        yield environment.finding("name", "allowed: not the secondary environment, which recovery needs")


def _the_primary_has_one_bucket(both: Both) -> Iterator[Finding]:
    for environment in _same(both, both[0].primary):
        yield from _agree(environment, "dags_bucket_name", both[0].primary, "dags_bucket_name")


def _the_primary_has_one_role(both: Both) -> Iterator[Finding]:
    for environment in _same(both, both[0].primary):
        yield from _agree(environment, "role_arn", both[0].primary, "role_arn")


def _the_primary_has_one_version(both: Both) -> Iterator[Finding]:
    for environment in _same(both, both[0].primary):
        yield from _agree(environment, "version", both[0].deployment, "mwaa_version")


def _agree(environment: Environment, field: str, other: Section, other_field: str) -> Iterator[Finding]:
    if getattr(environment, field) != (value := getattr(other, other_field)):
        words = f"allowed: what {other.name_of(other_field)} says of the same environment, {value}"
        yield environment.finding(field, words)


def _stacks_have_names_of_their_own(both: Both) -> Iterator[Finding]:
    dr, plan = both
    if plan.schedules.stack_name in (dr.primary_stack_name, dr.secondary_stack_name):
        yield plan.schedules.finding("stack_name", "allowed: another name than those of the disaster recovery stacks")


def _what_is_named_after_them_differs(both: Both) -> Iterator[Finding]:
    dr, plan = both
    if plan.schedules.stack_name.lower() == dr.deployment.stack_name_prefix.lower():
        words = "allowed: another name than STACK_NAME_PREFIX, after which buckets and tables are named, too"
        yield plan.schedules.finding("stack_name", words)


ERRORS: tuple[Rule[Both], ...] = (
    _the_secondary_stays,
    _the_primary_has_one_bucket,
    _the_primary_has_one_role,
    _the_primary_has_one_version,
    _stacks_have_names_of_their_own,
    _what_is_named_after_them_differs,
)
