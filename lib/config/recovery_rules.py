"""What the variables of disaster recovery must not say together."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lib.config import deadlines, names, regions, rules
from lib.config.findings import Finding
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Approval, DagsReplication
from lib.config.rules import Rule

DAYS_TO_ACT = 7
"""Between the first mail about backups that do not arrive, and the expiry of the last one that did."""


def _regions_are_two(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.secondary.region == dr.primary.region:
        yield dr.secondary.finding("region", f"allowed: another Region than PRIMARY_REGION, {dr.primary.region}")


def _regions_are_of_one_partition(dr: DisasterRecovery) -> Iterator[Finding]:
    if regions.partition_of(dr.secondary.region) != dr.partition:
        yield dr.secondary.finding("region", f"allowed: a Region of the partition of PRIMARY_REGION, {dr.partition}")


def _witness_is_a_third_region(dr: DisasterRecovery) -> Iterator[Finding]:
    witness = dr.health_check.witness_region
    if witness in (dr.primary.region, dr.secondary.region):
        yield dr.health_check.finding("witness_region", "allowed: neither PRIMARY_REGION nor SECONDARY_REGION")
    elif witness and regions.partition_of(witness) != dr.partition:
        yield dr.health_check.finding("witness_region", f"allowed: a Region of the partition {dr.partition}")


def _primary_role_is_ours(dr: DisasterRecovery) -> Iterator[Finding]:
    partition = regions.partition_of(dr.primary.region)
    yield from rules.role_is_ours(dr.primary, dr.primary.role_arn, dr.deployment.account_id, partition)


def _secondary_role_is_ours(dr: DisasterRecovery) -> Iterator[Finding]:
    partition = regions.partition_of(dr.secondary.region)
    yield from rules.role_is_ours(dr.secondary, dr.secondary.role_arn, dr.deployment.account_id, partition)


def _primary_key_is_there(dr: DisasterRecovery) -> Iterator[Finding]:
    side = dr.primary
    yield from rules.key_is_in_region(side, "dags_kms_key_arn", side.dags_kms_key_arn, side.region)


def _secondary_dags_key_is_there(dr: DisasterRecovery) -> Iterator[Finding]:
    side = dr.secondary
    yield from rules.key_is_in_region(side, "dags_kms_key_arn", side.dags_kms_key_arn, side.region)


def _secondary_key_is_there(dr: DisasterRecovery) -> Iterator[Finding]:
    side = dr.secondary
    yield from rules.key_is_in_region(side, "kms_key_arn", side.kms_key_arn, side.region)


def _encrypted_dags_can_be_replicated(dr: DisasterRecovery) -> Iterator[Finding]:
    is_managed = dr.deployment.dags_replication is DagsReplication.MANAGE
    if is_managed and dr.primary.dags_kms_key_arn and not dr.secondary.dags_kms_key_arn:
        words = "allowed: a key in the secondary Region, which objects from an encrypted bucket are replicated under"
        name = dr.secondary.name_of("dags_kms_key_arn")
        yield Finding(
            name, f"{name} is not set, {words}; needed because {dr.primary.name_of('dags_kms_key_arn')} is set"
        )


def _dags_buckets_are_two(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.primary.dags_bucket_name == dr.secondary.dags_bucket_name:
        yield dr.secondary.finding("dags_bucket_name", "allowed: another bucket than PRIMARY_DAGS_BUCKET_NAME")


def _bucket_names_fit(dr: DisasterRecovery) -> Iterator[Finding]:
    derived = max((dr.backup_bucket_name(side) for side in (dr.primary, dr.secondary)), key=len)
    for words in names.bucket(derived).excess():
        yield dr.deployment.finding("stack_name_prefix", f"allowed: a shorter one, since {words}")


def _stack_names_fit(dr: DisasterRecovery) -> Iterator[Finding]:
    for words in names.stack(dr.secondary_stack_name).excess():
        yield dr.deployment.finding("stack_name_prefix", f"allowed: a shorter one, since {words}")


def _backup_buckets_are_not_the_dags_buckets(dr: DisasterRecovery) -> Iterator[Finding]:
    for side in (dr.primary, dr.secondary):
        if side.dags_bucket_name in (dr.backup_bucket_name(dr.primary), dr.backup_bucket_name(dr.secondary)):
            yield side.finding("dags_bucket_name", "allowed: another bucket than that of the backups")


def _dags_are_different(dr: DisasterRecovery) -> Iterator[Finding]:
    yield from rules.names_differ(dr.recovery, "export_dag_name", "import_dag_name", "cleanup_dag_name")


def _steps_fit(dr: DisasterRecovery) -> Iterator[Finding]:
    if deadlines.total_minutes(dr.steps) > dr.recovery.state_machine_timeout_mins:
        words = f"allowed: at least the sum of its steps in minutes, {deadlines.arithmetic(dr.steps)}"
        yield dr.recovery.finding("state_machine_timeout_mins", words)


def _heartbeat_fits(dr: DisasterRecovery) -> Iterator[Finding]:
    fields = ("import_mins", "cleanup_mins") if dr.is_warm_standby else ("import_mins",)
    yield from rules.heartbeat_fits(dr.engine, dr.deadlines, *fields)


def _expiry_leaves_what_retention_keeps(dr: DisasterRecovery) -> Iterator[Finding]:
    days, kept = dr.secondary.backup_expire_days, dr.engine.backup_retention.days
    # What an increment adds to is older than itself.
    older = math.ceil(dr.engine.longest_chain * dr.backup_interval_mins / (24 * 60))
    if 0 < days < kept + older:
        name = dr.engine.name_of("backup_retention")
        chain = (
            f" and {older} of a chain of {dr.engine.full_every} ({dr.engine.name_of('full_every')})" if older else ""
        )
        yield dr.secondary.finding("backup_expire_days", f"allowed: 0 or at least the {kept} days of {name}{chain}")


def _backups_are_due_before_they_are_overdue(dr: DisasterRecovery) -> Iterator[Finding]:
    given, longest = dr.secondary.backup_max_age_mins, dr.backup_interval_mins
    if given and given < longest:
        schedule = f"{dr.primary.name_of('backup_schedule')}, {dr.primary.backup_schedule},"
        words = f"allowed: 0 or at least {longest}, since {schedule} leaves up to {longest} minutes between two backups"
        yield dr.secondary.finding("backup_max_age_mins", words)


def _expiry_comes_long_after_the_alarm(dr: DisasterRecovery) -> Iterator[Finding]:
    """S3 expires the newest backup like any other: people have to hear first that no newer one arrives."""
    days, overdue = dr.secondary.backup_expire_days, math.ceil(dr.backup_overdue_mins / (24 * 60))
    if 0 < days < overdue + DAYS_TO_ACT:
        words = f"{overdue} until the newest backup is overdue ({dr.secondary.name_of('backup_max_age_mins')})"
        total = f"{overdue + DAYS_TO_ACT} days = {words} + {DAYS_TO_ACT} to act"
        yield dr.secondary.finding("backup_expire_days", f"allowed: 0 or at least {total}")


def _version_is_served(dr: DisasterRecovery) -> Iterator[Finding]:
    yield from rules.version_is_served(dr.deployment, "mwaa_version", dr.deployment.mwaa_version)


def _version_is_doubtful(dr: DisasterRecovery) -> Iterator[Finding]:
    yield from rules.version_is_doubtful(dr.deployment, "mwaa_version", dr.deployment.mwaa_version)


def _mode_fits_the_version(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.engine.is_config_only and dr.deployment.mwaa_version.startswith("2."):
        yield dr.engine.finding("mode", "allowed: DATABASE with Airflow 2, whose tasks reach it")


def _history_is_an_archive(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.engine.is_config_only:
        yield dr.engine.finding("mode", "so that a recovery restores no history: it is archived")


def _primary_region_is_known(dr: DisasterRecovery) -> Iterator[Finding]:
    yield from rules.region_is_known(dr.primary, "region", dr.primary.region)


def _secondary_region_is_known(dr: DisasterRecovery) -> Iterator[Finding]:
    yield from rules.region_is_known(dr.secondary, "region", dr.secondary.region)


def _drill_is_on(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.health_check.simulate_dr:
        yield dr.health_check.finding("simulate_dr", "so that the next health check starts a recovery")


def _somebody_is_asked(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.recovery.approval is Approval.MANUAL and not dr.common.notification_emails:
        yield dr.recovery.finding("approval", "but MWAA_NOTIFICATION_EMAILS names nobody who would be asked")


def _networks_are_two(dr: DisasterRecovery) -> Iterator[Finding]:
    for field in ("vpc_id", "subnet_ids", "security_group_ids"):
        if getattr(dr.primary, field) == getattr(dr.secondary, field):
            yield dr.secondary.finding(
                field, f"the same as {dr.primary.name_of(field)}, although Regions share no network"
            )


def _there_is_a_third_region(dr: DisasterRecovery) -> Iterator[Finding]:
    if dr.witness_region is None:
        words = f"and no third Region is known in {dr.partition}: a primary Region that is silent counts as unknown"
        yield Finding("HEALTH_CHECK_WITNESS_REGION", f"HEALTH_CHECK_WITNESS_REGION is not set, {words}")


ERRORS: tuple[Rule[DisasterRecovery], ...] = (
    _version_is_served,
    _regions_are_two,
    _regions_are_of_one_partition,
    _witness_is_a_third_region,
    _primary_role_is_ours,
    _secondary_role_is_ours,
    _primary_key_is_there,
    _secondary_dags_key_is_there,
    _secondary_key_is_there,
    _encrypted_dags_can_be_replicated,
    _dags_buckets_are_two,
    _backup_buckets_are_not_the_dags_buckets,
    _bucket_names_fit,
    _stack_names_fit,
    _dags_are_different,
    _steps_fit,
    _heartbeat_fits,
    _mode_fits_the_version,
    _expiry_leaves_what_retention_keeps,
    _backups_are_due_before_they_are_overdue,
    _expiry_comes_long_after_the_alarm,
)

WARNINGS: tuple[Rule[DisasterRecovery], ...] = (
    _history_is_an_archive,
    _version_is_doubtful,
    _primary_region_is_known,
    _secondary_region_is_known,
    _drill_is_on,
    _somebody_is_asked,
    _networks_are_two,
    _there_is_a_third_region,
)
