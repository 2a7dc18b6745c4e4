"""Configurations for tests: valid ones, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lib.config import Config, ConfigError, DisasterRecovery, StartStop

ACCOUNT = "111222333444"


def valid_env(**changes: str | None) -> dict[str, str]:
    """What disaster recovery needs, backup and restore from us-east-1 to us-west-2; None takes a variable away."""
    env = {
        "STACK_NAME_PREFIX": "mwaa-team",
        "AWS_ACCOUNT_ID": ACCOUNT,
        "DR_TYPE": "BACKUP_RESTORE",
        "MWAA_VERSION": "2.10.3",
        "MWAA_UPDATE_EXECUTION_ROLE": "YES",
        "SECONDARY_CREATE_SFN_VPCE": "YES",
        **_side("PRIMARY", "us-east-1"),
        **_side("SECONDARY", "us-west-2"),
    }
    return _changed(env, changes)


def start_stop_env(**changes: str | None) -> dict[str, str]:
    """What stop and start of one environment in eu-west-1 needs; None takes a variable away."""
    env = {
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": "eu-west-1",
        "MWAA_MAIN_STACK_NAME": "mwaa-stop-start",
        "MWAA_ENV_NAME": "dev",
        "MWAA_ENV_VERSION": "2.10.3",
        "MWAA_SOURCE_BUCKET_NAME": "dev-dags",
        "MWAA_EXECUTION_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/service-role/dev",
        "MWAA_UPDATE_EXECUTION_ROLE": "YES",
        "MWAA_PAUSE_CRON_SCHEDULE": "0 20 ? * MON-FRI *",
        "MWAA_RESUME_CRON_SCHEDULE": "0 6 ? * MON-FRI *",
        "MWAA_SCHEDULE_TIME_ZONE": "Europe/Berlin",
    }
    return _changed(env, changes)


def of_the_primary(**changes: str | None) -> dict[str, str]:
    """Both products for the same environment."""
    same = {
        "CDK_DEFAULT_REGION": "us-east-1",
        "MWAA_ENV_NAME": "mwaa-primary",
        "MWAA_SOURCE_BUCKET_NAME": "primary-dags",
        "MWAA_EXECUTION_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/service-role/primary",
    }
    return {**valid_env(), **start_stop_env(**{**same, **changes})}


def recovery(**changes: str | None) -> DisasterRecovery:
    """Disaster recovery with these changes."""
    loaded = Config.load(None, valid_env(**changes)).disaster_recovery
    assert loaded
    return loaded


def start_stop(**changes: str | None) -> StartStop:
    """Stop and start with these changes."""
    loaded = Config.load(None, start_stop_env(**changes)).start_stop
    assert loaded
    return loaded


def errors(env: dict[str, str], file: Path | None = None) -> list[str]:
    """The lines of the report about a configuration; none: it is right."""
    try:
        Config.load(file, env)
    except ConfigError as err:
        return [finding.line for finding in err.findings]
    return []


def warnings(env: dict[str, str], file: Path | None = None) -> list[str]:
    """The warnings about a configuration that is right."""
    return [finding.line for finding in Config.load(file, env).warnings]


def refusal(read: Callable[[str], object], text: str) -> str:
    """Why a text is refused; fails when it is read."""
    try:
        value = read(text)
    except ValueError as err:
        return str(err)
    raise AssertionError(f"{text!r} was read as {value!r}")


def _side(side: str, region: str) -> dict[str, str]:
    name = side.lower()
    return {
        f"{side}_REGION": region,
        f"{side}_MWAA_ENVIRONMENT_NAME": f"mwaa-{name}",
        f"{side}_MWAA_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/service-role/{name}",
        f"{side}_DAGS_BUCKET_NAME": f"{name}-dags",
        f"{side}_VPC_ID": f"vpc-{name}",
        f"{side}_SUBNET_IDS": f"[subnet-{name}1, subnet-{name}2]",
        f"{side}_SECURITY_GROUP_IDS": f"[sg-{name}]",
    }


def _changed(env: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**env, **changes}.items() if value is not None}
