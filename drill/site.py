"""Both Regions on a local AWS, with the stacks of the user's own .env deployed into them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill import land
from drill.aws import LocalAws
from drill.containers import Place
from drill.venvs import PROJECT, DrillError
from lib.config import Config
from lib.config.findings import ConfigError
from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side

OPTIONS = {"core.max_active_tasks_per_dag": "12"}
"""Airflow options of the primary, to be found again in what is created from its blueprint."""

ACTIVE_AT_ONCE = {"core.dags_are_paused_at_creation": "False"}
"""An option that a recovery must not follow at first, and has to give back in the end."""

BACKUP_MINUTES = 1
CHECK_SECONDS = 20.0
"""What the interval of the health check is shortened to."""

WAIT_SCALE = 0.1
"""What the waits of the workflow are shortened by."""

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
class Site:
    """The account of the configuration; `settings` are the variables that win over the file."""

    aws: LocalAws
    env_file: Path
    settings: Mapping[str, str]
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

    def here(self, service: str) -> Any:
        """A client in the primary Region."""
        return self.aws.client(service, self.primary.region)

    def create(self, side: Side) -> None:
        """Create an environment, as a user would."""
        options = OPTIONS if self.config.is_warm_standby else {**OPTIONS, **ACTIVE_AT_ONCE}
        land.create(self.aws, self.config, side, AirflowConfigurationOptions=options)

    def fields(self, place: Place) -> dict[str, Any]:
        """What MWAA keeps of an environment."""
        for one in self.aws.mwaa.environments():
            if (one.region, one.name) == (place.region, place.name):
                return one.fields
        raise DrillError(f"there is no environment {place.name} in {place.region}")

    def deploy(self) -> None:
        """`cdk deploy --all`, and let the schedules run faster."""
        shorter = CHECK_SECONDS / (self.config.health_check.interval_mins * 60)
        self.aws.scale(schedules=shorter)
        self.aws.deploy(
            app=f"{sys.executable} app.py",
            options=["--context", f"env-file={self.env_file}"],
            settings={name: value.strip("'") for name, value in self.settings.items()},
        )

    def upload(self, side: Side, *files: Path) -> None:
        """Put DAG files into the DAGs bucket of a side."""
        prefix = self.config.common.dags_s3_path
        for file in files:
            body = file.read_bytes()
            s3 = self.aws.client("s3", side.region)
            s3.put_object(Bucket=side.dags_bucket_name, Key=f"{prefix}/{file.name}", Body=body)

    def lose_the_region(self) -> None:
        """Nothing of the primary Region answers any more, nor do its buckets."""
        primary = self.config.primary
        self.aws.silence(primary.region)
        for bucket in (primary.dags_bucket_name, self.config.backup_bucket_name(primary)):
            self.aws.silence_bucket(bucket)


def user_file() -> Path:
    """The user's .env, else the example."""
    own = PROJECT / ".env"
    return own if own.is_file() else PROJECT / ".env.example"


def configured(env_file: Path, changes: Mapping[str, str]) -> DisasterRecovery:
    """Disaster recovery as a file and these variables configure it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    try:
        found = Config.load(env_file, {**environ, **changes}).disaster_recovery
    except ConfigError as err:
        raise DrillError(f"{env_file.name} cannot be deployed: {err}") from err
    if found is None:
        raise DrillError(f"{env_file.name} configures no disaster recovery", "Set DR_TYPE and its variables.")
    return found


def _place(side: Side) -> Place:
    return Place(side.region, side.environment_name)
