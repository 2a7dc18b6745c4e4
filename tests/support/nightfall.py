"""Stop and start, deployed on a local AWS, of environments that have everything that an environment can have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from lib.config import Config
from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment
from tests.support import account
from tests.support.airflow_front import AirflowFront
from tests.support.deployment import ACCOUNT, cdk_deploy
from tests.support.local_aws import eventually
from tests.support.mailbox import Mailbox
from tests.support.night import REGION, Night

FILES = ("plugins.zip", "requirements.txt", "startup.sh")
LOGS = ("DagProcessingLogs", "SchedulerLogs", "TaskLogs", "WebserverLogs", "WorkerLogs")

NAMED = {
    "CDK_DEFAULT_ACCOUNT": ACCOUNT,
    "CDK_DEFAULT_REGION": REGION,
    "MWAA_MAIN_STACK_NAME": "night",
    "MWAA_ENV_NAME": "dev",
    "MWAA_ENV_VERSION": "2.10.3",
    "MWAA_SOURCE_BUCKET_NAME": "dev-dags",
    "MWAA_EXECUTION_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/service-role/dev",
    "MWAA_UPDATE_EXECUTION_ROLE": "yes",
    "MWAA_PAUSE_CRON_SCHEDULE": "'0 20 ? * MON-FRI *'",
    "MWAA_RESUME_CRON_SCHEDULE": "'0 6 ? * MON-FRI *'",
    "MWAA_SCHEDULE_TIME_ZONE": "Europe/Berlin",
    "MWAA_NOTIFICATION_TYPES": "'[FAILED, TIMED_OUT, ABORTED, SUCCEEDED]'",
    "MWAA_COST_PER_HOUR": "0.5",
}
"""Of the one environment `dev`, but for its network."""


@contextmanager
def nightfall(folder: Path, *, private: tuple[str, ...] = (), **variables: str) -> Iterator[list[Night]]:
    """Deploy the stack for as long as the block lasts; these environments have a `private` web server."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws.start(folder / "aws", (REGION,), account=ACCOUNT, auth=True))
        env = folder / ".env"
        network = account.networks(aws, {"ENV": REGION})
        env.write_text(_text({**NAMED, **in_network(network, "ENV"), **variables}))
        plan = planned(env)
        aws.mwaa.pace(create=0, update=0, delete=0)
        fields = {one.name: prepared(aws, one, is_private=one.name in private) for one in plan.environments}
        fronts = {name: stack.enter_context(front_of(aws, name)) for name in fields}
        aws.bootstrap()
        cdk_deploy(aws, env)
        mailbox = Mailbox(aws, REGION)
        yield [Night(aws, plan, one, fronts[one.name], mailbox, fields[one.name]) for one in plan.environments]


def planned(env: Path) -> StartStop:
    """What a `.env` file says."""
    plan = Config.load(env, {}).start_stop
    assert plan
    return plan


def in_network(networks: Mapping[str, str], side: str) -> dict[str, str]:
    """The network of a side of `account.networks`, as stop and start call it."""
    names = {"VPC_ID": "VPC_ID", "SUBNET_IDS": "VPC_SUBNETS", "SECURITY_GROUP_IDS": "VPC_SECURITY_GROUPS"}
    return {f"MWAA_{ours}": networks[f"{side}_{theirs}"] for theirs, ours in names.items()}


def prepared(aws: LocalAws, environment: Environment, *, is_private: bool = False) -> dict[str, Any]:
    """Create the environment with its role and bucket; the fields that it was created with."""
    account.role(aws, str(environment.role_arn), *account.MWAA)
    account.bucket(aws, environment.dags_bucket_name, REGION)
    fields = filled(aws, environment, is_private=is_private)
    mwaa = aws.client("mwaa", REGION)
    mwaa.create_environment(**fields)
    eventually(lambda: mwaa.get_environment(Name=environment.name)["Environment"]["Status"] == "AVAILABLE")
    return fields


def front_of(aws: LocalAws, name: str) -> AirflowFront:
    """The Airflow of an environment, which is forwarded to from now on."""
    front = AirflowFront(lambda region: aws.client("stepfunctions", region))
    aws.mwaa.web_server(REGION, name, front.url)
    return front


def filled(aws: LocalAws, environment: Environment, *, is_private: bool = False) -> dict[str, Any]:
    """A value in every field that CreateEnvironment takes; puts the files that some of them name."""
    s3, bucket = aws.client("s3", REGION), environment.dags_bucket_name
    versions = {key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode())["VersionId"] for key in FILES}
    return {
        "Name": environment.name,
        "ExecutionRoleArn": str(environment.role_arn),
        "SourceBucketArn": f"arn:aws:s3:::{bucket}",
        "DagS3Path": "dags",
        "NetworkConfiguration": {
            "SubnetIds": [*environment.subnet_ids],
            "SecurityGroupIds": [*environment.security_group_ids],
        },
        "AirflowVersion": environment.version,
        "AirflowConfigurationOptions": {"core.parallelism": "64", "core.dags_are_paused_at_creation": "False"},
        "PluginsS3Path": "plugins.zip",
        "PluginsS3ObjectVersion": versions["plugins.zip"],
        "RequirementsS3Path": "requirements.txt",
        "RequirementsS3ObjectVersion": versions["requirements.txt"],
        "StartupScriptS3Path": "startup.sh",
        "EnvironmentClass": "mw1.medium",
        "MaxWorkers": 12,
        "MinWorkers": 2,
        "Schedulers": 3,
        "MaxWebservers": 4,
        "MinWebservers": 3,
        "LoggingConfiguration": {name: {"Enabled": True, "LogLevel": "INFO"} for name in LOGS},
        "WeeklyMaintenanceWindowStart": "SUN:03:30",
        "WebserverAccessMode": "PRIVATE_ONLY" if is_private else "PUBLIC_ONLY",
        "EndpointManagement": "SERVICE",
        "Tags": {"team": "data", "cost": "42"},
    }


def _text(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items())
