"""Disaster recovery: every section and variable."""

# ruff: noqa: RUF009 - variable() declares a field, as dataclasses.field does

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lib.config import aws_kinds as aws
from lib.config import cron, kinds
from lib.config.kinds import Word
from lib.config.section import Section, variable


class DrType(Word):
    """The recovery strategy."""

    BACKUP_RESTORE = "BACKUP_RESTORE"
    WARM_STANDBY = "WARM_STANDBY"


class DagsReplication(Word):
    """What the stack does about the replication of the DAGs bucket."""

    MANAGE = "MANAGE"
    SKIP = "SKIP"


class Approval(Word):
    """Who says that recovery starts."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


@dataclass(frozen=True)
class Deployment(Section):
    """What is deployed, and where."""

    stack_name_prefix: str = variable(
        "STACK_NAME_PREFIX",
        aws.STACK_NAME,
        "The names of both stacks and of the backup buckets begin with it.",
        example="mwaa-data-team",
    )
    account_id: str = variable(
        "AWS_ACCOUNT_ID", aws.ACCOUNT, "The account of both environments.", example="111222333444"
    )
    dr_type: DrType = variable(
        "DR_TYPE",
        kinds.word(DrType),
        "The strategy: the secondary environment is created when it is needed, or waits there.",
        example="BACKUP_RESTORE",
    )
    mwaa_version: str = variable(
        "MWAA_VERSION", aws.VERSION, "The Airflow version of the environments.", example="2.10.3"
    )
    backup_file_name: str = variable(
        "MWAA_BACKUP_FILE_NAME",
        aws.JSON_FILE,
        "The name under which the blueprint of the primary environment is stored.",
        default="environment.json",
    )
    dags_replication: DagsReplication = variable(
        "DAGS_REPLICATION",
        kinds.word(DagsReplication),
        "Whether the stack replicates the DAGs bucket, or leaves that bucket's replication alone.",
        default="MANAGE",
    )


@dataclass(frozen=True)
class Side(Section):
    """What both environments have."""

    region: str = variable("{side}_REGION", aws.REGION, "The Region of this environment.", example="us-east-1")
    environment_name: str = variable(
        "{side}_MWAA_ENVIRONMENT_NAME", aws.ENVIRONMENT_NAME, "The name of this environment.", example="my-mwaa"
    )
    role_arn: aws.Arn = variable(
        "{side}_MWAA_ROLE_ARN",
        aws.ROLE_ARN,
        "The execution role of this environment.",
        example="arn:aws:iam::111222333444:role/service-role/my-mwaa-role",
    )
    dags_bucket_name: str = variable(
        "{side}_DAGS_BUCKET_NAME", aws.BUCKET, "The DAGs bucket of this environment, versioned.", example="my-mwaa-dags"
    )
    dags_kms_key_arn: aws.Arn | None = variable(
        "{side}_DAGS_KMS_KEY_ARN",
        kinds.optional(aws.KMS_KEY_ARN),
        "The key that the DAGs bucket is encrypted with.",
        default="",
        default_in_words="none: it is not encrypted with a customer key",
    )
    vpc_id: str = variable("{side}_VPC_ID", aws.VPC_ID, "The VPC of this environment.", example="vpc-012ab34c56d789101")
    subnet_ids: tuple[str, ...] = variable(
        "{side}_SUBNET_IDS",
        aws.subnet_ids(),
        "The subnets of this environment.",
        example="[subnet-1234567, subnet-987654321]",
    )
    security_group_ids: tuple[str, ...] = variable(
        "{side}_SECURITY_GROUP_IDS",
        aws.security_group_ids(),
        "The security groups of this environment.",
        example="[sg-0123456789]",
    )


@dataclass(frozen=True)
class Primary(Side):
    """Where the environment runs."""

    backup_schedule: str = variable(
        "PRIMARY_BACKUP_SCHEDULE",
        cron.AIRFLOW_SCHEDULE,
        "When backups are taken, in UTC; the time between two is what a disaster can lose.",
        default="0 * * * *",
        example="@hourly",
    )
    dags_replication_role_arn: aws.Arn | None = variable(
        "PRIMARY_DAGS_REPLICATION_ROLE_ARN",
        kinds.optional(aws.ROLE_ARN),
        "The role of the replication rules that the DAGs bucket has already; S3 takes one role for all rules, and the "
        "deployment prints the policy that it needs.",
        default="",
        default_in_words="none: the bucket has no other rules, and the stack makes a role",
    )


@dataclass(frozen=True)
class Secondary(Side):
    """Where the environment is recovered."""

    create_sfn_vpce: bool = variable(
        "SECONDARY_CREATE_SFN_VPCE",
        kinds.YES_NO,
        "Whether the VPC gets an endpoint of Step Functions, which a private environment answers through; one that is "
        "there is used, and a security group without HTTPS from the VPC gets that rule.",
        example="YES",
    )
    kms_key_arn: aws.Arn | None = variable(
        "SECONDARY_KMS_KEY_ARN",
        kinds.optional(aws.KMS_KEY_ARN),
        "The key that the secondary environment is created with.",
        default="",
        default_in_words="none: a key of AWS",
    )
    airflow_config_overrides: Mapping[str, str | None] = variable(
        "SECONDARY_AIRFLOW_CONFIG_OVERRIDES",
        kinds.AIRFLOW_OPTIONS,
        "Airflow options that are bound to a Region: they replace the primary's when the secondary is created.",
        default="{}",
        example='{"core.default_timezone": "utc"}',
    )
    backup_schedule: str | None = variable(
        "SECONDARY_BACKUP_SCHEDULE",
        kinds.optional(cron.AIRFLOW_SCHEDULE),
        "When the secondary environment is backed up, once it has taken over.",
        default="",
        default_in_words="none: only when triggered",
    )
    backup_expire_days: int = variable(
        "SECONDARY_BACKUP_EXPIRE_DAYS",
        kinds.whole(0, 3650),
        "When backups expire in the secondary bucket, where the primary's deletions do not arrive; 0: never.",
        default="35",
    )
    backup_max_age_mins: int | None = variable(
        "BACKUP_MAX_AGE_MINS",
        kinds.optional(kinds.whole(0, 5_256_000)),
        "How old the newest whole backup may be in the secondary bucket, until people are told; 0: they are not.",
        default="",
        default_in_words="twice the longest time between two of `PRIMARY_BACKUP_SCHEDULE`, and 30 minutes",
    )


@dataclass(frozen=True)
class HealthCheck(Section):
    """When the primary environment counts as failed."""

    enabled: bool = variable(
        "HEALTH_CHECK_ENABLED",
        kinds.YES_NO,
        "Whether the primary is checked on a schedule; with NO a person starts the recovery workflow.",
        default="YES",
    )
    interval_mins: int = variable(
        "HEALTH_CHECK_INTERVAL_MINS", kinds.whole(1, 1440), "The time between two health checks.", default="5"
    )
    max_retry: int = variable(
        "HEALTH_CHECK_MAX_RETRY",
        kinds.whole(0, 20),
        "How often an unhealthy or unknown primary is asked again before anything is done.",
        default="2",
    )
    retry_interval_secs: int = variable(
        "HEALTH_CHECK_RETRY_INTERVAL_SECS", kinds.whole(1, 3600), "The wait before it is asked again.", default="5"
    )
    retry_backoff_rate: float = variable(
        "HEALTH_CHECK_RETRY_BACKOFF_RATE", kinds.decimal(1, 10), "What each wait is multiplied with.", default="2"
    )
    timeout_secs: int = variable(
        "HEALTH_CHECK_TIMEOUT_SECS", kinds.whole(20, 840), "How long one health check may take.", default="60"
    )
    consecutive: int = variable(
        "HEALTH_CHECK_CONSECUTIVE",
        kinds.whole(1, 100),
        "How many scheduled checks in a row, each with its retries, have to find the primary unhealthy.",
        default="1",
    )
    failover_on_unknown: bool = variable(
        "HEALTH_CHECK_FAILOVER_ON_UNKNOWN",
        kinds.YES_NO,
        "Whether recovery also starts when nobody can tell how the primary is; with NO a notification is sent.",
        default="NO",
    )
    witness_region: str | None = variable(
        "HEALTH_CHECK_WITNESS_REGION",
        kinds.optional(aws.REGION),
        "A third Region: while it does not answer either, it is our own network that is broken.",
        default="",
        default_in_words="`us-west-2`, `eu-west-1` or `us-east-1`, the first that is neither",
    )
    simulate_dr: bool = variable(
        "MWAA_SIMULATE_DR",
        kinds.YES_NO,
        "Whether every health check finds the primary unhealthy, for a drill.",
        default="NO",
    )


@dataclass(frozen=True)
class Recovery(Section):
    """What the recovery workflow does, and how long it may take."""

    export_dag_name: str = variable(
        "METADATA_EXPORT_DAG_NAME", aws.DAG_NAME, "The DAG that backs the metadata up.", default="backup_metadata"
    )
    import_dag_name: str = variable(
        "METADATA_IMPORT_DAG_NAME", aws.DAG_NAME, "The DAG that restores the metadata.", default="restore_metadata"
    )
    cleanup_dag_name: str = variable(
        "METADATA_CLEANUP_DAG_NAME", aws.DAG_NAME, "The DAG that empties the standby.", default="cleanup_metadata"
    )
    cleanup_cool_off_secs: int = variable(
        "SECONDARY_CLEANUP_COOL_OFF_SECS",
        kinds.whole(0, 3600),
        "Warm standby: the pause between cleanup and restore.",
        default="30",
    )
    create_polling_interval_secs: int = variable(
        "MWAA_CREATE_ENV_POLLING_INTERVAL_SECS",
        kinds.whole(1, 3600),
        "How often the environment that is being created is looked at.",
        default="60",
    )
    create_timeout_mins: int = variable(
        "MWAA_CREATE_ENV_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "Backup and restore: how long the creation of the environment may take; 20 to 30 minutes are common.",
        default="35",
    )
    standby_ready_mins: int = variable(
        "STANDBY_READY_TIMEOUT_MINS",
        kinds.whole(1, 1440),
        "Warm standby: how long to wait for a standby that is not available, as in an update.",
        default="5",
    )
    state_machine_timeout_mins: int = variable(
        "STATE_MACHINE_TIMEOUT_MINS",
        kinds.whole(1, 10_080),
        "How long one execution of the workflow may take, without the wait for an approval.",
        default="60",
    )
    approval: Approval = variable(
        "FAILOVER_APPROVAL",
        kinds.word(Approval),
        "Whether recovery starts by itself, or waits for a person, whom the notification tells how.",
        default="AUTO",
    )
    approval_timeout_mins: int = variable(
        "FAILOVER_APPROVAL_TIMEOUT_MINS",
        kinds.whole(1, 10_080),
        "How long it waits for that person.",
        default="720",
    )
    fence_primary: bool = variable(
        "FENCE_PRIMARY",
        kinds.YES_NO,
        "Whether all DAGs of a primary that comes back after a failover are paused; with NO there is an hourly alarm.",
        default="NO",
    )
    fence_interval_mins: int = variable(
        "FENCE_INTERVAL_MINS", kinds.whole(1, 60), "How often it is checked whether the primary came back.", default="5"
    )
