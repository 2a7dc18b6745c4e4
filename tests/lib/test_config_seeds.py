"""The `.env` samples that the two seeds document, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.config import Config
from lib.config.aws_kinds import Status
from lib.config.recovery_sections import DrType

RECOVERY = """\
STACK_NAME_PREFIX=mwaa-2-5-1
AWS_ACCOUNT_ID=123456789101
DR_TYPE={dr_type}

MWAA_VERSION=2.5.1
MWAA_UPDATE_EXECUTION_ROLE=YES

PRIMARY_REGION=us-east-1
PRIMARY_MWAA_ENVIRONMENT_NAME=mwaa-2-5-1-primary
PRIMARY_MWAA_ROLE_ARN=arn:aws:iam::123456789101:role/service-role/mwaa-2-5-1-primary-role
PRIMARY_DAGS_BUCKET_NAME=mwaa-2-5-1-primary-source
PRIMARY_VPC_ID=vpc-012ab34c56d789101
PRIMARY_SUBNET_IDS='["subnet-1234567", "subnet-987654321"]'
PRIMARY_SECURITY_GROUP_IDS='["sg-0123456789"]'

SECONDARY_REGION=us-east-2
SECONDARY_MWAA_ENVIRONMENT_NAME=mwaa-2-5-1-secondary
SECONDARY_MWAA_ROLE_ARN=arn:aws:iam::123456789101:role/service-role/mwaa-2-5-1-secondary-role
SECONDARY_DAGS_BUCKET_NAME=mwaa-2-5-1-secondary-source
SECONDARY_VPC_ID=vpc-1111222233334444
SECONDARY_SUBNET_IDS='["subnet-2222222", "subnet-3333333"]'
SECONDARY_SECURITY_GROUP_IDS='["sg-111222333444"]'
SECONDARY_CREATE_SFN_VPCE=YES
"""

START_STOP = """\
CDK_DEFAULT_ACCOUNT=111222333444
CDK_DEFAULT_REGION=us-east-1
MWAA_MAIN_STACK_NAME=mwaa-pause-resume-dev
MWAA_ENV_NAME=my-mwaa-env
MWAA_SOURCE_BUCKET_NAME=mwaa-env-bucket
MWAA_EXECUTION_ROLE_ARN=arn:aws:iam::111222333444:role/service-role/my-mwaa-env-1U3X48JADEAC
MWAA_UPDATE_EXECUTION_ROLE=yes
MWAA_PAUSE_CRON_SCHEDULE='0 20 ? * MON-FRI *'
MWAA_RESUME_CRON_SCHEDULE='0 6 ? * MON-FRI *'
MWAA_SCHEDULE_TIME_ZONE=America/Indiana/Indianapolis
MWAA_ENV_VERSION=2.5.1
MWAA_NOTIFICATION_EMAILS='[admins@example.com]'
MWAA_NOTIFICATION_TYPES='[FAILED, TIMED_OUT, ABORTED, SUCCEEDED]'
"""

STAGING = """\
CDK_DEFAULT_ACCOUNT=111222333444
CDK_DEFAULT_REGION=us-east-1
MWAA_MAIN_STACK_NAME=mwaa-pause-resume-staging
MWAA_ENV_NAME=mwaa-staging
MWAA_SOURCE_BUCKET_NAME=mwaa-staging-bucket
MWAA_EXECUTION_ROLE_ARN=arn:aws:iam::111222333444:role/service-role/mwaa-staging-2U3X48JADEAC
MWAA_UPDATE_EXECUTION_ROLE=yes
MWAA_PAUSE_CRON_SCHEDULE='0 20 ? * MON-FRI *'
MWAA_RESUME_CRON_SCHEDULE='0 6 ? * MON-FRI *'
MWAA_SCHEDULE_TIME_ZONE=America/Indiana/Indianapolis
MWAA_ENV_VERSION=2.5.1
MWAA_NOTIFICATION_EMAILS='[staging-admins@example.com]'
"""

RECOVERY_DEFAULTS = """\
HEALTH_CHECK_ENABLED=YES
HEALTH_CHECK_INTERVAL_MINS=5
HEALTH_CHECK_MAX_RETRY=2
HEALTH_CHECK_RETRY_BACKOFF_RATE=2
HEALTH_CHECK_RETRY_INTERVAL_SECS=5
METADATA_EXPORT_DAG_NAME=backup_metadata
METADATA_IMPORT_DAG_NAME=restore_metadata
MWAA_BACKUP_FILE_NAME=environment.json
MWAA_CREATE_ENV_POLLING_INTERVAL_SECS=60
MWAA_DAGS_S3_PATH=dags
MWAA_NOTIFICATION_EMAILS=[]
MWAA_SIMULATE_DR=NO
PRIMARY_BACKUP_SCHEDULE='0 * * * *'
STATE_MACHINE_TIMEOUT_MINS=60
"""

START_STOP_DEFAULTS = """\
MWAA_VPC_SUBNETS=[]
MWAA_VPC_SECURITY_GROUPS=[]
MWAA_DAGS_S3_PATH=dags
MWAA_NOTIFICATION_EMAILS=[]
MWAA_NOTIFICATION_TYPES='[FAILED,TIMED_OUT,ABORTED]'
MWAA_DEFAULT_ENV_BACKUP_FILE=environment-backup.json
SFN_POLL_TIMEOUT_MINS=60
SFN_PAUSE_TIMEOUT_MINS=60
SFN_RESUME_TIMEOUT_MINS=60
SFN_POLL_FREQUENCY_SECS=60
"""


def load(folder: Path, text: str) -> Config:
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return Config.load(file, {})


@pytest.mark.parametrize("dr_type", list(DrType))
def test_the_samples_of_disaster_recovery_load_as_they_are(tmp_path: Path, dr_type: DrType) -> None:
    dr = load(tmp_path, RECOVERY.format(dr_type=dr_type)).disaster_recovery
    assert dr
    assert dr.deployment.dr_type is dr_type
    assert dr.primary.subnet_ids == ("subnet-1234567", "subnet-987654321")
    assert dr.secondary.security_group_ids == ("sg-111222333444",)


def test_the_sample_of_a_simulated_disaster_loads(tmp_path: Path) -> None:
    dr = load(tmp_path, "MWAA_SIMULATE_DR=YES\n\n" + RECOVERY.format(dr_type="WARM_STANDBY")).disaster_recovery
    assert dr
    assert dr.health_check.simulate_dr


def test_the_sample_of_a_manual_recovery_loads(tmp_path: Path) -> None:
    dr = load(tmp_path, "HEALTH_CHECK_ENABLED=NO\n\n" + RECOVERY.format(dr_type="WARM_STANDBY")).disaster_recovery
    assert dr
    assert not dr.health_check.enabled


def test_the_sample_of_stop_and_start_loads_as_it_is(tmp_path: Path) -> None:
    plan = load(tmp_path, START_STOP).start_stop
    assert plan
    assert plan.common.update_execution_role
    assert plan.common.notification_emails == ("admins@example.com",)
    assert plan.schedules.notification_types == (Status.FAILED, Status.TIMED_OUT, Status.ABORTED, Status.SUCCEEDED)
    assert plan.environments[0].stop_schedule.expression == "cron(0 20 ? * MON-FRI *)"


def test_the_sample_of_a_second_environment_loads_as_it_is(tmp_path: Path) -> None:
    plan = load(tmp_path, STAGING).start_stop
    assert plan
    assert plan.environments[0].name == "mwaa-staging"


def test_the_samples_say_that_support_of_their_version_has_ended(tmp_path: Path) -> None:
    lines = [
        str(f)
        for text in (RECOVERY.format(dr_type="BACKUP_RESTORE"), START_STOP)
        for f in load(tmp_path, text).warnings
    ]
    assert [line.split(",")[0] for line in lines] == ["MWAA_VERSION is '2.5.1'", "MWAA_ENV_VERSION is '2.5.1'"]
    assert all("whose support on MWAA ended on 2025-12-30" in line for line in lines)


@pytest.mark.parametrize("dr_type", list(DrType))
def test_writing_out_the_documented_defaults_changes_nothing_in_disaster_recovery(
    tmp_path: Path, dr_type: DrType
) -> None:
    sample = RECOVERY.format(dr_type=dr_type)
    assert load(tmp_path, sample) == load(tmp_path, sample + RECOVERY_DEFAULTS)


def test_writing_out_the_documented_defaults_changes_nothing_in_stop_and_start(tmp_path: Path) -> None:
    sample = STAGING.replace("MWAA_NOTIFICATION_EMAILS", "# ")
    assert load(tmp_path, sample) == load(tmp_path, sample + START_STOP_DEFAULTS)
