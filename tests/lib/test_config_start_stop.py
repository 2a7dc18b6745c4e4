"""What the variables of stop and start must not say together, and what follows from them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lib.config import Config
from lib.config.start_stop_sections import WhenBusy
from tests.support.configuration import ACCOUNT, errors, of_the_primary, start_stop, start_stop_env

TWO = {"START_STOP_ENVIRONMENTS": "[dev, staging]", "MWAA_ENV_NAME__STAGING": "staging"}
PRIVATE = {
    "MWAA_VPC_ID": "vpc-0a1bcd23ee45fg678",
    "MWAA_VPC_SUBNETS": "[subnet-1234567, subnet-987654321]",
    "MWAA_VPC_SECURITY_GROUPS": "[sg-0123456789]",
}


def test_the_defaults_are_those_of_the_seed_and_our_dags() -> None:
    plan = start_stop()
    assert (plan.schedules.export_dag_name, plan.schedules.import_dag_name) == ("backup_metadata", "restore_metadata")
    assert [str(status) for status in plan.schedules.notification_types] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert plan.environments[0].when_busy is WhenBusy.WAIT


def test_one_environment_needs_no_name_of_a_section() -> None:
    (environment,) = start_stop().environments
    assert environment.name == "dev"


def test_several_environments_have_what_is_theirs_and_share_the_rest() -> None:
    plan = start_stop(**TWO, MWAA_PAUSE_CRON_SCHEDULE__STAGING="0 22 ? * MON-FRI *", STOP_WHEN_BUSY__DEV="force")
    dev, staging = plan.environments
    assert (dev.name, staging.name) == ("dev", "staging")
    assert (dev.stop_schedule.fields, staging.stop_schedule.fields) == ("0 20 ? * MON-FRI *", "0 22 ? * MON-FRI *")
    assert (dev.when_busy, staging.when_busy) == (WhenBusy.FORCE, WhenBusy.WAIT)
    assert dev.time_zone == staging.time_zone


def test_what_is_said_of_one_environment_wins_over_what_is_said_of_all_wherever_it_is_said(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MWAA_SCHEDULE_TIME_ZONE__STAGING=Asia/Tokyo\n")
    config = Config.load(file, start_stop_env(**TWO))
    assert config.start_stop
    assert [one.time_zone for one in config.start_stop.environments] == ["Europe/Berlin", "Asia/Tokyo"]


def test_an_error_of_one_environment_names_its_variable() -> None:
    assert [line.split()[0] for line in errors(start_stop_env(**TWO, MWAA_ENV_VERSION__STAGING="new"))] == [
        "MWAA_ENV_VERSION__STAGING"
    ]


def test_an_error_of_one_environment_hides_none_of_another() -> None:
    foreign = "arn:aws:iam::999999999999:role/r"
    lines = errors(start_stop_env(**TWO, MWAA_EXECUTION_ROLE_ARN__DEV="x", MWAA_EXECUTION_ROLE_ARN__STAGING=foreign))
    assert [line.split()[0] for line in lines] == ["MWAA_EXECUTION_ROLE_ARN__DEV", "MWAA_EXECUTION_ROLE_ARN__STAGING"]


def test_one_environment_cannot_be_in_two_sections() -> None:
    (line,) = errors(start_stop_env(START_STOP_ENVIRONMENTS="[dev, staging]"))
    assert line == "MWAA_ENV_NAME is 'dev', allowed: one for each environment, as MWAA_ENV_NAME__STAGING"
    dev = {"MWAA_ENV_NAME__DEV": "dev"}
    (line,) = errors(start_stop_env(START_STOP_ENVIRONMENTS="[dev, staging]", **dev))
    assert line == "MWAA_ENV_NAME is 'dev', allowed: another environment than MWAA_ENV_NAME__DEV names"
    (line,) = errors(start_stop_env(**TWO | {"MWAA_ENV_NAME__STAGING": "dev"}))
    assert line.startswith("MWAA_ENV_NAME__STAGING is 'dev', allowed: another environment than MWAA_ENV_NAME")


@pytest.mark.parametrize("folder", ["mwaairflow", "docs", "/nowhere", "x" * 300])
def test_a_folder_without_the_dag_package_is_refused_before_anything_is_made_of_it(folder: str) -> None:
    (line,) = errors(start_stop_env(MWAA_RESOURCES_FOLDER=folder))
    assert line.startswith("MWAA_RESOURCES_FOLDER is '")
    assert "allowed: a local folder that has the DAG package, dags/mwaa_dr" in line


def test_a_folder_is_looked_for_in_the_project_wherever_the_app_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert (start_stop(MWAA_RESOURCES_FOLDER="assets").schedules.resources_folder / "dags/mwaa_dr").is_dir()


def test_a_variable_of_an_environment_that_is_not_listed_is_a_warning() -> None:
    lines = [str(line) for line in Config.load(None, start_stop_env(**TWO, MWAA_ENV_NAME__QA="qa")).warnings]
    assert "MWAA_ENV_NAME__QA has no effect, since START_STOP_ENVIRONMENTS does not list QA" in lines


def test_a_variable_of_one_environment_alone_deploys_stop_and_start() -> None:
    lines = errors({"MWAA_ENV_NAME__DEV": "dev"})
    assert "needed for stop and start, deployed because MWAA_ENV_NAME__DEV is set" in lines[0]


@pytest.mark.parametrize("given", sorted(PRIVATE))
def test_a_private_environment_needs_its_whole_network(given: str) -> None:
    lines = errors(start_stop_env(**{given: PRIVATE[given]}))
    assert [line.split()[0] for line in lines] == [name for name in PRIVATE if name != given]
    assert all(line.endswith(f"needed because {given} is set") for line in lines)
    assert errors(start_stop_env(**PRIVATE)) == []


def test_what_is_wrong_for_all_environments_is_reported_once() -> None:
    assert len(errors(start_stop_env(**TWO, MWAA_ENV_VERSION="new"))) == 1
    lines = [str(line) for line in Config.load(None, start_stop_env(**TWO, MWAA_ENV_VERSION="2.5.1")).warnings]
    assert sum(line.startswith("MWAA_ENV_VERSION is '2.5.1', whose support") for line in lines) == 1


def test_a_version_that_the_dag_package_cannot_back_up_is_refused() -> None:
    (line,) = errors(start_stop_env(MWAA_ENV_VERSION="2.2.2"))
    assert line == "MWAA_ENV_VERSION is '2.2.2', allowed: 2.4 or later, which the DAG package backs up"


def test_a_region_that_is_not_known_to_have_mwaa_is_a_warning() -> None:
    lines = [str(line) for line in Config.load(None, start_stop_env(CDK_DEFAULT_REGION="eu-wset-1")).warnings]
    assert "CDK_DEFAULT_REGION is 'eu-wset-1', which is not known to have MWAA" in lines


def test_a_role_of_another_account_is_refused() -> None:
    (line,) = errors(start_stop_env(MWAA_EXECUTION_ROLE_ARN="arn:aws:iam::999999999999:role/r"))
    assert line.endswith("allowed: a role of the account 111222333444")


@pytest.mark.parametrize("variable", ["MWAA_SOURCE_KMS_KEY_ARN", "MWAA_KMS_KEY_ARN"])
def test_a_key_of_another_region_is_refused(variable: str) -> None:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f3c5a2e-1b2c-4d5e-8f90-123456789abc"
    (line,) = errors(start_stop_env(**{variable: arn}))
    assert line.endswith("allowed: a key of the Region eu-west-1 and the partition aws")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", "+02:00", "CEST"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str) -> None:
    (line,) = errors(start_stop_env(MWAA_SCHEDULE_TIME_ZONE=zone))
    assert line.startswith(f"MWAA_SCHEDULE_TIME_ZONE is {zone!r}, allowed: a time zone of the IANA database")


def test_a_stop_at_the_time_of_the_start_is_refused() -> None:
    (line,) = errors(start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="0 6 ? * MON-FRI *"))
    assert "comes 0 after the start" in line


def test_a_start_before_the_stop_can_be_over_is_refused_with_the_arithmetic() -> None:
    assert errors(start_stop_env(MWAA_RESUME_CRON_SCHEDULE="59 21 ? * MON-FRI *")) == [
        "MWAA_RESUME_CRON_SCHEDULE is '59 21 ? * MON-FRI *', allowed: times that leave each stop the minutes it may "
        "take, 60 SFN_PAUSE_TIMEOUT_MINS + 60 STOP_DRAIN_MINS = 120; "
        "the start of 2028-01-03 21:59 comes 119 after the stop"
    ]
    assert errors(start_stop_env(MWAA_RESUME_CRON_SCHEDULE="0 22 ? * MON-FRI *")) == []


def test_a_stop_that_waits_for_nothing_is_over_sooner() -> None:
    assert errors(start_stop_env(MWAA_RESUME_CRON_SCHEDULE="0 21 ? * MON-FRI *", STOP_WHEN_BUSY="SKIP")) == []


def test_a_stop_before_the_start_can_be_over_is_refused() -> None:
    (line,) = errors(start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="30 6 ? * MON-FRI *"))
    assert line.startswith("MWAA_PAUSE_CRON_SCHEDULE is '30 6 ? * MON-FRI *'")
    assert "leave each start the minutes it may take, 60 SFN_RESUME_TIMEOUT_MINS; " in line
    assert "comes 30 after the start" in line
    assert errors(start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="0 7 ? * MON-FRI *")) == []


def test_the_turn_of_the_week_and_of_the_year_are_looked_at_too() -> None:
    assert (
        "comes 60 after"
        in errors(
            start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="30 23 ? * SUN *", MWAA_RESUME_CRON_SCHEDULE="30 0 ? * MON *")
        )[0]
    )
    (line,) = errors(
        start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="30 23 31 12 ? *", MWAA_RESUME_CRON_SCHEDULE="30 0 1 1 ? *")
    )
    assert "the start of 2029-01-01 00:30 comes 60 after the stop" in line


def test_the_hour_that_daylight_saving_takes_away_is_missing_between_the_schedules() -> None:
    nightly = {"MWAA_PAUSE_CRON_SCHEDULE": "30 1 ? * * *", "MWAA_RESUME_CRON_SCHEDULE": "30 3 ? * * *"}
    (line,) = errors(start_stop_env(**nightly))
    assert "the start of 2028-03-26 03:30 comes 60 after the stop" in line
    assert errors(start_stop_env(**nightly, MWAA_SCHEDULE_TIME_ZONE="Etc/UTC")) == []


def test_schedules_that_name_years_are_looked_at_in_those_years() -> None:
    changes = {"MWAA_PAUSE_CRON_SCHEDULE": "0 20 * * ? 2031", "MWAA_RESUME_CRON_SCHEDULE": "0 21 * * ? 2031"}
    (line,) = errors(start_stop_env(**changes))
    assert "2031-01-01 21:00" in line


def test_a_schedule_of_airflow_does_not_stop_an_environment() -> None:
    (line,) = errors(start_stop_env(MWAA_PAUSE_CRON_SCHEDULE="0 20 * * MON-FRI"))
    assert "allowed: a cron expression of six fields" in line
    assert line.endswith("(5 fields)")


def test_waits_on_mwaa_get_what_the_other_steps_leave() -> None:
    plan = start_stop()
    assert plan.poll_mins(plan.stop) == 60 - (3 + 5 + 12 + 3 + 1)
    assert plan.poll_mins(plan.start(plan.environments[0])) == 60 - (3 + 5 + 12 + 1)


def test_waits_on_mwaa_take_no_longer_than_they_may() -> None:
    plan = start_stop(SFN_PAUSE_TIMEOUT_MINS="300", SFN_POLL_TIMEOUT_MINS="45", MWAA_RESUME_CRON_SCHEDULE="0 8 ? * * *")
    assert plan.poll_mins(plan.stop) == 45


def test_a_start_with_an_update_waits_twice_and_has_to_be_given_more_time() -> None:
    env = start_stop_env(MWAA_UPDATE_AFTER_RESTORE="YES")
    (line, *_) = [str(line) for line in Config.load(None, env).warnings]
    assert line.startswith(
        "SFN_RESUME_TIMEOUT_MINS is '60' by default, of which 19 are left for MWAA, where 30 are common"
    )
    plan = start_stop(MWAA_UPDATE_AFTER_RESTORE="YES", SFN_RESUME_TIMEOUT_MINS="90")
    assert plan.poll_mins(plan.start(plan.environments[0])) == 34


@pytest.mark.parametrize("name", ["SFN_PAUSE_TIMEOUT_MINS", "SFN_RESUME_TIMEOUT_MINS"])
def test_a_limit_that_leaves_mwaa_no_time_is_refused_with_the_arithmetic(name: str) -> None:
    (line,) = errors(start_stop_env(**{name: "21"}))
    assert line.startswith(f"{name} is '21', allowed: more than its steps take in minutes, 3 PREFLIGHT_TIMEOUT_MINS + ")


def test_the_wait_for_running_work_does_not_eat_the_time_of_the_stop() -> None:
    plan = start_stop(STOP_DRAIN_MINS="90")
    assert plan.stop_timeout_mins(plan.environments[0]) == 150
    plan = start_stop(STOP_DRAIN_MINS="90", STOP_WHEN_BUSY="FORCE")
    assert plan.stop_timeout_mins(plan.environments[0]) == 60


def test_a_stack_name_may_be_as_long_as_the_bucket_name_allows_and_no_longer() -> None:
    longest = "s" * (63 - len("-backup-111222333444-eu-west-1"))
    assert errors(start_stop_env(MWAA_MAIN_STACK_NAME=longest)) == []
    (line,) = errors(start_stop_env(MWAA_MAIN_STACK_NAME=longest + "s"))
    assert line.endswith("would have 64 of 63 characters, 1 too many")


def test_the_names_of_state_machines_have_a_limit() -> None:
    longest = "e" * (80 - len("mwaa-stop-start--reactivate"))
    assert errors(start_stop_env(MWAA_ENV_NAME=longest)) == []
    (line,) = errors(start_stop_env(MWAA_ENV_NAME=longest + "e"))
    assert line.startswith("MWAA_MAIN_STACK_NAME")
    assert line.endswith("would have 81 of 80 characters, 1 too many")


def test_each_environment_has_a_blueprint_of_its_own() -> None:
    several = {"START_STOP_ENVIRONMENTS": "[a, b]", "MWAA_ENV_NAME__A": "dev", "MWAA_ENV_NAME__B": "test"}
    plan = start_stop(**several)
    keys = [plan.blueprint_key(environment) for environment in plan.environments]
    folders = ("dev.eu-west-1", "test.eu-west-1")
    assert keys == [f"blueprints/{folder}/environment-backup.json" for folder in folders]


def test_two_dags_cannot_have_one_name() -> None:
    (line,) = errors(start_stop_env(MWAA_METADATA_IMPORT_DAG_NAME="backup_metadata"))
    assert line.endswith("allowed: another one than MWAA_METADATA_EXPORT_DAG_NAME")


def test_a_heartbeat_has_to_be_shorter_than_each_task_that_beats() -> None:
    (line,) = errors(start_stop_env(METADATA_EXPORT_TIMEOUT_MINS="5"))
    assert line.endswith("allowed: less than METADATA_EXPORT_TIMEOUT_MINS, 300 seconds")


def test_a_dags_bucket_cannot_be_the_backup_bucket() -> None:
    (line,) = errors(start_stop_env(MWAA_SOURCE_BUCKET_NAME=start_stop().backup_bucket_name))
    assert line.endswith("allowed: another bucket than that of the backups")


def test_days_off_are_dates() -> None:
    days = start_stop(MWAA_DAYS_OFF="[2026-12-25, 2027-01-01]").environments[0].days_off
    assert days == (date(2026, 12, 25), date(2027, 1, 1))
    (line,) = errors(start_stop_env(MWAA_DAYS_OFF="[2026-02-30]"))
    assert line.startswith("MWAA_DAYS_OFF is '[2026-02-30]', allowed: a list of dates")


@pytest.mark.parametrize("value", ["[FAILED, LATE]", "[FAILED, FAILED]"])
def test_only_what_an_execution_can_become_is_notified(value: str) -> None:
    (line,) = errors(start_stop_env(MWAA_NOTIFICATION_TYPES=value))
    assert "allowed: a list of RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED" in line


def test_the_primary_can_be_stopped_and_started() -> None:
    assert errors(of_the_primary()) == []


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("MWAA_SOURCE_BUCKET_NAME", "other-dags", "PRIMARY_DAGS_BUCKET_NAME"),
        ("MWAA_EXECUTION_ROLE_ARN", f"arn:aws:iam::{ACCOUNT}:role/other", "PRIMARY_MWAA_ROLE_ARN"),
        ("MWAA_ENV_VERSION", "2.10.1", "MWAA_VERSION"),
    ],
)
def test_the_primary_is_not_described_in_two_ways(name: str, value: str, other: str) -> None:
    (line,) = errors(of_the_primary(**{name: value}))
    assert line.startswith(f"{name} is {value!r}, allowed: what {other} says of the same environment")


def test_an_environment_of_the_same_name_elsewhere_is_another_one() -> None:
    assert errors(of_the_primary(CDK_DEFAULT_REGION="eu-west-1", MWAA_ENV_VERSION="2.10.1")) == []


def test_the_secondary_cannot_be_stopped() -> None:
    (line,) = errors(of_the_primary(CDK_DEFAULT_REGION="us-west-2", MWAA_ENV_NAME="mwaa-secondary"))
    assert line.endswith("allowed: not the secondary environment, which recovery needs")


def test_two_stacks_cannot_have_one_name() -> None:
    (line,) = errors(of_the_primary(MWAA_MAIN_STACK_NAME="mwaa-team-primary"))
    assert line.endswith("allowed: another name than those of the disaster recovery stacks")


def test_buckets_and_tables_of_both_products_are_named_differently() -> None:
    (line,) = errors(of_the_primary(MWAA_MAIN_STACK_NAME="mwaa-team"))
    assert line.endswith("allowed: another name than STACK_NAME_PREFIX, after which buckets and tables are named, too")


def test_nothing_is_stopped_where_backups_have_no_history() -> None:
    (line,) = errors(start_stop_env(DR_MODE="CONFIG_ONLY"))
    assert line == (
        "DR_MODE is 'CONFIG_ONLY', allowed: DATABASE, since a stop deletes the history that a start restores"
    )
