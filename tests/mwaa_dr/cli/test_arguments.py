"""Which command lines are understood, and how the others are refused."""

from __future__ import annotations

import argparse

import pytest

from mwaa_dr.cli.arguments import COMMANDS, parse
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.options import BackupMode, InFlight, Retention, Strategy

DATABASE = ["--database", "postgresql://h/d"]
STORAGE = ["--storage", "s3://bucket"]
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"


def asked(*arguments: str, environ: dict[str, str] | None = None) -> argparse.Namespace:
    return parse(list(arguments), environ or {})


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        asked(*arguments)
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert out == ""
    error, hint = err.splitlines()
    assert error.startswith("ERROR: ")
    assert hint.startswith("HINT: ")
    return error


def test_the_defaults_are_those_of_the_dags() -> None:
    backup = asked("backup", *DATABASE, *STORAGE)
    restore = asked("restore", *DATABASE, *STORAGE)

    assert (backup.prefix, backup.environment, backup.retention) == ("data", Environment("local"), Retention(24, 14))
    assert (backup.parallel, backup.shrink_guard, backup.wait, backup.kms_key_arn) == (2, 50, 600, [])
    assert (backup.mode, backup.full_every) == (BackupMode.FULL, 24)
    assert (restore.variables, restore.connections, restore.in_flight) == (
        Strategy.APPEND,
        Strategy.APPEND,
        InFlight.DROP,
    )
    assert (restore.backup, restore.source, restore.region) == ("", "", "")
    assert (restore.lock_seconds, restore.exclusive_seconds) == (1800, 60)


def test_every_word_and_number_is_read() -> None:
    backup = asked(
        *("backup", *DATABASE, *STORAGE, "--environment", "prod.eu-west-1", "--retention", "7,30d"),
        *("--kms-key-arn", KEY, "--kms-key-arn", KEY[:-1] + "2", "--tables", "variable, xcom", "--parallel", "4"),
    )
    restore = asked(
        *("restore", *DATABASE, *STORAGE, "--variables", "replace", "--connections", "DO_NOTHING"),
        *("--in-flight", "resume", "--primary-fenced", "--backup", "20261121T230500Z-1f0c9a7e"),
    )

    assert backup.environment == Environment("prod", "eu-west-1")
    assert backup.retention == Retention(7, 30)
    assert backup.kms_key_arn == [KEY, KEY[:-1] + "2"]
    assert backup.tables == ["variable", "xcom"]
    assert (restore.variables, restore.connections) == (Strategy.REPLACE, Strategy.DO_NOTHING)
    assert restore.in_flight is InFlight.RESUME


def test_the_database_may_come_from_the_environment() -> None:
    found = asked("backup", *STORAGE, environ={"DR_DATABASE_URL": "postgresql://h/d"})

    assert found.database == "postgresql://h/d"


def test_verify_needs_a_database_only_to_rehearse(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("verify", *STORAGE, "--level", "data").database == ""
    assert "DR_DATABASE_URL" in refused(capsys, "verify", *STORAGE, "--level", "rehearse")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["backup", *STORAGE], "DR_DATABASE_URL"),
        (["backup", *DATABASE], "--storage"),
        (["restore", *DATABASE, *STORAGE, "--in-flight", "resume"], "--primary-fenced"),
        (["restore", *DATABASE, *STORAGE, "--in-flight", "forget"], "drop or resume"),
        (["restore", *DATABASE, *STORAGE, "--variables", "MERGE"], "APPEND or REPLACE or DO_NOTHING"),
        (["backup", *DATABASE, *STORAGE, "--retention", "many"], "--retention"),
        (["backup", *DATABASE, *STORAGE, "--parallel", "0"], "from 1 to 8"),
        (["backup", *DATABASE, *STORAGE, "--mode", "half"], "FULL or INCREMENTAL"),
        (["backup", *DATABASE, *STORAGE, "--full-every", "0"], "from 1 to 1000"),
        (["cleanup", *DATABASE, "--batch-runs", "true"], "from 0 to 1000000"),
        (["backup", *DATABASE, *STORAGE, "--kms-key-arn", "alias/mine"], "ARN of a KMS key"),
        (["backup", *DATABASE, *STORAGE, "--environment", "a/b"], "NAME or NAME.REGION"),
        (["list", *STORAGE, "--source", "../x"], "--source"),
        (["verify", *STORAGE, "--level", "all"], "--level"),
        (["backup", *DATABASE, *STORAGE, "--stor", "x"], "--stor"),
        (["explode"], "COMMAND"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_one_line_a_hint_and_code_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told in refused(capsys, *arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        asked(command, "--help")

    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "exit codes:" in out
    assert "--json" in out
