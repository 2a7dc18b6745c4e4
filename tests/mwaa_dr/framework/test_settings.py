"""Settings: where each comes from, and what is said of one that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mwaa_dr.framework.errors import SettingError
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.options import InFlight, Retention, Strategy
from mwaa_dr.framework.model.setting import DrType, Operation, StorageType
from mwaa_dr.framework.model.setting_kinds import DEFAULT_BATCH
from mwaa_dr.framework.model.settings import Settings, table
from mwaa_dr.framework.settings import read_settings

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = "arn:aws-cn:kms:cn-north-1:123456789012:alias/backups"


def read(
    operation: Operation = Operation.RESTORE,
    conf: object = None,
    variables: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    **defaults: object,
) -> Settings:
    """Settings where a bucket is set, so that only the test's own subject can be wrong."""
    known = {"DR_BACKUP_BUCKET": "backups", **(variables or {})}
    return read_settings(operation, conf=conf, variable=known.get, environ=environ or {}, defaults=defaults)


def refusal(operation: Operation = Operation.RESTORE, **sources: Any) -> str:
    with pytest.raises(SettingError) as caught:
        read(operation, **sources)
    return caught.value.message


def test_without_anything_set_the_defaults_hold() -> None:
    settings = read()
    assert settings.environment == Environment("local", "")
    assert settings.storage_type is StorageType.S3
    assert settings.path_prefix == "data"
    assert settings.variable_restore_strategy is Strategy.APPEND
    assert settings.in_flight is InFlight.DROP
    assert settings.retention == Retention(24, 14)


def test_conf_wins_over_a_variable_and_a_variable_over_the_factory() -> None:
    variables = {"DR_BACKUP_BUCKET": "from-variable", "DR_PATH_PREFIX": "from-variable"}
    settings = read(conf={"bucket": "from-conf"}, variables=variables, path_prefix="from-factory")
    assert settings.bucket == "from-conf"
    assert settings.path_prefix == "from-variable"
    assert read(path_prefix="from-factory").path_prefix == "from-factory"


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_an_empty_value_counts_as_not_given(nothing: object) -> None:
    assert read(conf={"bucket": nothing}).bucket == "backups"


def test_the_environment_is_named_as_mwaa_names_it() -> None:
    mwaa = {"AIRFLOW_ENV_NAME": "prod", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}
    assert read(environ=mwaa).environment == Environment("prod", "eu-west-1")
    assert read(environ={"AWS_DEFAULT_REGION": "eu-west-2"}).environment == Environment("local", "eu-west-2")
    assert read(environ=mwaa, variables={"DR_ENVIRONMENT_NAME": "other"}).environment_name == "other"


@pytest.mark.parametrize(
    ("value", "arns"),
    [
        (f'["{KEY}", "{ALIAS}"]', (KEY, ALIAS)),
        (f"[{KEY}, {ALIAS}]", (KEY, ALIAS)),
        (f"{KEY},{ALIAS}", (KEY, ALIAS)),
        (f"['{KEY}']", (KEY,)),
        (f"{KEY},{KEY}", (KEY,)),
        ("[]", ()),
    ],
)
def test_a_list_of_keys_may_be_written_in_several_ways(value: str, arns: tuple[str, ...]) -> None:
    assert read(Operation.BACKUP, variables={"DR_KMS_KEY_ARNS": value}).kms_key_arns == arns


@pytest.mark.parametrize(
    ("value", "retention"),
    [
        ("24,14d", Retention(24, 14)),
        ("7 , 30d", Retention(7, 30)),
        ("5", Retention(5, 0)),
        ("30d", Retention(0, 30)),
        ("0", Retention(0, 0)),
    ],
)
def test_retention_has_a_short_form(value: str, retention: Retention) -> None:
    assert read(Operation.BACKUP, variables={"DR_BACKUP_RETENTION": value}).retention == retention


@pytest.mark.parametrize(
    ("value", "runs"), [(True, DEFAULT_BATCH), ("yes", DEFAULT_BATCH), (500, 500), ("500", 500), (False, 0), ("off", 0)]
)
def test_batched_is_a_switch_or_a_number(value: object, runs: int) -> None:
    assert read(Operation.CLEANUP, conf={"batched": value}).batched == runs


@pytest.mark.parametrize("word", ["replace", "REPLACE", " Replace "])
def test_words_may_be_in_either_case(word: str) -> None:
    assert read(conf={"variable_restore_strategy": word}).variable_restore_strategy is Strategy.REPLACE


def test_latest_is_the_backup_that_is_restored_when_none_is_named() -> None:
    assert read(conf={"backup_id": "latest"}).backup_id == read().backup_id == ""


def test_dags_are_activated_unless_a_drill_says_no() -> None:
    assert read().activate_dags is True
    assert read(conf={"activate_dags": False}).activate_dags is False
    assert read(conf={"activate_dags": "NO"}).activate_dags is False


def test_slashes_around_a_prefix_do_not_matter() -> None:
    assert read(variables={"DR_PATH_PREFIX": "/team/data/"}).path_prefix == "team/data"


WRONG = [
    (Operation.BACKUP, "DR_STORAGE_TYPE", "S4", "S3 or LOCAL_FS"),
    (Operation.BACKUP, "DR_BACKUP_BUCKET", "arn:aws:s3:::backups", "the name of an S3 bucket"),
    (Operation.BACKUP, "DR_PATH_PREFIX", "../up", "a path"),
    (Operation.BACKUP, "DR_PATH_PREFIX", "a//b", "a path"),
    (Operation.BACKUP, "DR_SNS_TOPIC_ARN", "my-topic", "the ARN of a standard SNS topic"),
    (Operation.BACKUP, "DR_KMS_KEY_ARNS", f"{KEY},1234", "a list of ARNs of KMS keys"),
    (Operation.BACKUP, "DR_S3_KMS_KEY_ARN", "alias/backups", "the ARN of a KMS key"),
    (Operation.BACKUP, "DR_CONNECTIONS", "0", "a whole number from 1 to 8"),
    (Operation.BACKUP, "DR_CONNECTIONS", "two", "a whole number from 1 to 8"),
    (Operation.BACKUP, "DR_SHRINK_GUARD_PERCENT", "101", "a whole number from 0 to 100"),
    (Operation.BACKUP, "DR_SHRINK_GUARD_PERCENT", "12.5", "a whole number from 0 to 100"),
    (Operation.BACKUP, "DR_BACKUP_RETENTION", "24,14", "`24,14d`"),
    (Operation.BACKUP, "DR_BACKUP_RETENTION", "-1", "`24,14d`"),
    (Operation.BACKUP, "DR_SKIP_UNREADABLE_SECRETS", "perhaps", "true or false"),
    (Operation.BACKUP, "DR_BACKUP_MODE", "DIFFERENTIAL", "FULL or INCREMENTAL"),
    (Operation.BACKUP, "DR_FULL_EVERY", "0", "a whole number from 1 to 1000"),
    (Operation.RESTORE, "DR_VARIABLE_RESTORE_STRATEGY", "MERGE", "APPEND or REPLACE or DO_NOTHING"),
    (Operation.RESTORE, "DR_CONNECTION_RESTORE_STRATEGY", "MERGE", "APPEND or REPLACE or DO_NOTHING"),
    (Operation.RESTORE, "DR_LOCK_SECONDS", "0", "a whole number from 1 to 86400"),
    (Operation.RESTORE, "DR_HEARTBEAT_SECONDS", "1e3", "a whole number from 1 to 3600"),
]


@pytest.mark.parametrize(("operation", "variable", "value", "allowed"), WRONG)
def test_a_wrong_variable_is_named_with_its_value_and_what_is_allowed(
    operation: Operation, variable: str, value: str, allowed: str
) -> None:
    line = refusal(operation, variables={variable: value})
    assert "\n" not in line
    assert f"Airflow Variable {variable} is {value!r}"[:60] in line
    assert f"allowed: {allowed}" in line


WRONG_CONF = [
    (Operation.RESTORE, "in_flight", "continue"),
    (Operation.RESTORE, "backup_id", "../manifest"),
    (Operation.RESTORE, "environment", "a/b"),
    (Operation.RESTORE, "dr_type", "HOT_STANDBY"),
    (Operation.RESTORE, "primary_fenced", "maybe"),
    (Operation.RESTORE, "activate_dags", "later"),
    (Operation.RESTORE, "bucket", 5),
    (Operation.RESTORE, "bucket", ["a"]),
    (Operation.CLEANUP, "force", 2),
    (Operation.CLEANUP, "batched", -1),
    (Operation.CLEANUP, "batched", 1.5),
    (Operation.CLEANUP, "dry_run", {"yes": True}),
]


@pytest.mark.parametrize(("operation", "key", "value"), WRONG_CONF)
def test_a_wrong_value_in_conf_is_named(operation: Operation, key: str, value: object) -> None:
    assert f"dag_run.conf '{key}' is {value!r}, allowed: " in refusal(operation, conf={key: value})


def test_every_wrong_setting_has_its_line_in_one_report() -> None:
    lines = refusal(conf={"in_flight": "x", "backup_id": "/"}, variables={"DR_STORAGE_TYPE": "disk"}).split("\n")
    assert len(lines) == 3


def test_a_misspelt_key_in_conf_is_refused_since_the_default_would_act_in_its_place() -> None:
    line = refusal(conf={"backupid": "20260101T000000Z-00000000"})
    assert "unknown setting 'backupid'" in line
    assert "backup_id" in line


@pytest.mark.parametrize("conf", ["text", [1], 7])
def test_a_conf_that_is_no_object_is_refused(conf: object) -> None:
    assert "dag_run.conf is" in refusal(conf=conf)


def test_a_task_token_is_never_shown() -> None:
    token = "a token with spaces is not allowed"
    assert token not in refusal(conf={"task_token": token})
    assert "AQC" not in repr(read(conf={"task_token": "AQC-secret"}))


def test_a_long_value_is_cut() -> None:
    assert len(refusal(conf={"in_flight": "x" * 5000})) < 300


def test_resume_is_refused_without_the_word_that_the_primary_is_fenced() -> None:
    assert "primary_fenced=true" in refusal(conf={"in_flight": "resume"})
    resumed = read(conf={"in_flight": "resume", "primary_fenced": True})
    assert resumed.in_flight is InFlight.RESUME


@pytest.mark.parametrize("operation", [Operation.BACKUP, Operation.RESTORE])
def test_a_bucket_is_needed_for_s3_and_only_there(operation: Operation) -> None:
    assert "no backup bucket is set" in refusal(operation, variables={"DR_BACKUP_BUCKET": ""})
    local = read(operation, variables={"DR_BACKUP_BUCKET": "", "DR_STORAGE_TYPE": "LOCAL_FS"})
    assert local.storage_type is StorageType.LOCAL_FS
    assert read(Operation.CLEANUP, variables={"DR_BACKUP_BUCKET": ""})


def test_a_setting_of_another_operation_is_not_read() -> None:
    assert read(Operation.RESTORE, variables={"DR_BACKUP_RETENTION": "nonsense"}).retention == Retention()


def test_every_default_is_a_value_that_its_kind_would_give() -> None:
    for row in table():
        if row.default not in ("", None, ()) and not isinstance(row.default, Retention):
            value = getattr(row.default, "value", row.default)
            assert row.kind.read(value) == row.default, row.name


def test_only_the_task_token_and_the_databases_url_are_secret() -> None:
    assert {row.name for row in table() if row.secret} == {"task_token", "database_url"}


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (["a", "b.c-d", "a"], ("a", "b.c-d")),
        ("a, b", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ([], ()),
        ("[]", ()),
        (["x" * 250], ("x" * 250,)),
    ],
)
def test_active_dags_may_be_a_list_or_text(value: object, ids: tuple[str, ...]) -> None:
    assert read(Operation.BACKUP, conf={"active_dags": value}).active_dags == ids


@pytest.mark.parametrize("value", [7, {"a": 1}, [1], [""], ["x" * 251], ["two\nlines"]])
def test_what_is_no_list_of_dags_is_refused(value: object) -> None:
    assert "dag_run.conf 'active_dags' is" in refusal(Operation.BACKUP, conf={"active_dags": value})


def test_an_object_with_active_dags_is_in_the_backup_bucket() -> None:
    local = {"DR_STORAGE_TYPE": "LOCAL_FS"}
    assert "only with backups in S3" in refusal(Operation.BACKUP, conf={"active_dags_key": "k"}, variables=local)
    both = {"active_dags_key": "k", "active_dags": []}
    assert "one of them" in refusal(Operation.BACKUP, conf=both)


@pytest.mark.parametrize("value", ["stops/key", "s3://bucket", "s3://bucket/", "https://bucket/key", "s3://b/key"])
def test_the_note_of_a_stop_is_an_object_of_a_bucket(value: str) -> None:
    told = refusal(Operation.BACKUP, variables={"DR_STOP_NOTE": value})
    assert f"Airflow Variable DR_STOP_NOTE is '{value}', allowed: the URL of an S3 object" in told


@pytest.mark.parametrize("word", ["STOP", "start"])
def test_the_workflow_that_asks_may_be_a_stop_or_a_start(word: str) -> None:
    assert read(conf={"dr_type": word}).dr_type is DrType[word.upper()]


def test_runs_are_not_resumed_where_none_are_restored() -> None:
    conf = {"in_flight": "resume", "primary_fenced": True, "mode": "CONFIG_ONLY"}
    assert "allowed: only where runs are restored, not with CONFIG_ONLY" in refusal(conf=conf)
