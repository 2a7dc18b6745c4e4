"""MWAA on loopback ports, exact where our functions look: its API over HTTP, a web server with the CLI over TLS."""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN = "the-cli-token"
NAME = "prod"
REGION = "eu-west-1"


@dataclass(frozen=True)
class Reply:
    """What the web server answers to a command."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RestCall:
    """One InvokeRestApi."""

    method: str
    path: str
    query: Mapping[str, Any]
    body: Mapping[str, Any] | None


def printed(stdout: str = "", stderr: str = "", status: int = 200) -> Reply:
    """The answer of a command that ran."""
    body = {name: base64.b64encode(text.encode()).decode() for name, text in (("stdout", stdout), ("stderr", stderr))}
    return Reply(status, json.dumps(body).encode())


class Mwaa:
    """An account with one environment; what its Airflow does is told by functions."""

    def __init__(self, folder: Path) -> None:
        self.cli: Callable[[str], Reply] = printed
        self.rest: Callable[[RestCall], tuple[int, Any]] = lambda call: (200, {})
        self.error: tuple[int, str, str] | None = None
        """HTTP status, code and message with which MWAA itself answers, if it does."""
        self.environment: dict[str, Any] = {"Name": NAME, "Status": "AVAILABLE"}
        self.commands: list[str] = []
        self.calls: list[RestCall] = []
        self.paths: list[str] = []
        """Where commands were posted to."""
        self.certificate = folder / "certificate.pem"
        self._api = _server(_Api, self)
        self._web = _server(_Web, self)
        self._web.socket = _tls(folder, self.certificate).wrap_socket(self._web.socket, server_side=True)
        self.host = f"localhost:{self._web.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which boto3 and http.client find it."""
        return {
            "AWS_ENDPOINT_URL_MWAA": f"http://127.0.0.1:{self._api.server_port}",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SSL_CERT_FILE": str(self.certificate),
        }

    def __enter__(self) -> Mwaa:
        for server in (self._api, self._web):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for server in (self._api, self._web):
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    mwaa: Mwaa
    protocol_version = "HTTP/1.1"

    def taken(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Api(_Handler):
    def do_GET(self) -> None:
        self._answer({"Environment": self.mwaa.environment})

    def do_POST(self) -> None:
        asked = json.loads(self.taken() or b"{}")
        operation, name = self.path.strip("/").split("/")
        if name != NAME:
            self._refuse(404, "ResourceNotFoundException", {"message": f"no environment {name}"})
        elif operation == "clitoken":
            self._answer({"CliToken": TOKEN, "WebServerHostname": self.mwaa.host})
        else:
            self._answer_rest(asked)

    def _answer_rest(self, asked: Mapping[str, Any]) -> None:
        if len(asked["Path"]) > 64:
            self._refuse(400, "ValidationException", {"message": "Path must have at most 64 characters"})
            return
        call = RestCall(asked["Method"], asked["Path"], asked.get("QueryParameters", {}), asked.get("Body"))
        self.mwaa.calls.append(call)
        status, body = self.mwaa.rest(call)
        answer = {"RestApiStatusCode": status, "RestApiResponse": body}
        if status < 400:
            self._answer(answer)
        else:
            self._refuse(400, f"RestApi{'Client' if status < 500 else 'Server'}Exception", answer)

    def _answer(self, answer: Mapping[str, Any]) -> None:
        if self.mwaa.error:
            status, code, message = self.mwaa.error
            self._refuse(status, code, {"message": message})
            return
        self.reply(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, body: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        self.reply(status, json.dumps(body).encode(), headers)


class _Web(_Handler):
    def do_POST(self) -> None:
        command = self.taken().decode()
        self.mwaa.paths.append(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.reply(403, b"", {})
            return
        self.mwaa.commands.append(command)
        answer = self.mwaa.cli(command)
        self.reply(answer.status, answer.body, answer.headers)


def _server(handler: type[_Handler], mwaa: Mwaa) -> ThreadingHTTPServer:
    return ThreadingHTTPServer(("127.0.0.1", 0), type(handler.__name__, (handler,), {"mwaa": mwaa}))


def _tls(folder: Path, certificate: Path) -> ssl.SSLContext:
    """A certificate of its own for localhost, to be trusted by SSL_CERT_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return context
