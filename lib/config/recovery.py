"""Disaster recovery: its sections together, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from lib.config import names, regions
from lib.config.deadlines import OTHER, Step, minutes
from lib.config.intervals import longest_interval_mins
from lib.config.recovery_sections import (
    Approval,
    Deployment,
    DrType,
    HealthCheck,
    Primary,
    Recovery,
    Secondary,
    Side,
)
from lib.config.shared import Common, Deadlines, Engine

ARRIVAL_MINS = 30
"""What a backup may take from its beginning until all of it is in the secondary Region, where nothing else is said."""


@dataclass(frozen=True)
class DisasterRecovery:
    """All that the primary and the secondary stack need."""

    deployment: Deployment
    primary: Primary
    secondary: Secondary
    health_check: HealthCheck
    recovery: Recovery
    common: Common
    engine: Engine
    deadlines: Deadlines

    @property
    def is_warm_standby(self) -> bool:
        """Whether the secondary environment is already there."""
        return self.deployment.dr_type is DrType.WARM_STANDBY

    @property
    def partition(self) -> str:
        """The partition of both Regions."""
        return regions.partition_of(self.primary.region)

    def side_of(self, account_id: str, region: str, environment_name: str) -> Side | None:
        """Which of both environments this is; None: neither."""
        found = (
            side
            for side in (self.primary, self.secondary)
            if (self.deployment.account_id, side.region, side.environment_name)
            == (account_id, region, environment_name)
        )
        return next(found, None)

    @property
    def primary_stack_name(self) -> str:
        """The name of the primary stack."""
        return f"{self.deployment.stack_name_prefix}-primary"

    @property
    def secondary_stack_name(self) -> str:
        """The name of the secondary stack."""
        return f"{self.deployment.stack_name_prefix}-secondary"

    @property
    def workflow_name(self) -> str:
        """The name of the recovery state machine."""
        return f"{self.deployment.stack_name_prefix}-recovery"

    @property
    def fence_name(self) -> str:
        """The name of the state machine that keeps a primary quiet which comes back."""
        return f"{self.deployment.stack_name_prefix}-fence"

    @property
    def schedule_name(self) -> str:
        """The name of the schedule of the health check, in the schedule group `default`."""
        return f"{self.deployment.stack_name_prefix}-health-check"

    @property
    def records_table_name(self) -> str:
        """The name of the table that remembers who acts and what has failed over, in the secondary Region."""
        return f"{self.deployment.stack_name_prefix}-records"

    def backup_bucket_name(self, side: Side) -> str:
        """The backup bucket of a Region: known before it is there, so that no stack waits for the other."""
        return names.backup_bucket(self.deployment.stack_name_prefix, self.deployment.account_id, side.region)

    @property
    def backup_interval_mins(self) -> int:
        """The longest time between two backups of the primary."""
        return longest_interval_mins(self.primary.backup_schedule)

    @property
    def backup_overdue_mins(self) -> int:
        """How old the newest backup in the secondary Region is at most while one run fails, and the next does not."""
        return self.secondary.backup_max_age_mins or 2 * self.backup_interval_mins + ARRIVAL_MINS

    @property
    def watches_backups(self) -> bool:
        """Whether people are told when that is exceeded."""
        return self.secondary.backup_max_age_mins != 0

    @property
    def backup_key_alias(self) -> str:
        """The alias of the key of the backup bucket, the same in both Regions."""
        return f"alias/{self.deployment.stack_name_prefix}-backup"

    @property
    def witness_region(self) -> str | None:
        """The third Region that a health check asks; None: there is none in this partition."""
        return self.health_check.witness_region or regions.third_region(self.primary.region, self.secondary.region)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of a whole recovery, with the longest that each takes."""
        common = (self._health_step, minutes("PREFLIGHT_TIMEOUT_MINS", self.deadlines.preflight_mins))
        restore = minutes("METADATA_IMPORT_TIMEOUT_MINS", self.deadlines.import_mins)
        ready = minutes("DAG_READY_TIMEOUT_MINS", self.deadlines.dag_ready_mins)
        if not self.is_warm_standby:
            create = minutes("MWAA_CREATE_ENV_TIMEOUT_MINS", self.recovery.create_timeout_mins)
            return (*common, create, ready, restore, OTHER)
        return (
            *common,
            minutes("STANDBY_READY_TIMEOUT_MINS", self.recovery.standby_ready_mins),
            ready,  # the restore DAG, before anything is changed
            ready,  # the cleanup DAG
            minutes("METADATA_CLEANUP_TIMEOUT_MINS", self.deadlines.cleanup_mins),
            Step("SECONDARY_CLEANUP_COOL_OFF_SECS", self.recovery.cleanup_cool_off_secs),
            ready,
            restore,
            OTHER,
        )

    @property
    def _health_step(self) -> Step:
        check = self.health_check
        waits = (check.retry_interval_secs * check.retry_backoff_rate**number for number in range(check.max_retry))
        return Step("health check with its retries", (check.max_retry + 1) * check.timeout_secs + sum(waits))

    @property
    def machine_timeout_mins(self) -> int:
        """The timeout of the recovery state machine: the wait for an approval does not count."""
        waits = self.recovery.approval_timeout_mins if self.recovery.approval is Approval.MANUAL else 0
        return self.recovery.state_machine_timeout_mins + waits
