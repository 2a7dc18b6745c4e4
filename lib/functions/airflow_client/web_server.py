"""Commands to the CLI endpoint of a web server.

https://docs.aws.amazon.com/mwaa/latest/userguide/call-mwaa-apis-cli.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from lib.functions.airflow_client.reach import NO_WAY, reaching
from lib.functions.aws import client
from lib.functions.errors import AirflowRefused, AirflowUnavailable, Misconfigured, NotReachable

PATH = "/aws_mwaa/cli"
CONNECT_SECONDS = 5
READ_SECONDS = 90
"""A command starts a whole Airflow: seconds where the web server is large, a minute where it is small and busy."""
LARGEST = 12 * 2**20
"""Bytes of an answer that are read, well above the 6 MB that MWAA's own API answers."""
REDIRECTS = 2
SHOWN = 300
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Printed:
    """What a command of Airflow printed; nobody tells its exit status."""

    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """The last line that it printed, where errors are, but for the warnings that every command prints."""
        for text in (self.stderr, self.stdout):
            lines = [line.strip() for line in ANSI.sub("", text).splitlines() if line.strip()]
            if lines := [line for line in lines if "Warning: " not in line]:
                return lines[-1][:SHOWN]
        return "it printed nothing"

    def says(self, words: str) -> bool:
        """Whether it printed these words anywhere, however its lines were broken."""
        return words in " ".join(f"{self.stdout} {self.stderr}".split())


def run(name: str, region: str, command: str) -> Printed:
    """Run one Airflow command, such as `dags list`, on the web server of an environment.

    Raises NotReachable, Misconfigured, AirflowUnavailable, or AirflowRefused for what is no answer of a command.
    """
    with reaching(f"get a CLI token of {name} in {region}", "airflow:CreateCliToken on the environment"):
        # The token lives for a minute: one for each command. https://docs.aws.amazon.com/mwaa/latest/API/API_CreateCliToken.html
        granted = client("mwaa", region).create_cli_token(Name=name)
    host = granted["WebServerHostname"]
    status, body = _post(host, granted["CliToken"], command.encode())
    return _printed(host, status, body)


def _post(host: str, token: str, body: bytes) -> tuple[int, bytes]:
    path = PATH
    for _ in range(REDIRECTS + 1):
        connection = HTTPSConnection(host, timeout=CONNECT_SECONDS)
        try:
            response = _exchange(connection, path, token, body)
            if response.status not in (307, 308):
                return response.status, _read(response, host)
            # Airflow 3 has the endpoint at /aws_mwaa/cli/, and http.client follows nowhere.
            path = _next_path(host, path, response.getheader("Location", ""))
        except (OSError, HTTPException) as error:
            raise AirflowUnavailable(f"the web server {host} did not answer: {_text(error)}") from error
        finally:
            connection.close()
    raise AirflowRefused(f"the web server {host} redirects {PATH} without an end")


def _exchange(connection: HTTPSConnection, path: str, token: str, body: bytes) -> HTTPResponse:
    try:
        connection.connect()
    except OSError as error:
        raise NotReachable(f"cannot connect to the web server {connection.host}: {_text(error)}. {NO_WAY}") from error
    connection.sock.settimeout(READ_SECONDS)
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
    return connection.getresponse()


def _read(response: HTTPResponse, host: str) -> bytes:
    body = response.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise AirflowRefused(f"the web server {host} answers with more than {LARGEST >> 20} MB")
    return body


def _next_path(host: str, path: str, location: str) -> str:
    there = urlsplit(urljoin(f"https://{host}{path}", location))
    # Airflow may write http, since TLS ends before it: the next request goes by https, whatever is written.
    if there.netloc != host:
        # The token opens this web server: nobody else is shown it.
        raise AirflowRefused(f"the web server {host} redirects to {there.scheme}://{there.netloc}")
    return there.path


def _printed(host: str, status: int, body: bytes) -> Printed:
    """What the command printed: with 200 and, where it failed, with 400."""
    if status in (200, 400):
        try:
            answer = json.loads(body)
            return Printed(_decoded(answer.get("stdout")), _decoded(answer.get("stderr")))
        except (ValueError, AttributeError, TypeError, binascii.Error):
            pass
    said = f"the web server {host} answers {status} {_start(body)}"
    if status in (401, 403):
        raise Misconfigured(f"{said}. HINT: The Airflow role of this function may not run commands (access policies).")
    if 400 <= status < 500 and status not in (404, 408, 429):
        raise AirflowRefused(said)
    # Also 200 or 404 with something else: a web server that is starting, or the page of a balancer before it.
    raise AirflowUnavailable(said)


def _decoded(text: str | None) -> str:
    return base64.b64decode(text or "", validate=True).decode(errors="replace")


def _start(body: bytes) -> str:
    text = " ".join(body[:SHOWN].decode(errors="replace").split())
    return f"with {text!r}" if text else "with an empty body"


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
