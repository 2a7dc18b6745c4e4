"""What the variables of disaster recovery must not say together, and what follows from them."""

from __future__ import annotations

import pytest

from lib.config import regions
from tests.support.configuration import ACCOUNT, errors, recovery, valid_env, warnings

KEY = "key/0f3c5a2e-1b2c-4d5e-8f90-123456789abc"


def key(region: str, partition: str = "aws") -> str:
    return f"arn:{partition}:kms:{region}:{ACCOUNT}:{KEY}"


def in_china(**changes: str | None) -> dict[str, str]:
    role = f"arn:aws-cn:iam::{ACCOUNT}:role/r"
    china = {"PRIMARY_REGION": "cn-north-1", "SECONDARY_REGION": "cn-northwest-1"}
    return valid_env(**{**china, "PRIMARY_MWAA_ROLE_ARN": role, "SECONDARY_MWAA_ROLE_ARN": role, **changes})


def test_the_two_regions_have_to_differ() -> None:
    assert errors(valid_env(SECONDARY_REGION="us-east-1")) == [
        "SECONDARY_REGION is 'us-east-1', allowed: another Region than PRIMARY_REGION, us-east-1"
    ]


def test_the_two_regions_have_to_be_of_one_partition() -> None:
    lines = errors(valid_env(SECONDARY_REGION="cn-north-1"))
    assert "SECONDARY_REGION is 'cn-north-1', allowed: a Region of the partition of PRIMARY_REGION, aws" in lines


def test_a_role_of_another_account_is_refused_on_either_side() -> None:
    foreign = "arn:aws:iam::999999999999:role/r"
    lines = errors(valid_env(PRIMARY_MWAA_ROLE_ARN=foreign, SECONDARY_MWAA_ROLE_ARN=foreign))
    assert [line.split()[0] for line in lines] == ["PRIMARY_MWAA_ROLE_ARN", "SECONDARY_MWAA_ROLE_ARN"]
    assert all(line.endswith("allowed: a role of the account 111222333444") for line in lines)


def test_a_role_of_another_partition_is_refused() -> None:
    (line,) = errors(valid_env(PRIMARY_MWAA_ROLE_ARN=f"arn:aws-cn:iam::{ACCOUNT}:role/r"))
    assert line.endswith("allowed: a role of the partition aws")


def test_china_has_a_partition_of_its_own_and_no_third_region() -> None:
    (line,) = warnings(in_china())
    assert line.startswith("HEALTH_CHECK_WITNESS_REGION is not set, and no third Region is known in aws-cn")


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("PRIMARY_DAGS_KMS_KEY_ARN", "us-west-2"),
        ("SECONDARY_DAGS_KMS_KEY_ARN", "us-east-1"),
        ("SECONDARY_KMS_KEY_ARN", "us-east-1"),
    ],
)
def test_a_key_of_another_region_is_refused(name: str, region: str) -> None:
    keys = {
        "PRIMARY_DAGS_KMS_KEY_ARN": key("us-east-1"),
        "SECONDARY_DAGS_KMS_KEY_ARN": key("us-west-2"),
        name: key(region),
    }
    (line,) = errors(valid_env(**keys))
    assert line.startswith(f"{name} is ")
    assert "allowed: a key of the Region us-" in line


def test_an_encrypted_dags_bucket_needs_a_key_for_its_replicas() -> None:
    (line,) = errors(valid_env(PRIMARY_DAGS_KMS_KEY_ARN=key("us-east-1")))
    assert line.startswith("SECONDARY_DAGS_KMS_KEY_ARN is not set, allowed: a key in the secondary Region")


def test_an_encrypted_dags_bucket_that_is_not_replicated_by_us_needs_no_other_key() -> None:
    assert errors(valid_env(PRIMARY_DAGS_KMS_KEY_ARN=key("us-east-1"), DAGS_REPLICATION="SKIP")) == []


def test_one_bucket_cannot_be_the_dags_bucket_of_both() -> None:
    (line,) = errors(valid_env(SECONDARY_DAGS_BUCKET_NAME="primary-dags"))
    assert line.endswith("allowed: another bucket than PRIMARY_DAGS_BUCKET_NAME")


def test_a_dags_bucket_cannot_be_a_backup_bucket() -> None:
    name = recovery().backup_bucket_name(recovery().secondary)
    (line,) = errors(valid_env(SECONDARY_DAGS_BUCKET_NAME=name))
    assert line.endswith("allowed: another bucket than that of the backups")


def test_the_backup_buckets_are_known_before_they_are_there() -> None:
    dr = recovery(STACK_NAME_PREFIX="Data-Team")
    assert dr.backup_bucket_name(dr.primary) == "data-team-backup-111222333444-us-east-1"
    assert dr.backup_bucket_name(dr.secondary) == "data-team-backup-111222333444-us-west-2"
    assert (dr.primary_stack_name, dr.secondary_stack_name) == ("Data-Team-primary", "Data-Team-secondary")


def test_a_prefix_may_be_as_long_as_the_longer_bucket_name_allows_and_no_longer() -> None:
    longest = "p" * (63 - len("-backup-111222333444-ap-southeast-1"))
    assert errors(valid_env(STACK_NAME_PREFIX=longest, SECONDARY_REGION="ap-southeast-1")) == []
    (line,) = errors(valid_env(STACK_NAME_PREFIX=longest + "p", SECONDARY_REGION="ap-southeast-1"))
    assert line.endswith("would have 64 of 63 characters, 1 too many")


def test_a_prefix_may_not_be_too_long_for_the_stack_name_either() -> None:
    lines = errors(valid_env(STACK_NAME_PREFIX="p" * 119))
    assert [line.split("since ")[1][:10] for line in lines] == ["the bucket", "the stack "]


def test_two_dags_cannot_have_one_name() -> None:
    (line,) = errors(valid_env(METADATA_CLEANUP_DAG_NAME="restore_metadata"))
    assert line.startswith("METADATA_CLEANUP_DAG_NAME is 'restore_metadata', allowed: another one than ")


def test_the_deadlines_of_backup_and_restore_that_exceed_the_machine_are_added_up() -> None:
    assert errors(valid_env(STATE_MACHINE_TIMEOUT_MINS="59")) == [
        "STATE_MACHINE_TIMEOUT_MINS is '59', allowed: at least the sum of its steps in minutes, "
        "3.25 health check with its retries + 3 PREFLIGHT_TIMEOUT_MINS + 35 MWAA_CREATE_ENV_TIMEOUT_MINS "
        "+ 5 DAG_READY_TIMEOUT_MINS + 12 METADATA_IMPORT_TIMEOUT_MINS + 1 all other steps = 59.25"
    ]
    assert errors(valid_env(STATE_MACHINE_TIMEOUT_MINS="60")) == []
    assert errors(valid_env(STATE_MACHINE_TIMEOUT_MINS="57", HEALTH_CHECK_MAX_RETRY="0")) == []


def test_the_deadlines_of_warm_standby_that_exceed_the_machine_are_added_up() -> None:
    (line,) = errors(valid_env(DR_TYPE="WARM_STANDBY", STATE_MACHINE_TIMEOUT_MINS="49"))
    assert line.endswith(
        "3.25 health check with its retries + 3 PREFLIGHT_TIMEOUT_MINS + 5 STANDBY_READY_TIMEOUT_MINS "
        "+ 5 DAG_READY_TIMEOUT_MINS + 5 DAG_READY_TIMEOUT_MINS + 10 METADATA_CLEANUP_TIMEOUT_MINS "
        "+ 0.5 SECONDARY_CLEANUP_COOL_OFF_SECS "
        "+ 5 DAG_READY_TIMEOUT_MINS + 12 METADATA_IMPORT_TIMEOUT_MINS + 1 all other steps = 49.75"
    )
    assert errors(valid_env(DR_TYPE="WARM_STANDBY", STATE_MACHINE_TIMEOUT_MINS="50")) == []


@pytest.mark.parametrize(
    ("changes", "minutes"),
    [
        ({"HEALTH_CHECK_MAX_RETRY": "0"}, 1),
        ({"HEALTH_CHECK_MAX_RETRY": "1", "HEALTH_CHECK_RETRY_INTERVAL_SECS": "60"}, 3),
        ({"HEALTH_CHECK_MAX_RETRY": "2", "HEALTH_CHECK_RETRY_INTERVAL_SECS": "60"}, 6),
        ({"HEALTH_CHECK_RETRY_INTERVAL_SECS": "60", "HEALTH_CHECK_RETRY_BACKOFF_RATE": "1.5"}, 5.5),
        ({"HEALTH_CHECK_MAX_RETRY": "0", "HEALTH_CHECK_TIMEOUT_SECS": "90"}, 1.5),
    ],
)
def test_a_health_check_takes_its_tries_and_the_growing_waits_between(changes: dict[str, str], minutes: float) -> None:
    assert recovery(**changes, STATE_MACHINE_TIMEOUT_MINS="600").steps[0].minutes == minutes


def test_the_wait_for_an_approval_does_not_count_against_the_machine() -> None:
    emails = {"MWAA_NOTIFICATION_EMAILS": "a@eg.com"}
    assert recovery(FAILOVER_APPROVAL_TIMEOUT_MINS="90").machine_timeout_mins == 60
    waiting = recovery(FAILOVER_APPROVAL="manual", FAILOVER_APPROVAL_TIMEOUT_MINS="90", **emails)
    assert waiting.machine_timeout_mins == 150


def test_a_heartbeat_has_to_be_shorter_than_each_task_that_beats() -> None:
    (line,) = errors(valid_env(WORKFLOW_HEARTBEAT_SECS="720"))
    assert line.endswith("allowed: less than METADATA_IMPORT_TIMEOUT_MINS, 720 seconds")
    assert errors(valid_env(WORKFLOW_HEARTBEAT_SECS="719")) == []
    assert errors(valid_env(METADATA_CLEANUP_TIMEOUT_MINS="5")) == []
    (line,) = errors(valid_env(METADATA_CLEANUP_TIMEOUT_MINS="5", DR_TYPE="WARM_STANDBY"))
    assert line.endswith("allowed: less than METADATA_CLEANUP_TIMEOUT_MINS, 300 seconds")


def test_one_lost_heartbeat_must_not_fail_a_recovery() -> None:
    (line,) = errors(valid_env(DR_HEARTBEAT_SECONDS="151"))
    assert line.endswith("allowed: at least 302 = 2 x 151 DR_HEARTBEAT_SECONDS")
    assert errors(valid_env(DR_HEARTBEAT_SECONDS="150")) == []


def test_backups_must_not_expire_before_retention_lets_them() -> None:
    (line,) = errors(valid_env(SECONDARY_BACKUP_EXPIRE_DAYS="13"))
    assert line.endswith("allowed: 0 or at least the 14 days of DR_BACKUP_RETENTION")
    assert errors(valid_env(SECONDARY_BACKUP_EXPIRE_DAYS="14")) == []
    assert errors(valid_env(SECONDARY_BACKUP_EXPIRE_DAYS="0")) == []


def test_what_an_increment_adds_to_must_not_expire_before_it() -> None:
    daily = {"PRIMARY_BACKUP_SCHEDULE": "@daily", "DR_BACKUP_MODE": "incremental", "DR_FULL_EVERY": "8"}
    (line,) = errors(valid_env(**daily, SECONDARY_BACKUP_EXPIRE_DAYS="20"))
    assert line.endswith(
        "allowed: 0 or at least the 14 days of DR_BACKUP_RETENTION and 7 of a chain of 8 (DR_FULL_EVERY)"
    )
    assert errors(valid_env(**daily, SECONDARY_BACKUP_EXPIRE_DAYS="21")) == []
    assert errors(valid_env(**{**daily, "DR_BACKUP_MODE": "full"}, SECONDARY_BACKUP_EXPIRE_DAYS="20")) == []


@pytest.mark.parametrize(
    ("schedule", "given", "minutes"),
    [
        ("@hourly", None, 2 * 60 + 30),
        ("0 8-20/4 * * MON-FRI", None, 2 * 60 * 60 + 30),
        ("@hourly", "60", 60),
        ("@hourly", "90", 90),
    ],
)
def test_a_backup_is_overdue_when_the_one_after_a_failed_one_did_not_come(
    schedule: str, given: str | None, minutes: int
) -> None:
    dr = recovery(PRIMARY_BACKUP_SCHEDULE=schedule, BACKUP_MAX_AGE_MINS=given)
    assert (dr.watches_backups, dr.backup_overdue_mins) == (True, minutes)


def test_backups_are_not_watched_where_the_configuration_says_so() -> None:
    assert recovery(BACKUP_MAX_AGE_MINS="0").watches_backups is False


def test_a_limit_that_every_backup_exceeds_is_refused_with_the_arithmetic() -> None:
    (line,) = errors(valid_env(PRIMARY_BACKUP_SCHEDULE="0 8-20/4 * * MON-FRI", BACKUP_MAX_AGE_MINS="3599"))
    assert line == (
        "BACKUP_MAX_AGE_MINS is '3599', allowed: 0 or at least 3600, since PRIMARY_BACKUP_SCHEDULE, 0 8-20/4 * * "
        "MON-FRI, leaves up to 3600 minutes between two backups"
    )


@pytest.mark.parametrize("limit", [None, "0", "89310"])
def test_the_newest_backup_must_not_expire_before_people_could_act_on_its_age(limit: str | None) -> None:
    monthly = {"PRIMARY_BACKUP_SCHEDULE": "@monthly", "BACKUP_MAX_AGE_MINS": limit}
    (line,) = errors(valid_env(**monthly))
    assert line == (
        "SECONDARY_BACKUP_EXPIRE_DAYS is '35' by default, allowed: 0 or at least 70 days = 63 until the newest "
        "backup is overdue (BACKUP_MAX_AGE_MINS) + 7 to act"
    )
    assert errors(valid_env(**monthly, SECONDARY_BACKUP_EXPIRE_DAYS="70")) == []
    assert errors(valid_env(**monthly, SECONDARY_BACKUP_EXPIRE_DAYS="0")) == []


@pytest.mark.parametrize("schedule", ["@hourly", "@daily", "*/15 * * * *", "0 2 * * MON-FRI"])
def test_the_backup_schedule_is_one_of_airflow(schedule: str) -> None:
    assert recovery(PRIMARY_BACKUP_SCHEDULE=schedule).primary.backup_schedule == schedule


def test_a_schedule_of_eventbridge_is_no_backup_schedule() -> None:
    (line,) = errors(valid_env(PRIMARY_BACKUP_SCHEDULE="0 20 ? * MON-FRI *"))
    assert line.startswith("PRIMARY_BACKUP_SCHEDULE is '0 20 ? * MON-FRI *', allowed: a cron expression of five fields")
    assert line.endswith("(6 fields)")


def test_the_secondary_is_backed_up_only_when_it_is_told_to() -> None:
    assert recovery().secondary.backup_schedule is None
    assert recovery(SECONDARY_BACKUP_SCHEDULE="@daily").secondary.backup_schedule == "@daily"


@pytest.mark.parametrize("version", ["2.4.3", "2.5.1", "2.6.3"])
def test_a_version_past_its_end_of_support_is_a_warning(version: str) -> None:
    (line,) = warnings(valid_env(MWAA_VERSION=version))
    assert line.startswith(f"MWAA_VERSION is '{version}', whose support on MWAA ended on 2025-12-30")


@pytest.mark.parametrize(
    "version", ["2.7.2", "2.8.1", "2.9.2", "2.10.1", "2.10.3", "2.11.0", "2.11.2", "3.0.6", "3.2.1", "3.3.1"]
)
def test_a_supported_version_is_no_warning(version: str) -> None:
    assert warnings(valid_env(MWAA_VERSION=version)) == []


def test_a_version_that_is_not_known_yet_is_a_warning() -> None:
    (line,) = warnings(valid_env(MWAA_VERSION="3.9.0"))
    assert "not known to be on MWAA: the versions known here, to 3.3.1, are of 2026-09-01" in line


@pytest.mark.parametrize("version", ["1.10.12", "2.0.2", "2.2.2"])
def test_a_version_that_the_dag_package_cannot_back_up_is_refused(version: str) -> None:
    (line,) = errors(valid_env(MWAA_VERSION=version))
    assert line.endswith("allowed: 2.4 or later, which the DAG package backs up")


@pytest.mark.parametrize("name", ["PRIMARY_REGION", "SECONDARY_REGION"])
def test_a_region_that_is_not_known_to_have_mwaa_is_a_warning(name: str) -> None:
    assert warnings(valid_env(**{name: "us-esat-2"})) == [f"{name} is 'us-esat-2', which is not known to have MWAA"]


def test_a_drill_that_is_left_on_is_a_warning() -> None:
    assert warnings(valid_env(MWAA_SIMULATE_DR="yes")) == [
        "MWAA_SIMULATE_DR is 'yes', so that the next health check starts a recovery"
    ]


def test_an_approval_that_nobody_is_asked_for_is_a_warning() -> None:
    (line,) = warnings(valid_env(FAILOVER_APPROVAL="MANUAL"))
    assert "MWAA_NOTIFICATION_EMAILS names nobody" in line
    assert warnings(valid_env(FAILOVER_APPROVAL="MANUAL", MWAA_NOTIFICATION_EMAILS="[a@eg.com]")) == []


def test_one_network_in_two_regions_is_a_warning() -> None:
    lines = warnings(
        valid_env(SECONDARY_VPC_ID="vpc-primary", SECONDARY_SUBNET_IDS="[subnet-primary1, subnet-primary2]")
    )
    assert [line.split()[0] for line in lines] == ["SECONDARY_VPC_ID", "SECONDARY_SUBNET_IDS"]


@pytest.mark.parametrize(
    ("primary", "secondary", "witness"),
    [
        ("us-east-1", "us-west-2", "eu-west-1"),
        ("us-west-2", "eu-west-1", "us-east-1"),
        ("eu-west-1", "eu-west-2", "us-west-2"),
    ],
)
def test_the_witness_is_a_third_region(primary: str, secondary: str, witness: str) -> None:
    assert recovery(PRIMARY_REGION=primary, SECONDARY_REGION=secondary).witness_region == witness


def test_a_witness_of_ones_own_is_asked_instead() -> None:
    assert recovery(HEALTH_CHECK_WITNESS_REGION="eu-north-1").witness_region == "eu-north-1"


@pytest.mark.parametrize(
    ("region", "words"), [("us-west-2", "allowed: neither"), ("cn-north-1", "of the partition aws")]
)
def test_a_witness_that_cannot_testify_is_refused(region: str, words: str) -> None:
    (line,) = errors(valid_env(HEALTH_CHECK_WITNESS_REGION=region))
    assert line.startswith(f"HEALTH_CHECK_WITNESS_REGION is '{region}'")
    assert words in line


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-isob-east-1", "aws-iso-b"),
    ],
)
def test_the_partition_is_told_by_the_region(region: str, partition: str) -> None:
    assert regions.partition_of(region) == partition


def test_checks_that_need_a_value_that_is_wrong_are_left_out_and_all_others_are_made() -> None:
    lines = errors(valid_env(AWS_ACCOUNT_ID="mine", STATE_MACHINE_TIMEOUT_MINS="10", SECONDARY_REGION="us-east-1"))
    assert [line.split()[0] for line in lines] == ["AWS_ACCOUNT_ID", "SECONDARY_REGION", "STATE_MACHINE_TIMEOUT_MINS"]


def test_a_recovery_without_the_database_is_for_airflow_3_and_says_what_is_lost() -> None:
    (line,) = errors(valid_env(DR_MODE="CONFIG_ONLY", MWAA_VERSION="2.10.3"))
    assert line == "DR_MODE is 'CONFIG_ONLY', allowed: DATABASE with Airflow 2, whose tasks reach it"
    changes = {"DR_MODE": "config_only", "MWAA_VERSION": "3.2.1"}
    assert "DR_MODE is 'config_only', so that a recovery restores no history: it is archived" in warnings(
        valid_env(**changes)
    )
    assert recovery(**changes).engine.conf == {"mode": "CONFIG_ONLY"}
    assert recovery().engine.conf == {}
