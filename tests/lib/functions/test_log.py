"""Logs are JSON lines, and hold no secret."""

from __future__ import annotations

import json

import pytest

from lib.functions.log import logger


def line_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


def test_a_line_has_the_level_the_module_the_message_and_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logger("lib.functions.x").info("looked at %s", "prod", extra={"status": "AVAILABLE"})

    assert line_of(capsys) == {
        "level": "INFO",
        "logger": "lib.functions.x",
        "message": "looked at prod",
        "status": "AVAILABLE",
    }


def test_an_error_is_one_line_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        int("of no use")
    except ValueError:
        logger("lib.functions.x").exception("failed")

    assert "ValueError: invalid literal" in str(line_of(capsys)["trace"])


@pytest.mark.parametrize("name", ["task_token", "cli_token", "event", "airflow_options", "Password"])
def test_a_field_that_may_be_a_secret_is_left_out(capsys: pytest.CaptureFixture[str], name: str) -> None:
    logger("lib.functions.x").info("done", extra={name: "s3cr3t"})

    assert line_of(capsys)[name] == "(left out)"
