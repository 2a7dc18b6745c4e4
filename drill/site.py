"""Both Regions on a local AWS, with the stacks of the user's own .env deployed into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill import land
from drill.aws import LocalAws
from drill.containers import Place
from drill.ground import ACTIVE_AT_ONCE, OPTIONS, Ground, loaded
from drill.one_product import missing
from lib.config.catalog import Product
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side

BACKUP_MINUTES = 1
CHECK_SECONDS = 20.0
"""What the interval of the health check is shortened to."""

EVERY_MINUTE = "'* * * * *'"

REHEARSED = {
    "PRIMARY_BACKUP_SCHEDULE": EVERY_MINUTE,
    "SECONDARY_BACKUP_SCHEDULE": EVERY_MINUTE,
    "HEALTH_CHECK_ENABLED": "YES",
    "FAILOVER_APPROVAL": "AUTO",
    "MWAA_SIMULATE_DR": "NO",
    "MWAA_UPDATE_EXECUTION_ROLE": "YES",
    "SECONDARY_CLEANUP_COOL_OFF_SECS": "60",
}
"""What a rehearsal sets, whatever the .env says: time, and nobody is there to approve."""


@dataclass
class Site(Ground):
    """The account of the configuration, with a primary and a secondary Region."""

    config: DisasterRecovery

    @classmethod
    def prepared(cls, aws: LocalAws, env_file: Path, changes: Mapping[str, str]) -> Site:
        """Networks, buckets and roles, and both command lines of the CDK ready to deploy."""
        before = configured(env_file, changes)
        regions = {"PRIMARY": before.primary.region, "SECONDARY": before.secondary.region}
        settings = {**REHEARSED, **changes, **land.networks(aws, regions)}
        site = cls(aws, env_file, settings, configured(env_file, settings))
        land.buckets_and_roles(aws, site.config)
        return site

    @property
    def primary(self) -> Place:
        """The environment that is lost."""
        return _place(self.config.primary)

    @property
    def secondary(self) -> Place:
        """The environment that takes over."""
        return _place(self.config.secondary)

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions that something is deployed into."""
        return self.primary.region, self.secondary.region

    @property
    def check_seconds(self) -> float:
        """The interval of the health check as it is rehearsed."""
        return CHECK_SECONDS

    @property
    def machine(self) -> str:
        """The ARN of the recovery state machine."""
        account, region = self.config.deployment.account_id, self.secondary.region
        return f"arn:aws:states:{region}:{account}:stateMachine:{self.config.workflow_name}"

    def there(self, service: str) -> Any:
        """A client in the secondary Region."""
        return self.aws.client(service, self.secondary.region)

    def create(self, side: Side) -> Place:
        """Begin to create an environment, as a user would."""
        options = OPTIONS if self.config.is_warm_standby else {**OPTIONS, **ACTIVE_AT_ONCE}
        land.create(self.aws, self.config, side, AirflowConfigurationOptions=options)
        return _place(side)

    def deploy(self) -> None:
        """`cdk deploy --all`, and let the schedules run faster."""
        shorter = CHECK_SECONDS / (self.config.health_check.interval_mins * 60)
        self.aws.scale(schedules=shorter)
        super().deploy()

    def upload(self, *files: Path) -> None:
        """Put DAG files into the DAGs bucket of the primary."""
        self.put(self.config.primary.dags_bucket_name, self.config.common.dags_s3_path, *files)

    def lose_the_region(self) -> None:
        """Nothing of the primary Region answers any more, nor do its buckets."""
        primary = self.config.primary
        self.aws.silence(primary.region)
        for bucket in (primary.dags_bucket_name, self.config.backup_bucket_name(primary)):
            self.aws.silence_bucket(bucket)


def configured(env_file: Path, changes: Mapping[str, str]) -> DisasterRecovery:
    """Disaster recovery as a file and these variables configure it."""
    found = loaded(env_file, changes).disaster_recovery
    if found is None:
        raise missing(env_file, Product.RECOVERY)
    return found


def _place(side: Side) -> Place:
    return Place(side.region, side.environment_name)
