"""Stop and start: every section and variable."""

# ruff: noqa: RUF009 - variable() declares a field, as dataclasses.field does

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lib.config import aws_kinds as aws
from lib.config import kinds, scheduler_cron
from lib.config.kinds import Word
from lib.config.section import Section, variable


class WhenBusy(Word):
    """What a stop does when something runs."""

    WAIT = "WAIT"
    SKIP = "SKIP"
    FORCE = "FORCE"


@dataclass(frozen=True)
class Schedules(Section):
    """What all environments of the deployment share."""

    stack_name: str = variable(
        "MWAA_MAIN_STACK_NAME",
        aws.STACK_NAME,
        "The name of the stack; the name of the backup bucket begins with it.",
        example="mwaa-pause-resume-dev",
    )
    account_id: str = variable(
        "CDK_DEFAULT_ACCOUNT",
        aws.ACCOUNT,
        "The account of the environments; in `.env`, since the CDK command line overwrites it elsewhere.",
        example="111222333444",
    )
    region: str = variable(
        "CDK_DEFAULT_REGION",
        aws.REGION,
        "The Region of the environments; in `.env`, since the CDK command line overwrites it elsewhere.",
        example="us-east-1",
    )
    environments: tuple[str, ...] = variable(
        "START_STOP_ENVIRONMENTS",
        aws.SECTIONS,
        "Several environments in one deployment: `[dev, staging]` reads `MWAA_ENV_NAME__DEV`, "
        "`MWAA_ENV_NAME__STAGING` and so on, and where that is not set, `MWAA_ENV_NAME` for both.",
        default="[]",
        example="[dev, staging]",
        default_in_words="one environment, from the names as they are",
    )
    notification_types: tuple[aws.Status, ...] = variable(
        "MWAA_NOTIFICATION_TYPES",
        aws.STATUSES,
        "Which ends (and starts) of a stop or a start are told.",
        default="[FAILED, TIMED_OUT, ABORTED]",
    )
    resources_folder: Path = variable(
        "MWAA_RESOURCES_FOLDER",
        aws.FOLDER,
        "The local folder whose `dags/mwaa_dr` is deployed.",
        default="assets",
    )
    backup_file_name: str = variable(
        "MWAA_DEFAULT_ENV_BACKUP_FILE",
        aws.JSON_FILE,
        "The name under which an environment's blueprint is stored.",
        default="environment-backup.json",
    )
    export_dag_name: str = variable(
        "MWAA_METADATA_EXPORT_DAG_NAME", aws.DAG_NAME, "The DAG that backs the metadata up.", default="backup_metadata"
    )
    import_dag_name: str = variable(
        "MWAA_METADATA_IMPORT_DAG_NAME", aws.DAG_NAME, "The DAG that restores the metadata.", default="restore_metadata"
    )
    poll_timeout_mins: int = variable(
        "SFN_POLL_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long to wait for a creation, an update or a deletion; never longer than the limits below leave.",
        default="60",
    )
    pause_timeout_mins: int = variable(
        "SFN_PAUSE_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "How long a stop may take, without the time for running work to end.",
        default="60",
    )
    resume_timeout_mins: int = variable(
        "SFN_RESUME_TIMEOUT_MINS", kinds.whole(1, 1440), "How long a start may take.", default="60"
    )
    poll_frequency_secs: int = variable(
        "SFN_POLL_FREQUENCY_SECS",
        kinds.whole(1, 3600),
        "How often an environment that is created, updated or deleted is looked at.",
        default="60",
    )


@dataclass(frozen=True)
class Environment(Section):
    """One environment and when it runs; with START_STOP_ENVIRONMENTS each of these may end in `__NAME`."""

    name: str = variable("MWAA_ENV_NAME", aws.ENVIRONMENT_NAME, "The name of the environment.", example="my-mwaa-env")
    version: str = variable(
        "MWAA_ENV_VERSION", aws.VERSION, "The Airflow version of the environment.", example="2.10.3"
    )
    dags_bucket_name: str = variable(
        "MWAA_SOURCE_BUCKET_NAME", aws.BUCKET, "The DAGs bucket of the environment.", example="my-mwaa-env-bucket"
    )
    role_arn: aws.Arn = variable(
        "MWAA_EXECUTION_ROLE_ARN",
        aws.ROLE_ARN,
        "The execution role of the environment.",
        example="arn:aws:iam::111222333444:role/service-role/my-mwaa-env-role",
    )
    stop_schedule: scheduler_cron.SchedulerCron = variable(
        "MWAA_PAUSE_CRON_SCHEDULE",
        scheduler_cron.SCHEDULER_CRON,
        "When the environment is stopped.",
        example="0 20 ? * MON-FRI *",
    )
    start_schedule: scheduler_cron.SchedulerCron = variable(
        "MWAA_RESUME_CRON_SCHEDULE",
        scheduler_cron.SCHEDULER_CRON,
        "When the environment is started.",
        example="0 6 ? * MON-FRI *",
    )
    time_zone: str = variable(
        "MWAA_SCHEDULE_TIME_ZONE",
        aws.TIME_ZONE,
        "The time zone of both schedules, daylight saving included.",
        example="America/New_York",
    )
    dags_kms_key_arn: aws.Arn | None = variable(
        "MWAA_SOURCE_KMS_KEY_ARN",
        kinds.optional(aws.KMS_KEY_ARN),
        "The key that the DAGs bucket is encrypted with.",
        default="",
        default_in_words="none: it is not encrypted with a customer key",
    )
    kms_key_arn: aws.Arn | None = variable(
        "MWAA_KMS_KEY_ARN",
        kinds.optional(aws.KMS_KEY_ARN),
        "The key that the environment itself is encrypted with, which a start needs to create it again.",
        default="",
        default_in_words="none: a key of AWS",
    )
    vpc_id: str | None = variable(
        "MWAA_VPC_ID",
        kinds.optional(aws.VPC_ID),
        "The VPC of an environment with a private web server; it needs the subnets and security groups, too.",
        default="",
        example="vpc-0a1bcd23ee45fg678",
        default_in_words="none: the web server is public",
    )
    subnet_ids: tuple[str, ...] = variable(
        "MWAA_VPC_SUBNETS",
        aws.subnet_ids(or_none=True),
        "The subnets of the environment.",
        default="[]",
        example="[subnet-1234567, subnet-987654321]",
    )
    security_group_ids: tuple[str, ...] = variable(
        "MWAA_VPC_SECURITY_GROUPS",
        aws.security_group_ids(or_none=True),
        "The security groups of the environment.",
        default="[]",
        example="[sg-0123456789]",
    )
    create_sfn_vpce: bool = variable(
        "MWAA_CREATE_SFN_VPCE",
        kinds.YES_NO,
        "Whether that VPC gets an endpoint of Step Functions; one that is there is used.",
        default="YES",
    )
    when_busy: WhenBusy = variable(
        "STOP_WHEN_BUSY",
        kinds.word(WhenBusy),
        "What a stop does when something runs: wait for it and then skip, skip this time, or stop all the same.",
        default="WAIT",
    )
    drain_mins: int = variable(
        "STOP_DRAIN_MINS", kinds.whole(1, 1440), "How long a stop waits for running work to end.", default="60"
    )
    update_after_restore: bool = variable(
        "MWAA_UPDATE_AFTER_RESTORE",
        kinds.YES_NO,
        "Whether the environment is updated after the restore, so that plugins read variables and connections.",
        default="NO",
    )
    days_off: tuple[date, ...] = variable(
        "MWAA_DAYS_OFF",
        aws.DATES,
        "Days on which the environment is not started.",
        default="[]",
        example="[2026-12-25]",
    )
    change_calendar: str | None = variable(
        "MWAA_CHANGE_CALENDAR",
        kinds.optional(aws.CALENDAR),
        "An SSM Change Calendar: while it is closed the environment is not started.",
        default="",
        default_in_words="none",
    )
    cost_per_hour: float | None = variable(
        "MWAA_COST_PER_HOUR",
        kinds.optional(kinds.decimal(0, 1000)),
        "What an hour of the environment costs, for the saving that is told.",
        default="",
        example="0.49",
        default_in_words="none: no saving is told",
    )
