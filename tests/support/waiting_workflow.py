"""A stand-in for Step Functions and SNS on a loopback port, which remembers what it was told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

PUBLISHED = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
REFUSED = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"


class WaitingWorkflow:
    """Answers every call; a task token answered once is unknown from then on, as with the real one."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """What was called, with its parameters, in order."""
        self.error = ""
        """The error that every call gets, if any."""
        self._answered: set[str] = set()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"workflow": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables with which boto3 calls it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }

    def __enter__(self) -> WaitingWorkflow:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, action: str, parameters: dict[str, Any]) -> str:
        """Remember a call; return the error that it gets, if any."""
        with self._lock:
            self.calls.append((action, parameters))
            token = parameters.get("taskToken", "")
            if self.error or token in self._answered:
                return self.error or "TaskTimedOut"
            if action in ("SendTaskSuccess", "SendTaskFailure"):
                self._answered.add(token)
            return ""

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.calls.clear()
            self._answered.clear()

    def answers(self, token: str) -> list[tuple[str, dict[str, Any]]]:
        """The successes and failures sent for a token, also those that came too late."""
        return [
            (action, parameters)
            for action, parameters in list(self.calls)
            if parameters.get("taskToken") == token and action != "SendTaskHeartbeat"
        ]

    def answered(self) -> set[str]:
        """The tokens that were answered."""
        with self._lock:
            return set(self._answered)

    def heartbeats(self, token: str) -> int:
        """How often the token's task was told to be alive."""
        told = [parameters.get("taskToken") for action, parameters in list(self.calls) if action == "SendTaskHeartbeat"]
        return told.count(token)

    def published(self) -> list[dict[str, Any]]:
        """The notifications: TopicArn, Subject and Message of each."""
        return [parameters for action, parameters in list(self.calls) if action == "Publish"]


class _Handler(BaseHTTPRequestHandler):
    workflow: WaitingWorkflow
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target", "")
        if target:
            error = self.workflow.take(target.split(".")[-1], json.loads(body))
            self._reply(
                400 if error else 200, json.dumps({"__type": error} if error else {}), "application/x-amz-json-1.0"
            )
        else:
            parameters = {name: values[0] for name, values in parse_qs(body).items()}
            error = self.workflow.take(parameters.pop("Action"), parameters)
            self._reply(400 if error else 200, REFUSED.format(error) if error else PUBLISHED, "text/xml")

    def _reply(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
