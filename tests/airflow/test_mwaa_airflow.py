"""The web server of a rehearsed environment has MWAA's part: commands of ours run there, in Airflow 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from drill.mwaa_airflow import MwaaAirflow
from lib.functions.airflow_client.web_server import run
from tests.support.mwaa import NAME, REGION, Mwaa, Reply
from tests.support.real_airflow import RealAirflow

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


@pytest.fixture
def served(airflow: RealAirflow, tmp_path: Path) -> Iterator[MwaaAirflow]:
    """An environment whose web server answers."""
    found = MwaaAirflow("served", airflow.venv, tmp_path / "home", airflow.url, {})
    found.start("scheduler")
    found.serve()
    found.wait("the web server", lambda: "" if found.answers() else "it does not answer", 240)
    yield found
    found.kill()


@pytest.fixture
def mwaa(served: MwaaAirflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mwaa]:
    """MWAA, which passes commands on to it as a balancer does."""

    def passed_on(command: str) -> Reply:
        connection = HTTPConnection(urlsplit(served.api_url).netloc)
        connection.request("POST", double.paths[-1], command, {"Host": double.host, "Content-Type": "text/plain"})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), {"Location": answer.getheader("Location", "")})

    with Mwaa(tmp_path) as double:
        double.cli = passed_on
        for name, value in double.environ.items():
            monkeypatch.setenv(name, value)
        yield double


def test_a_command_runs_and_says_what_it_prints(mwaa: Mwaa, served: MwaaAirflow) -> None:
    assert run(NAME, REGION, "version").stdout.splitlines()[-1] == ".".join(map(str, served.version))
    assert mwaa.paths == ["/aws_mwaa/cli", "/aws_mwaa/cli/"][: 1 + (served.version >= (3,))]
    assert "invalid choice" in run(NAME, REGION, "dags no-such-command").stderr
