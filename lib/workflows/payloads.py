"""What several steps tell their functions, each in one form."""

from __future__ import annotations

from aws_cdk import aws_stepfunctions as sfn

from lib.config.recovery import DisasterRecovery
from lib.config.recovery_sections import Side

EXECUTION = sfn.JsonPath.execution_id
INPUT = "$.input"
REDRIVES = "$$.Execution.RedriveCount"
BACKUP_PREFIX = "data"
"""The folder of the backups, as DR_PATH_PREFIX has it where nothing else is set."""

TAKE_THE_LEASE = "Take the lease"
"""The state from which on an execution acts; before it, an execution only checks."""

BACKUP_PREFIX = "data"
"""The folder of the backups, as DR_PATH_PREFIX has it where nothing else is set."""


def place(side: Side) -> dict[str, str]:
    """An environment."""
    return {"name": side.environment_name, "region": side.region}


def records(config: DisasterRecovery) -> dict[str, str]:
    """Where the records are: always in the secondary Region."""
    return {"table": config.records_table_name, "region": config.secondary.region}


def arn(given: str | None) -> str | None:
    """An ARN of the configuration: jsii takes no subclass of str."""
    return str(given) if given else None
