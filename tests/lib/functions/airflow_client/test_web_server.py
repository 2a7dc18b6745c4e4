"""Commands to a web server: whatever it answers, the error says who did what."""

from __future__ import annotations

import json
import socket
import time

import pytest

from lib.functions.airflow_client import web_server
from lib.functions.airflow_client.web_server import Printed, run
from lib.functions.errors import AirflowRefused, AirflowUnavailable, FunctionError, Misconfigured, NotReachable
from tests.support.mwaa import NAME, REGION, TOKEN, Mwaa, Reply, printed


def test_what_a_command_prints_is_decoded(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: printed(f"ran {command}: ü 漢", "a warning")
    assert run(NAME, REGION, "dags list") == Printed("ran dags list: ü 漢", "a warning")


def test_a_command_that_failed_is_an_answer_too(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: printed("", "DAG: x does not exist in 'dag' table\n", status=400)
    assert run(NAME, REGION, "dags pause x").says("does not exist in 'dag' table")


# Airflow itself writes http where TLS ends before it.
@pytest.mark.parametrize("location", ["/aws_mwaa/cli/", "https://{host}/aws_mwaa/cli/", "http://{host}/aws_mwaa/cli/"])
def test_the_redirect_of_airflow_3_is_followed_with_the_command(mwaa: Mwaa, location: str) -> None:
    mwaa.cli = lambda command: (
        printed(command)
        if mwaa.paths[-1] == "/aws_mwaa/cli/"
        else Reply(307, headers={"Location": location.format(host=mwaa.host)})
    )
    assert run(NAME, REGION, "version").stdout == "version"


@pytest.mark.parametrize("location", ["https://elsewhere.example/", "http://elsewhere.example/", "//elsewhere.example"])
def test_the_token_is_taken_to_nobody_else(mwaa: Mwaa, location: str) -> None:
    mwaa.cli = lambda command: Reply(307, headers={"Location": location.format(host=mwaa.host)})
    with pytest.raises(AirflowRefused, match="redirects to"):
        run(NAME, REGION, "version")


def test_redirects_have_an_end(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: Reply(307, headers={"Location": "/again"})
    with pytest.raises(AirflowRefused, match="without an end"):
        run(NAME, REGION, "version")
    assert len(mwaa.paths) == 3


ODD = [
    (Reply(200), AirflowUnavailable, "200 with an empty body"),
    (Reply(200, b"<html>starting</html>"), AirflowUnavailable, "<html>starting"),
    (Reply(200, b'{"stdout": "?not base64?"}'), AirflowUnavailable, "not base64"),
    (Reply(200, b"[]"), AirflowUnavailable, r"200 with '\[\]'"),
    (Reply(400, b"no such command"), AirflowRefused, "400 with 'no such command'"),
    (Reply(401), Misconfigured, "401"),
    (Reply(403, b"Forbidden"), Misconfigured, "403 with 'Forbidden'. HINT"),
    (Reply(404), AirflowUnavailable, "404"),
    (Reply(405), AirflowRefused, "405"),
    (Reply(413), AirflowRefused, "413"),
    (Reply(429), AirflowUnavailable, "429"),
    (Reply(500, b"oops"), AirflowUnavailable, "500 with 'oops'"),
    (Reply(503), AirflowUnavailable, "503"),
    (Reply(504), AirflowUnavailable, "504"),
    (Reply(302, headers={"Location": "/login"}), AirflowUnavailable, "302"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ODD)
def test_an_odd_answer_is_an_error_with_a_name(
    mwaa: Mwaa, answer: Reply, error: type[FunctionError], words: str
) -> None:
    mwaa.cli = lambda command: answer
    with pytest.raises(error, match=words) as caught:
        run(NAME, REGION, "version")
    assert TOKEN not in str(caught.value)


def test_an_answer_above_the_6_mb_of_mwaas_api_is_read(mwaa: Mwaa) -> None:
    mwaa.cli = lambda command: printed("x" * 7_000_000)
    assert len(run(NAME, REGION, "dags list").stdout) == 7_000_000


def test_an_answer_without_measure_is_refused(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "LARGEST", 2**20)
    mwaa.cli = lambda command: printed("x" * 2**20)
    with pytest.raises(AirflowRefused, match="more than 1 MB"):
        run(NAME, REGION, "dags list")


def test_a_web_server_that_goes_silent_is_unavailable(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_server, "READ_SECONDS", 0.05)
    mwaa.cli = lambda command: time.sleep(1) or printed()  # type: ignore[func-returns-value]
    with pytest.raises(AirflowUnavailable, match="did not answer"):
        run(NAME, REGION, "version")


def test_a_web_server_that_nothing_leads_to_is_not_reachable(mwaa: Mwaa) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        mwaa.host = f"localhost:{free.getsockname()[1]}"
        with pytest.raises(NotReachable, match="NAT gateway, or the interface endpoint"):
            run(NAME, REGION, "version")


def test_a_web_server_whose_name_nobody_knows_is_not_reachable(mwaa: Mwaa) -> None:
    mwaa.host = "nobody.invalid"
    with pytest.raises(NotReachable, match=r"nobody\.invalid"):
        run(NAME, REGION, "version")


def test_a_web_server_that_cannot_prove_who_it_is_gets_no_token(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NotReachable, match="CERTIFICATE_VERIFY_FAILED"):
        run(NAME, REGION, "version")
    assert mwaa.commands == []


OF_MWAA = [
    ((403, "AccessDeniedException", "not authorized"), Misconfigured, "needs airflow:CreateCliToken"),
    ((400, "ValidationException", "no"), AirflowRefused, "ValidationException: no"),
    ((500, "InternalServerException", "oops"), AirflowUnavailable, "InternalServerException"),
    ((429, "ThrottlingException", "slow"), AirflowUnavailable, "ThrottlingException"),
]


@pytest.mark.parametrize(("error", "kind", "words"), OF_MWAA)
def test_what_mwaa_refuses_has_a_name(
    mwaa: Mwaa, error: tuple[int, str, str], kind: type[FunctionError], words: str
) -> None:
    mwaa.error = error
    with pytest.raises(kind, match=words):
        run(NAME, REGION, "version")


def test_an_environment_of_another_name_is_a_misconfiguration(mwaa: Mwaa) -> None:
    with pytest.raises(Misconfigured, match="no environment of that name"):
        run("other", REGION, "version")


def test_mwaa_that_nothing_leads_to_is_not_reachable(mwaa: Mwaa, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_MWAA", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(NotReachable, match="interface endpoint"):
            run(NAME, REGION, "version")


@pytest.mark.parametrize(
    ("stdout", "stderr", "complaint"),
    [
        ("done", "lib.py:859 FutureWarning: old option\n", "done"),
        (
            "",
            "Traceback\n  File x\nairflow.exceptions.DagNotFound: Dag id x\n",
            "airflow.exceptions.DagNotFound: Dag id x",
        ),
        ("\x1b[34mblue\x1b[0m", "", "blue"),
        ("", "", "it printed nothing"),
        ("", "x" * 900, "x" * 300),
    ],
)
def test_a_complaint_is_one_line(stdout: str, stderr: str, complaint: str) -> None:
    assert Printed(stdout, stderr).complaint == complaint


def test_each_command_has_a_token_of_its_own_in_a_header(mwaa: Mwaa) -> None:
    run(NAME, REGION, "version")
    assert mwaa.commands == ["version"]
    assert TOKEN not in json.dumps(mwaa.paths)
