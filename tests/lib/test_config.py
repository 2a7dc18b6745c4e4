"""What is read, from where, and how a wrong configuration is reported."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from lib.config import Config, ConfigError
from lib.config.recovery_sections import DrType
from tests.support.configuration import ACCOUNT, errors, recovery, start_stop, start_stop_env, valid_env, warnings

ROOT = Path(__file__).parents[2]


def env_file(folder: Path, text: str) -> Path:
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_valid_configuration_becomes_frozen_sections() -> None:
    dr = recovery(HEALTH_CHECK_INTERVAL_MINS="7")
    assert (dr.primary.region, dr.secondary.vpc_id, dr.health_check.interval_mins) == ("us-east-1", "vpc-secondary", 7)
    with pytest.raises(FrozenInstanceError):
        dr.primary.region = "eu-west-1"  # type: ignore[misc]


def test_disaster_recovery_alone_needs_nothing_of_stop_and_start() -> None:
    config = Config.load(None, valid_env())
    assert config.disaster_recovery
    assert not config.start_stop


def test_stop_and_start_alone_needs_nothing_of_disaster_recovery() -> None:
    config = Config.load(None, start_stop_env())
    assert config.start_stop
    assert not config.disaster_recovery


def test_both_are_deployed_from_one_file_and_share_what_they_share() -> None:
    config = Config.load(None, {**valid_env(), **start_stop_env(), "MWAA_DAGS_S3_PATH": "airflow/dags"})
    assert config.disaster_recovery
    assert config.start_stop
    assert config.disaster_recovery.common.dags_s3_path == config.start_stop.common.dags_s3_path == "airflow/dags"


def test_the_accounts_of_a_pipeline_alone_deploy_nothing() -> None:
    env = {"AWS_ACCOUNT_ID": ACCOUNT, "CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": "us-east-1"}
    (line,) = errors(env)
    assert line.startswith("DR_TYPE and MWAA_ENV_NAME are not set")


def test_one_variable_of_a_product_is_enough_to_be_told_what_else_it_needs() -> None:
    lines = errors({"PRIMARY_REGION": "us-east-1"})
    assert len(lines) == len(valid_env()) - 1
    assert all("needed for disaster recovery, deployed because PRIMARY_REGION is set" in line for line in lines)


def test_what_both_products_need_is_asked_for_once() -> None:
    env = {**valid_env(), **start_stop_env()}
    del env["MWAA_UPDATE_EXECUTION_ROLE"]
    assert [line.split()[0] for line in errors(env)] == ["MWAA_UPDATE_EXECUTION_ROLE"]


def test_every_error_is_in_one_report_with_its_variable_its_value_and_what_is_allowed() -> None:
    env = valid_env(
        DR_TYPE="PILOT_LIGHT",
        SECONDARY_REGION="us-east-1",
        PRIMARY_VPC_ID=None,
        PRIMARY_MWAA_ROLE_ARN="arn:aws:iam::999999999999:role/foreign",
        HEALTH_CHECK_INTERVAL_MINS="often",
    )
    with pytest.raises(ConfigError) as raised:
        Config.load(None, env)
    assert str(raised.value).splitlines() == [
        "the configuration has 5 errors",
        "  DR_TYPE is 'PILOT_LIGHT', allowed: BACKUP_RESTORE or WARM_STANDBY",
        "  PRIMARY_VPC_ID is not set, allowed: the id of a VPC, as vpc-012ab34c56d789101; "
        "needed for disaster recovery, deployed because STACK_NAME_PREFIX is set",
        "  HEALTH_CHECK_INTERVAL_MINS is 'often', allowed: a whole number from 1 to 1440",
        "  SECONDARY_REGION is 'us-east-1', allowed: another Region than PRIMARY_REGION, us-east-1",
        "  PRIMARY_MWAA_ROLE_ARN is 'arn:aws:iam::999999999999:role/foreign', allowed: a role of the account "
        "111222333444",
        "HINT: Correct them in .env or in the environment; docs/configuration.md describes each variable.",
    ]


def test_a_value_that_is_wrong_by_default_says_so() -> None:
    (line,) = errors(valid_env(METADATA_IMPORT_TIMEOUT_MINS="20"))
    assert line.startswith("STATE_MACHINE_TIMEOUT_MINS is '60' by default, allowed: at least the sum")


def test_a_long_value_is_cut_in_the_report() -> None:
    (line,) = errors(valid_env(PRIMARY_VPC_ID="vpc-" + "x" * 5000))
    assert len(line) < 300


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = env_file(tmp_path, "DR_TYPE=WARM_STANDBY\nHEALTH_CHECK_INTERVAL_MINS=9\n")
    dr = Config.load(file, valid_env(DR_TYPE="BACKUP_RESTORE")).disaster_recovery
    assert dr
    assert (dr.deployment.dr_type, dr.health_check.interval_mins) == (DrType.BACKUP_RESTORE, 9)


def test_the_file_wins_for_what_the_cdk_overwrites(tmp_path: Path) -> None:
    file = env_file(tmp_path, f"CDK_DEFAULT_ACCOUNT={ACCOUNT}\nCDK_DEFAULT_REGION=eu-west-1\n")
    overwritten = start_stop_env(CDK_DEFAULT_ACCOUNT="999999999999", CDK_DEFAULT_REGION="us-east-1")
    config = Config.load(file, overwritten)
    assert config.start_stop
    assert (config.start_stop.schedules.account_id, config.start_stop.schedules.region) == (ACCOUNT, "eu-west-1")
    assert config.warnings == ()


def test_without_the_file_what_the_cdk_overwrites_comes_from_the_environment_with_a_warning() -> None:
    lines = warnings(start_stop_env())
    assert [line.split()[0] for line in lines] == ["CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"]
    assert all("the CDK command line overwrites it: set it in .env" in line for line in lines)


def test_a_variable_that_is_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    file = env_file(tmp_path, "DR_TYPE=WARM_STANDBY\n")
    dr = Config.load(file, valid_env(DR_TYPE="", MWAA_DAGS_S3_PATH="  ")).disaster_recovery
    assert dr
    assert dr.is_warm_standby
    assert dr.common.dags_s3_path == "dags"


def test_quotes_that_a_shell_left_in_the_environment_are_not_part_of_the_value() -> None:
    assert recovery(PRIMARY_BACKUP_SCHEDULE="'*/30 * * * *'").primary.backup_schedule == "*/30 * * * *"


def test_the_file_may_refer_to_other_variables_and_no_others_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "from-the-process")
    file = env_file(tmp_path, "STACK_NAME_PREFIX=mwaa-${TEAM}\nPRIMARY_DAGS_BUCKET_NAME=${STACK_NAME_PREFIX}-dags\n")
    env = valid_env(STACK_NAME_PREFIX=None, PRIMARY_DAGS_BUCKET_NAME=None, TEAM="blue")
    dr = Config.load(file, env).disaster_recovery
    assert dr
    assert dr.primary.dags_bucket_name == "mwaa-blue-dags"


def test_what_the_file_refers_to_comes_from_the_environment_first(tmp_path: Path) -> None:
    file = env_file(tmp_path, "TEAM=file\nSTACK_NAME_PREFIX=mwaa-${TEAM}\n")
    dr = Config.load(file, valid_env(STACK_NAME_PREFIX=None, TEAM="environment")).disaster_recovery
    assert dr
    assert dr.deployment.stack_name_prefix == "mwaa-environment"


def test_a_file_from_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbfDR_TYPE=WARM_STANDBY\r\n# a comment\r\nexport HEALTH_CHECK_ENABLED=no\r\n")
    dr = Config.load(file, valid_env(DR_TYPE=None)).disaster_recovery
    assert dr
    assert dr.is_warm_standby
    assert not dr.health_check.enabled


def test_lines_that_cannot_be_read_are_reported_without_what_they_hold(tmp_path: Path) -> None:
    file = env_file(tmp_path, "DR_TYPE=WARM_STANDBY\nsecret = 'open\nAWS_ACCOUNT_ID=1\n= 2\n")
    lines = errors(valid_env(), file)
    assert lines
    assert all(line.startswith(".env cannot be read at line ") for line in lines)
    assert "open" not in "".join(lines)


def test_a_file_that_is_not_text_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"DR_TYPE=\xff\xfe")
    assert errors(valid_env(), file) == [".env is not UTF-8, allowed: text in UTF-8"]


def test_a_variable_that_is_set_twice_in_the_file_is_a_warning_and_the_last_one_counts(tmp_path: Path) -> None:
    file = env_file(tmp_path, "DR_TYPE=BACKUP_RESTORE\nDR_TYPE=WARM_STANDBY\n")
    config = Config.load(file, valid_env(DR_TYPE=None))
    assert config.disaster_recovery
    assert config.disaster_recovery.is_warm_standby
    assert [finding.line for finding in config.warnings] == ["DR_TYPE is set 2 times in .env, the last one counts"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("HEALTH_CHECK_ENABLE", "HEALTH_CHECK_ENABLE has no effect, since there is no such variable: "
                                "is HEALTH_CHECK_ENABLED meant?"),
        ("SFN_PAUSE_TIMEOUT_MINS", "SFN_PAUSE_TIMEOUT_MINS has no effect, since stop and start is not deployed"),
        ("MWAA_FRIENDS", "MWAA_FRIENDS has no effect, since there is no such variable"),
    ],
)  # fmt: skip
def test_what_has_no_effect_in_the_file_is_a_warning(tmp_path: Path, name: str, line: str) -> None:
    assert warnings(valid_env(), env_file(tmp_path, f"{name}=60\n")) == [line]


def test_what_else_the_file_holds_is_nobodys_business(tmp_path: Path) -> None:
    assert warnings(valid_env(), env_file(tmp_path, "AWS_PROFILE=me\nEDITOR=vi\n")) == []


def test_what_has_no_effect_in_the_environment_may_be_anybodys() -> None:
    assert warnings(valid_env(MWAA_FRIENDS="x", HEALTH_CHECK_ENABLE="no", SFN_PAUSE_TIMEOUT_MINS="60")) == []


def test_no_environment_variable_is_read_at_import() -> None:
    code = (
        "import os, sys; before = set(sys.modules)\n"
        "class Closed(dict):\n"
        "    def _no(self, *_): raise AssertionError('the environment was read')\n"
        "    __getitem__ = get = __contains__ = __iter__ = items = keys = copy = _no\n"
        "import enum, dataclasses, pathlib, zoneinfo, dotenv, json, decimal, calendar, difflib, heapq\n"
        "os.environ = Closed(); os.getenv = Closed()._no\n"
        "import lib.config\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_loading_twice_gives_the_same() -> None:
    assert Config.load(None, valid_env()) == Config.load(None, valid_env())
    assert start_stop() == start_stop()
    assert recovery() != recovery(DR_TYPE="WARM_STANDBY")
