"""MWAA with a real Airflow behind it: commands are run by its `airflow`, REST calls are made to its web server."""

from __future__ import annotations

import base64
import json
import shlex
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.support.mwaa import Mwaa, Reply, RestCall, printed
from tests.support.real_airflow import RealAirflow

PASSWORD = "reached"
COMMANDS = {"dags": {"list", "list-runs", "pause", "trigger", "unpause"}, "variables": {"delete", "set"}}
"""Those of ours that MWAA allows.

https://docs.aws.amazon.com/mwaa/latest/userguide/airflow-cli-command-reference.html
"""
SETTINGS = {
    "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__WEBSERVER__SECRET_KEY": PASSWORD,
    "AIRFLOW__API__SECRET_KEY": PASSWORD,
    "AIRFLOW__API_AUTH__JWT_SECRET": PASSWORD * 10,
}


class RealMwaa:
    """Connects the two; the web server is started at once."""

    def __init__(self, mwaa: Mwaa, airflow: RealAirflow) -> None:
        self._airflow = airflow
        self._is_old = airflow.version < (3,)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}"
        airflow.set(**SETTINGS)
        if self._is_old:
            airflow.run(*shlex.split(f"airflow users create -u u -p {PASSWORD} -f f -l l -e e@x.org -r Admin"))
        airflow.serve(port)
        airflow.wait("the web server", self._silence, 120)
        self._authorization = self._log_in()
        mwaa.cli = self.cli
        mwaa.rest = self.rest

    def cli(self, command: str) -> Reply:
        """Run a command, as the web server of MWAA does: without a shell, its exit status as an HTTP status."""
        words = shlex.split(command)
        if words[1] not in COMMANDS.get(words[0], ()):
            return Reply(400, b"the command is not allowed")
        done = self._airflow.attempt("airflow", *words)
        return printed(done.stdout, done.stderr, 400 if done.returncode else 200)

    def rest(self, call: RestCall) -> tuple[int, Any]:
        """Make a call, as InvokeRestApi does."""
        query = urllib.parse.urlencode({name: str(value) for name, value in call.query.items()}, doseq=True)
        return self._request(
            call.method,
            f"/api/v{1 if self._is_old else 2}{call.path}?{query}",
            call.body,
            {"Authorization": self._authorization},
        )

    def _request(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {**headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    def _silence(self) -> str:
        try:
            self._request("GET", "/health" if self._is_old else "/api/v2/version", None, {})
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    def _log_in(self) -> str:
        if self._is_old:
            return f"Basic {base64.b64encode(f'u:{PASSWORD}'.encode()).decode()}"
        _, granted = self._request("GET", "/auth/token", None, {})
        return f"Bearer {granted['access_token']}"
