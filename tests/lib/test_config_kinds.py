"""How single values are read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.config import kinds
from lib.config.catalog import ENTRIES
from lib.config.kinds import items
from lib.config.shared import RestoreStrategy
from mwaa_dr.framework.model import options, settings
from tests.support.configuration import errors, recovery, refusal, valid_env

ITEMS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters=",[]\"'\\", exclude_categories=("C", "Z")), min_size=1)
)
BLANKS = st.text(" \t\n", max_size=3)


@given(ITEMS)
def test_a_list_is_the_same_in_all_its_forms(expected: list[str]) -> None:
    assert items(json.dumps(expected, ensure_ascii=False)) == expected
    assert items(str(expected)) == expected
    assert items(f"[{', '.join(expected)}]") == expected
    assert items(",".join(expected)) == expected


@given(ITEMS, BLANKS, BLANKS)
def test_blanks_around_items_and_brackets_do_not_count(expected: list[str], before: str, after: str) -> None:
    inner = f"{before},{after}".join(expected)
    assert items(f"{before}[{after}{inner}{before}]{after}") == expected


@given(ITEMS.filter(bool))
def test_a_list_whose_bracket_is_missing_is_refused(expected: list[str]) -> None:
    for text in (f"[{', '.join(expected)}", f"{', '.join(expected)}]"):
        with pytest.raises(ValueError, match="a bracket is missing"):
            items(text)


@given(ITEMS.filter(bool), st.data())
def test_an_empty_item_is_refused_wherever_it_is(expected: list[str], data: st.DataObject) -> None:
    expected.insert(data.draw(st.integers(0, len(expected))), "")
    with pytest.raises(ValueError, match="an item is empty"):
        items(f"[{','.join(expected)}]")


@pytest.mark.parametrize("form", ['["a@eg.com","b@eg.com"]', "[a@eg.com, b@eg.com]", "a@eg.com,b@eg.com",
                                  "'[\"a@eg.com\", \"b@eg.com\"]'", '"a@eg.com","b@eg.com"'])  # fmt: skip
def test_a_list_variable_takes_each_form(form: str) -> None:
    assert recovery(MWAA_NOTIFICATION_EMAILS=form).common.notification_emails == ("a@eg.com", "b@eg.com")


@pytest.mark.parametrize("form", ["[]", "[ ]", "", "'[]'"])
def test_an_empty_list_is_empty(form: str) -> None:
    assert recovery(MWAA_NOTIFICATION_EMAILS=form).common.notification_emails == ()


@pytest.mark.parametrize(("text", "expected"), [("YES", True), ("yes", True), ("No", False), ("NO", False)])
def test_yes_and_no_are_read_in_any_case(text: str, expected: bool) -> None:
    assert kinds.YES_NO.read(text) is expected


@pytest.mark.parametrize("text", ["true", "1", "Y", "YES NO", ""])
def test_nothing_else_is_yes_or_no(text: str) -> None:
    assert refusal(kinds.YES_NO.read, text) == ""


@given(st.integers(-5, 15))
def test_a_whole_number_is_read_between_its_bounds_only(number: int) -> None:
    if 1 <= number <= 10:
        assert kinds.whole(1, 10).read(str(number)) == number
    else:
        assert refusal(kinds.whole(1, 10).read, str(number)) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ACCOUNT_ID", "12345678901"),
        ("AWS_ACCOUNT_ID", "1234-5678-9101"),
        ("MWAA_VERSION", "2.10"),
        ("MWAA_VERSION", "latest"),
        ("PRIMARY_REGION", "virginia"),
        ("PRIMARY_REGION", "us-east-1a"),
        ("PRIMARY_MWAA_ROLE_ARN", "my-role"),
        ("PRIMARY_MWAA_ROLE_ARN", "arn:aws:iam::111222333444:user/me"),
        ("PRIMARY_MWAA_ROLE_ARN", "arn:aws:iam:us-east-1:111222333444:role/r"),
        ("PRIMARY_MWAA_ENVIRONMENT_NAME", "1st"),
        ("PRIMARY_MWAA_ENVIRONMENT_NAME", "m" * 81),
        ("PRIMARY_DAGS_BUCKET_NAME", "arn:aws:s3:::bucket"),
        ("PRIMARY_DAGS_BUCKET_NAME", "My_Bucket"),
        ("PRIMARY_DAGS_BUCKET_NAME", "a..b"),
        ("PRIMARY_VPC_ID", "my-vpc"),
        ("PRIMARY_SUBNET_IDS", "[subnet-1111]"),
        ("PRIMARY_SUBNET_IDS", "[subnet-1111, subnet-2222, subnet-3333]"),
        ("PRIMARY_SUBNET_IDS", "[subnet-1111, subnet-1111]"),
        ("PRIMARY_SUBNET_IDS", "[subnet-1111, sg-2222]"),
        ("PRIMARY_SUBNET_IDS", "[]"),
        ("PRIMARY_SECURITY_GROUP_IDS", "[]"),
        ("PRIMARY_SECURITY_GROUP_IDS", "[sg-1111, sg-1112, sg-1113, sg-1114, sg-1115, sg-1116]"),
        ("PRIMARY_DAGS_KMS_KEY_ARN", "arn:aws:kms:us-east-1:111222333444:alias/dags"),
        ("STACK_NAME_PREFIX", "my_team"),
        ("MWAA_NOTIFICATION_EMAILS", "[admins]"),
        ("MWAA_NOTIFICATION_EMAILS", "[a@eg.com; b@eg.com]"),
        ("MWAA_BACKUP_FILE_NAME", "folder/environment.json"),
        ("MWAA_BACKUP_FILE_NAME", "environment.yaml"),
        ("MWAA_DAGS_S3_PATH", "../dags"),
        ("MWAA_DAGS_S3_PATH", "s3://bucket/dags"),
        ("METADATA_EXPORT_DAG_NAME", "backup metadata"),
        ("METADATA_EXPORT_DAG_NAME", "b" * 51),
        ("HEALTH_CHECK_RETRY_BACKOFF_RATE", "0.5"),
        ("HEALTH_CHECK_RETRY_BACKOFF_RATE", "nan"),
        ("HEALTH_CHECK_INTERVAL_MINS", "0"),
        ("DR_BACKUP_RETENTION", "2 weeks"),
        ("DR_VARIABLE_RESTORE_STRATEGY", "MERGE"),
        ("FAILOVER_APPROVAL", "NO"),
        ("DAGS_REPLICATION", "YES"),
        ("LOG_RETENTION_DAYS", "42"),
    ],
)
def test_a_value_of_the_wrong_form_is_reported_with_what_is_allowed(name: str, value: str) -> None:
    (line,) = errors(valid_env(**{name: value}))
    assert line.startswith(f"{name} is {value!r}, allowed: ")


def test_a_list_of_the_wrong_length_says_how_many_there_are() -> None:
    (line,) = errors(valid_env(PRIMARY_SUBNET_IDS="[subnet-1111]"))
    assert line.endswith("(1 given)")


def test_options_of_airflow_are_read_as_airflow_writes_them() -> None:
    given = (
        '{"core.parallelism": 40, "core.load_examples": false, "smtp.smtp_host": "mail", "core.default_timezone": null}'
    )
    assert recovery(SECONDARY_AIRFLOW_CONFIG_OVERRIDES=given).secondary.airflow_config_overrides == {
        "core.parallelism": "40",
        "core.load_examples": "False",
        "smtp.smtp_host": "mail",
        "core.default_timezone": None,
    }


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ("core.parallelism=hunter2", "not JSON"),
        ('["hunter2"]', "not an object"),
        ('{"parallelism": "hunter2"}', "'parallelism' is no option"),
        ('{"core.' + "p" * 60 + '": "hunter2"}', f"'core.{'p' * 59}' is no option"),
        ('{"core.parallelism": ["hunter2"]}', "core.parallelism holds neither text nor a number"),
        ('{"smtp.smtp_password": "hunter2"}', "smtp.smtp_password is a secret, which belongs into a secrets backend"),
        ('{"core.fernet_key": "hunter2"}', "core.fernet_key is a secret, which belongs into a secrets backend"),
    ],
)
def test_wrong_options_are_reported_without_their_values(given: str, detail: str) -> None:
    (line,) = errors(valid_env(SECONDARY_AIRFLOW_CONFIG_OVERRIDES=given))
    assert "hunter2" not in line
    assert line.endswith(f"({detail})")


@pytest.mark.parametrize(("text", "shown"), [("24,14d", "24,14d"), ("24", "24,0d"), ("14d", "0,14d"), ("0", "0,0d")])
def test_a_retention_is_told_to_the_dag_package_in_full(text: str, shown: str) -> None:
    assert recovery(DR_BACKUP_RETENTION=text).engine.airflow_variables()["DR_BACKUP_RETENTION"] == shown


@pytest.mark.parametrize("name", sorted(recovery().engine.airflow_variables()))
def test_the_dag_package_reads_what_it_is_told_and_has_the_same_default(name: str) -> None:
    (row,) = [row for row in settings.table() if row.variable == name]
    assert row.kind.read(recovery().engine.airflow_variables()[name]) == row.default


def test_the_dag_package_knows_the_same_restore_strategies() -> None:
    assert {str(word) for word in RestoreStrategy} == {word.value for word in options.Strategy}


@pytest.mark.parametrize("row", [row for entry in ENTRIES for row in entry.variables()], ids=lambda row: row.name)
def test_each_default_and_each_example_is_allowed_and_each_meaning_is_a_sentence(row) -> None:  # type: ignore[no-untyped-def]
    row.kind.read(row.example) if row.example else None
    row.kind.read(row.default) if row.default is not None else None
    assert row.meaning[0].isupper() or row.meaning.startswith("`")
    assert row.meaning.endswith(".")
    assert row.kind.allowed
