"""The four services that a health check calls, each in its own Region, on loopback ports: they answer, fail or hang."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOW = datetime(2026, 11, 22, 12, 11, 30, tzinfo=timezone.utc)
"""Its last whole periods begin at 12:00 and 12:05."""

SERVICES = ("mwaa", "cloudwatch", "dynamodb", "sts")

IDENTITY = "<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"


def at(text: str) -> datetime:
    """A moment of the day, as `12:05`."""
    hour, minute = map(int, text.split(":"))
    return NOW.replace(hour=hour, minute=minute, second=0)


@dataclass(frozen=True)
class Says:
    """An answer over HTTP."""

    body: str
    status: int = 200


class Hangs:
    """Takes the call and never answers."""


class Refuses:
    """Nobody listens there."""


class CutsOff:
    """Takes the call and closes the connection."""


Behaviour = Says | Hangs | Refuses | CutsOff


def fails(code: str, status: int = 400) -> Says:
    """An error as AWS says it."""
    return Says(json.dumps({"__type": code, "message": "no"}), status)


def _series(id_: str, arrived: Sequence[str]) -> dict[str, object]:
    moments = [at(moment).timestamp() for moment in arrived]
    return {"Id": id_, "StatusCode": "Complete", "Timestamps": moments, "Values": [1.0] * len(moments)}


def environment(status: str = "AVAILABLE", **more: object) -> Says:
    """The answer of GetEnvironment."""
    created = (NOW - timedelta(days=30)).timestamp()
    return Says(
        json.dumps({"Environment": {"Status": status, "AirflowVersion": "2.10.3", "CreatedAt": created, **more}})
    )


def metrics(beats: Sequence[str] = (), others: Sequence[str] = ()) -> Says:
    """The answer of GetMetricData: when a heartbeat and when another metric arrived."""
    return Says(json.dumps({"MetricDataResults": [_series("beat", beats), _series("other0", others)]}))


def record(**fields: str) -> Says:
    """The answer of GetItem."""
    return Says(json.dumps({"Item": {name: {"S": value} for name, value in fields.items()}} if fields else {}))


BEATING = metrics(beats=("12:00", "12:05", "12:10"), others=("12:00", "12:05"))
SILENT = metrics(beats=("11:50", "11:55"), others=("12:00", "12:05"))
LATE = metrics(beats=("11:50", "11:55"))


@dataclass
class World:
    """What each service does; a healthy primary unless said otherwise."""

    mwaa: Behaviour = field(default_factory=environment)
    cloudwatch: Behaviour = BEATING
    dynamodb: Behaviour = field(default_factory=record)
    sts: Behaviour = Says(IDENTITY)
    asked: list[str] = field(default_factory=list)
    """The services that were called."""

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """The environment variables with which boto3 finds it."""
        with ExitStack() as stack:
            urls = {name: stack.enter_context(_service(name, getattr(self, name), self.asked)) for name in SERVICES}
            yield {
                **{f"AWS_ENDPOINT_URL_{name.upper()}": url for name, url in urls.items()},
                "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
            }


@contextmanager
def _service(name: str, behaviour: Behaviour, asked: list[str]) -> Iterator[str]:
    if isinstance(behaviour, Refuses):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))  # and not listened to
            yield f"http://127.0.0.1:{free.getsockname()[1]}"
        return
    ended = threading.Event()
    attributes: Mapping[str, Any] = {"name": name, "behaviour": behaviour, "asked": asked, "ended": ended}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), dict(attributes)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    name: str
    behaviour: Behaviour
    asked: list[str]
    ended: threading.Event

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        self.asked.append(self.name)
        if isinstance(self.behaviour, Hangs):
            self.ended.wait()
        if not isinstance(self.behaviour, Says):
            self.close_connection = True
            return
        body = self.behaviour.body.encode()
        self.send_response(self.behaviour.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
