"""The HTTPS front of an environment's web server: it checks the CLI token and forwards to the real Airflow.

AWS: https://docs.aws.amazon.com/mwaa/latest/userguide/call-mwaa-apis-cli.html: a token is good for 60 seconds and comes
as `Authorization: Bearer TOKEN` to https://HOST/aws_mwaa/cli.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from drill.aws.simulator.mwaa import certificate

TOKEN_SECONDS = 60
CALL_SECONDS = 60
Answer = tuple[int, dict[str, str], bytes]

PASSED_BACK = ("content-type", "location")


class _AsItIs(urllib.request.HTTPRedirectHandler):
    """A redirect is the caller's to follow."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _AsItIs)


class Front:
    """Listens on a port of its own, so that its host is its name."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._tokens: dict[str, tuple[float, bool]] = {}  # until when, and whether its owner reaches the server
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.socket = certificate.context().wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        """What GetEnvironment calls WebserverUrl."""
        return f"127.0.0.1:{self._server.server_port}"

    def token(self, reaches: bool = True) -> str:
        """A new CLI token."""
        token = uuid.uuid4().hex
        self._tokens[token] = (time.monotonic() + TOKEN_SECONDS, reaches)
        return token

    @property
    def tokens(self) -> list[str]:
        """Every token that it has given, the expired ones too."""
        return list(self._tokens)

    def is_reached(self, authorization: str) -> bool:
        """Whether who shows a token is where the web server can be reached."""
        return self._tokens.get(authorization.removeprefix("Bearer "), (0, True))[1]

    def admits(self, authorization: str) -> bool:
        """Whether a header carries a token that is still good."""
        return self._tokens.get(authorization.removeprefix("Bearer "), (0, True))[0] > time.monotonic()

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """What the real web server answers; raises OSError when there is none."""
        if not self._url():
            raise ConnectionRefusedError("no web server was registered for this environment")
        request = urllib.request.Request(self._url() + path, data=body or None, headers=headers, method=method)
        try:
            with _OPENER.open(request, timeout=CALL_SECONDS) as answer:
                return answer.status, _kept(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, _kept(error.headers), error.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Stop listening."""
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in PASSED_BACK}


def _handler(front: Front) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not front.is_reached(self.headers.get("Authorization", "")):
                self.close_connection = True
                return
            if not front.admits(self.headers.get("Authorization", "")):
                self._answer(403, {"content-type": "application/json"}, json.dumps({"message": "Forbidden"}).encode())
                return
            kind = self.headers.get("Content-Type", "text/plain")
            # As a balancer passes a request on, so that a redirect leads back here.
            passed = {"Content-Type": kind, "Host": front.host, "X-Forwarded-Proto": "https"}
            try:
                self._answer(*front.forward("POST", self.path, body, passed))
            except OSError as error:
                self._answer(502, {"content-type": "text/plain"}, str(error).encode())

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: a line would hold no token, but nobody reads it either."""

    return Handler
