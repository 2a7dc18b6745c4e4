"""What may be in no log is found wherever something is logged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drill import secrecy
from drill.aws import LocalAws
from drill.kept import Kept
from drill.life import Life
from tests.support.local_aws import Builder, eventually

PRIMARY, SECONDARY = "us-east-1", "us-west-2"


class Airflow:
    """One of which only the audit log is asked."""

    version = (2, 10, 3)

    def __init__(self, *entries: tuple[str, str]) -> None:
        self.entries = entries

    def query(self, statement: str, *_: Any) -> list[tuple[Any, ...]]:
        assert "FROM log" in statement
        return [*self.entries]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Both Regions, with an environment that has given a token of each kind."""
    with LocalAws.start(tmp_path_factory.mktemp("aws")) as found:
        build = Builder(found, SECONDARY)
        found.mwaa.pace(create=0)
        build.environment()
        eventually(lambda: build.status("mwaa") == "AVAILABLE")
        build.client("mwaa").create_cli_token(Name="mwaa")
        build.client("mwaa").create_web_login_token(Name="mwaa")
        yield found


@pytest.fixture
def kept() -> Kept:
    return Kept(keys={"the Fernet key of prod": "fernet"})


def told(aws: LocalAws, folder: Path, kept: Kept, *audited: tuple[str, str]) -> list[str]:
    site = SimpleNamespace(aws=aws, regions=(PRIMARY, SECONDARY))
    successor = SimpleNamespace(airflow=Airflow(*audited))
    story = SimpleNamespace(site=site, kept=kept, folder=folder, successor=successor)
    return [found.words for found in secrecy.differences(cast("Life", story))]


def test_where_nothing_is_told_nothing_is_found(aws: LocalAws, tmp_path: Path, kept: Kept) -> None:
    (tmp_path / "scheduler.out").write_text("all is well")
    assert told(aws, tmp_path, kept, ("a variable was set", "variable.create")) == []


def test_a_token_of_the_command_line_or_the_web_server_is_found(aws: LocalAws, tmp_path: Path, kept: Kept) -> None:
    for number, token in enumerate(aws.mwaa.tokens(), start=1):
        (tmp_path / f"{number}.log").write_text(f"Authorization: Bearer {token}")
    assert told(aws, tmp_path, kept) == [f"CLI or web token {number} is in {number}.log" for number in (1, 2)]


def test_log_groups_and_the_audit_log_are_searched(aws: LocalAws, tmp_path: Path, kept: Kept) -> None:
    logs = aws.client("logs", PRIMARY)
    logs.create_log_group(logGroupName="/aws/lambda/x")
    logs.create_log_stream(logGroupName="/aws/lambda/x", logStreamName="s")
    event = {"timestamp": 1_700_000_000_000, "message": f"it is {kept.secret}"}
    logs.put_log_events(logGroupName="/aws/lambda/x", logStreamName="s", logEvents=[event])
    found = told(aws, tmp_path, kept, ("conf={'key': 'fernet'}", "trigger"))
    assert found == [
        "the value of a variable and of a connection's password is in /aws/lambda/x in us-east-1",
        "the Fernet key of prod is in the audit log of what goes on (trigger)",
    ]
