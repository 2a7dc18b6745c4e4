"""One Region on a local AWS, with the stop and start of the user's own .env deployed into it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drill import land, one_product
from drill.aws import LocalAws
from drill.containers import Place
from drill.ground import ACTIVE_AT_ONCE, OPTIONS, Ground, loaded, user_file
from lib.config.catalog import PER_ENVIRONMENT, PLACES, Product
from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment
from lib.functions.record_table import KEY

REHEARSED = {
    "MWAA_UPDATE_EXECUTION_ROLE": "YES",
    "MWAA_NOTIFICATION_TYPES": "[FAILED, TIMED_OUT, ABORTED, SUCCEEDED]",
    "STOP_WHEN_BUSY": "WAIT",
}
"""What a rehearsal sets, whatever the .env says: all is told, and what runs is waited for."""

NOT_HERE = ("MWAA_DAYS_OFF", "MWAA_CHANGE_CALENDAR", "MWAA_KMS_KEY_ARN", "MWAA_SOURCE_KMS_KEY_ARN")
"""What a rehearsal leaves out: days on which it could not be played, and keys that are not on a local AWS."""

NETWORK = {
    "MWAA_VPC_ID": "ENV_VPC_ID",
    "MWAA_VPC_SUBNETS": "ENV_SUBNET_IDS",
    "MWAA_VPC_SECURITY_GROUPS": "ENV_SECURITY_GROUP_IDS",
}
"""Variable -> what it is in the networks of `land`, whose side is ENV here."""

LOGS = ("DagProcessingLogs", "SchedulerLogs", "TaskLogs", "WebserverLogs", "WorkerLogs")
FIELDS: Mapping[str, Any] = {
    "EnvironmentClass": "mw1.medium",
    "MaxWorkers": 12,
    "MinWorkers": 2,
    "Schedulers": 3,
    "LoggingConfiguration": {name: {"Enabled": True, "LogLevel": "INFO"} for name in LOGS},
    "WeeklyMaintenanceWindowStart": "SAT:04:30",
    "Tags": {"team": "data", "cost": "42"},
}
"""Of the environment, beside those that the configuration names: to be found again after the start."""


@dataclass
class StopStartSite(Ground):
    """The account of the configuration, with one environment of it."""

    config: StartStop

    @classmethod
    def prepared(cls, aws: LocalAws, env_file: Path, hidden: Mapping[str, str], *, version: str) -> StopStartSite:
        """Network, bucket and role, and the command line of the CDK ready to deploy an Airflow of this version."""
        before = configured(env_file, hidden)
        network = land.networks(aws, {"ENV": before.schedules.region})
        wanted = {**REHEARSED, "MWAA_ENV_VERSION": version}
        wanted |= _named(network) if before.environments[0].vpc_id else {}
        settings = {**hidden, **of_the_first(before, wanted)}
        site = cls(aws, env_file, settings, configured(env_file, settings))
        land.bucket(aws, site.environment.dags_bucket_name, site.primary.region)
        land.role(aws, str(site.environment.role_arn), *land.MWAA)
        site.network = land.network(*(_listed(network[f"ENV_{what}_IDS"]) for what in ("SUBNET", "SECURITY_GROUP")))
        return site

    def __post_init__(self) -> None:
        """Of its own until it is prepared."""
        self.network: dict[str, list[str]] = {}

    @property
    def environment(self) -> Environment:
        """The one that is stopped and started: of several the first."""
        return self.config.environments[0]

    @property
    def primary(self) -> Place:
        """The same, by its Region and name."""
        return Place(self.config.schedules.region, self.environment.name)

    @property
    def regions(self) -> tuple[str, ...]:
        """The only Region."""
        return (self.primary.region,)

    def machine(self, what: str) -> str:
        """The ARN of the state machine of a stop or a start."""
        account, name = self.config.schedules.account_id, self.config.machine_name(self.environment, what)
        return f"arn:aws:states:{self.primary.region}:{account}:stateMachine:{name}"

    def create(self) -> Place:
        """Begin to create the environment, as a user would."""
        environment = self.environment
        self.here("mwaa").create_environment(
            **FIELDS,
            Name=environment.name,
            ExecutionRoleArn=str(environment.role_arn),
            SourceBucketArn=f"arn:aws:s3:::{environment.dags_bucket_name}",
            DagS3Path=self.config.common.dags_s3_path,
            NetworkConfiguration=self.network,
            AirflowVersion=environment.version,
            AirflowConfigurationOptions={"core.parallelism": "64", **OPTIONS, **ACTIVE_AT_ONCE},
            WebserverAccessMode="PRIVATE_ONLY" if environment.vpc_id else "PUBLIC_ONLY",
        )
        return self.primary

    def upload(self, *files: Path) -> None:
        """Put DAG files into the DAGs bucket."""
        self.put(self.environment.dags_bucket_name, self.config.common.dags_s3_path, *files)

    def schedule(self, what: str) -> str:
        """The name of the schedule that starts the state machine of a stop or a start."""
        scheduler = self.here("scheduler")
        names = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
        (found,) = [name for name in names if scheduler.get_schedule(Name=name)["Target"]["Arn"] == self.machine(what)]
        return str(found)

    def deploy(self) -> None:
        """`cdk deploy --all`; the clock starts nothing then, since it could be evening."""
        self.aws.stop_the_clock()
        super().deploy()

    def fire(self, what: str) -> None:
        """Let the schedule start its machine now, as its role and with the input that it writes."""
        self.aws.fire_schedule(self.schedule(what), region=self.primary.region)

    def records(self) -> list[str]:
        """The names of the records of the environment."""
        items = self.here("dynamodb").scan(TableName=self.config.records_table_name)["Items"]
        place = f"/{self.primary.name}.{self.primary.region}"
        return sorted(item[KEY]["S"] for item in items if item[KEY]["S"].endswith(place))


def own_file(folder: Path) -> tuple[Path, dict[str, str]]:
    """The user's .env with stop and start alone, and what the environment must not say; the example, all of it."""
    from docs.configuration import example_environ

    file, example = user_file(), example_environ(Product.START_STOP)
    is_example = file.name != ".env"
    known = one_product.names_in(file)
    more = {name: value for name, value in example.items() if name not in known and (is_example or name in PLACES)}
    copied = one_product.copy(file, Product.START_STOP, folder, without=NOT_HERE, more=more)
    return copied, one_product.hidden(Product.START_STOP, without=NOT_HERE)


def configured(env_file: Path, changes: Mapping[str, str]) -> StartStop:
    """Stop and start as a file and these variables configure it."""
    found = loaded(env_file, changes).start_stop
    if found is None:
        raise one_product.missing(env_file, Product.START_STOP)
    return found


def of_the_first(plan: StartStop, wanted: Mapping[str, str]) -> dict[str, str]:
    """These variables as those of the first environment, and of several no other one."""
    if not plan.schedules.environments:
        return dict(wanted)
    first = plan.schedules.environments[0]
    named = {f"{name}__{first}" if name in PER_ENVIRONMENT else name: text for name, text in wanted.items()}
    return {**named, "START_STOP_ENVIRONMENTS": f"[{first}]"}


def _named(network: Mapping[str, str]) -> dict[str, str]:
    return {name: network[found] for name, found in NETWORK.items()}


def _listed(text: str) -> Iterator[str]:
    yield from json.loads(text.strip("'"))
