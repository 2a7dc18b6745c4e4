"""What disaster recovery and stop and start have in common; one `.env` serves both."""

# ruff: noqa: RUF009 - variable() declares a field, as dataclasses.field does

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lib.config import aws_kinds as aws
from lib.config import kinds
from lib.config.kinds import Word
from lib.config.section import Section, variable

LOG_DAYS = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What CloudWatch Logs takes (PutRetentionPolicy); 0 stands for ever."""


class RestoreStrategy(Word):
    """What becomes of variables (or connections) that are already there."""

    APPEND = "APPEND"
    REPLACE = "REPLACE"
    DO_NOTHING = "DO_NOTHING"


class Mode(Word):
    """What backups and restores work by."""

    DATABASE = "DATABASE"
    CONFIG_ONLY = "CONFIG_ONLY"


class BackupMode(Word):
    """How much a backup stores."""

    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"


@dataclass(frozen=True)
class Common(Section):
    """Both products: what they may touch, whom they tell, what they keep."""

    update_execution_role: bool = variable(
        "MWAA_UPDATE_EXECUTION_ROLE",
        kinds.YES_NO,
        "Whether the execution roles get the policies that the DAGs need; with NO the deployment prints them.",
        example="YES",
    )
    dags_s3_path: str = variable(
        "MWAA_DAGS_S3_PATH",
        aws.S3_PATH,
        "The DAGs folder in the DAGs bucket; `mwaa_dr` is deployed below it.",
        default="dags",
    )
    notification_emails: tuple[str, ...] = variable(
        "MWAA_NOTIFICATION_EMAILS",
        aws.EMAILS,
        "Who is subscribed to the notifications; each has to confirm the mail that AWS sends.",
        default="[]",
        example="[admins@example.com]",
    )
    backup_retain: bool = variable(
        "BACKUP_RETAIN",
        kinds.YES_NO,
        "Whether backup buckets and their keys outlive the stacks; with NO `cdk destroy` deletes every backup.",
        default="YES",
    )
    backup_old_versions_days: int = variable(
        "BACKUP_OLD_VERSIONS_DAYS",
        kinds.whole(1, 3650),
        "How long deleted and overwritten objects stay in the backup buckets as old versions.",
        default="30",
    )
    log_retention_days: int = variable(
        "LOG_RETENTION_DAYS",
        kinds.one_of(LOG_DAYS, f"0 (for ever) or {kinds.listed([str(days) for days in LOG_DAYS[1:]])}"),
        "How long the logs of functions and workflows are kept.",
        default="90",
    )


@dataclass(frozen=True)
class Engine(Section):
    """The DAG package: set as Airflow Variables of the same names when the stacks are deployed."""

    mode: Mode = variable(
        "DR_MODE",
        kinds.word(Mode),
        "By the metadata database; or, where Airflow 3 keeps it from tasks, by the REST API: then configuration comes"
        " back, and history is only archived.",
        default="DATABASE",
    )
    variable_restore_strategy: RestoreStrategy = variable(
        "DR_VARIABLE_RESTORE_STRATEGY",
        kinds.word(RestoreStrategy),
        "Variables that are already there on a restore: keep them, replace them, or restore none.",
        default="APPEND",
    )
    connection_restore_strategy: RestoreStrategy = variable(
        "DR_CONNECTION_RESTORE_STRATEGY",
        kinds.word(RestoreStrategy),
        "Connections that are already there on a restore: keep them, replace them, or restore none.",
        default="APPEND",
    )
    backup_retention: aws.Retention = variable(
        "DR_BACKUP_RETENTION",
        aws.RETENTION,
        "Which backups stay when a new one is complete.",
        default="24,14d",
    )
    backup_mode: BackupMode = variable(
        "DR_BACKUP_MODE",
        kinds.word(BackupMode),
        "All rows each time; or what has changed since the last backup, which then is needed to restore the new one.",
        default="FULL",
    )
    full_every: int = variable(
        "DR_FULL_EVERY",
        kinds.whole(1, 1000),
        "With `INCREMENTAL`: one backup of so many is a full one.",
        default="24",
    )
    shrink_guard_percent: int = variable(
        "DR_SHRINK_GUARD_PERCENT",
        kinds.whole(0, 100),
        "A backup in which a core table lost more rows than this is kept, but does not become the latest.",
        default="50",
    )
    skip_unreadable_secrets: bool = variable(
        "DR_SKIP_UNREADABLE_SECRETS",
        kinds.YES_NO,
        "Whether a backup goes on without a variable or connection that cannot be decrypted, and lists it.",
        default="NO",
    )
    heartbeat_seconds: int = variable(
        "DR_HEARTBEAT_SECONDS",
        kinds.whole(1, 3600),
        "How often a DAG tells the workflow that waits for it that it goes on.",
        default="60",
    )

    @property
    def is_config_only(self) -> bool:
        """Whether the DAGs work by the REST API of their own Airflow."""
        return self.mode is Mode.CONFIG_ONLY

    @property
    def conf(self) -> Mapping[str, str]:
        """What an environment that has no Variables yet is told with each run."""
        return {"mode": str(self.mode)} if self.is_config_only else {}

    @property
    def longest_chain(self) -> int:
        """How many backups an increment may reach back: to each of those its rows may be stored with."""
        return self.full_every - 1 if self.backup_mode is BackupMode.INCREMENTAL else 0

    def airflow_variables(self) -> Mapping[str, str]:
        """Airflow Variable -> value."""
        return {
            "DR_MODE": str(self.mode),
            "DR_VARIABLE_RESTORE_STRATEGY": str(self.variable_restore_strategy),
            "DR_CONNECTION_RESTORE_STRATEGY": str(self.connection_restore_strategy),
            "DR_BACKUP_RETENTION": str(self.backup_retention),
            "DR_BACKUP_MODE": str(self.backup_mode),
            "DR_FULL_EVERY": str(self.full_every),
            "DR_SHRINK_GUARD_PERCENT": str(self.shrink_guard_percent),
            "DR_SKIP_UNREADABLE_SECRETS": "true" if self.skip_unreadable_secrets else "false",
            "DR_HEARTBEAT_SECONDS": str(self.heartbeat_seconds),
        }


@dataclass(frozen=True)
class Deadlines(Section):
    """The steps that all workflows are made of: how long each may take."""

    preflight_mins: int = variable(
        "PREFLIGHT_TIMEOUT_MINS",
        kinds.whole(1, 14),
        "How long the checks before a change may take; in stop also the verification of the backup.",
        default="3",
    )
    dag_ready_mins: int = variable(
        "DAG_READY_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long to wait until Airflow has parsed a DAG and it can be triggered.",
        default="5",
    )
    export_mins: int = variable(
        "METADATA_EXPORT_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long the backup DAG may take when a workflow runs it.",
        default="12",
    )
    import_mins: int = variable(
        "METADATA_IMPORT_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long the restore DAG may take.",
        default="12",
    )
    cleanup_mins: int = variable(
        "METADATA_CLEANUP_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long the cleanup DAG may take.",
        default="10",
    )
    heartbeat_secs: int = variable(
        "WORKFLOW_HEARTBEAT_SECS",
        kinds.whole(10, 86_400),
        "A DAG that a workflow waits for has failed when it is silent for this long, its start included.",
        default="300",
    )
