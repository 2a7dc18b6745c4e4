"""Runs inside an Airflow 2's own Python: its REST API, and `/aws_mwaa/cli` beside it as MWAA's web server has it.

A command is run by Airflow's own `main`, in a process of its own that was forked from one which has imported Airflow
already. Nobody logs in: who is let through is decided before, as MWAA does, so that a person without a name is Admin.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import socketserver
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from socket import create_connection
from typing import Any

CLI = "/aws_mwaa/cli"
HEALTH = "/health"
CONFIG = "AUTH_ROLE_PUBLIC = 'Admin'\nWTF_CSRF_ENABLED = True\n"
LONGEST = 1 << 20


def main() -> None:
    """Serve at the port that is told, until this process is ended."""
    home = Path(os.environ["AIRFLOW_HOME"])
    (home / "webserver_config.py").write_text(CONFIG)
    _serve(int(sys.argv[1]), _commands())


def _commands() -> int:
    """Fork the process that runs commands, before there is any thread; return its port."""
    import airflow.__main__
    import airflow.cli.cli_parser
    import airflow.models
    from airflow import settings

    airflow.cli.cli_parser.get_parser()
    settings.engine.dispose()
    server = _ForkingServer(("127.0.0.1", 0), _Command)
    if os.fork() == 0:
        server.serve_forever(0.1)
    server.server_close()
    return int(server.server_address[1])


class _ForkingServer(socketserver.ForkingMixIn, socketserver.TCPServer):
    """A process for each command; it ends with the session of its parent, or when it finds itself without one."""

    max_children = 4
    parent = os.getpid()

    def service_actions(self) -> None:
        """Look after each request, and now and then."""
        super().service_actions()
        if os.getppid() != self.parent:
            os._exit(0)


class _Command(socketserver.StreamRequestHandler):
    """Reads one line, the command; answers one JSON document."""

    def handle(self) -> None:
        """Run it with its output in files."""
        line = self.rfile.readline(LONGEST).decode()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            failed = _run(shlex.split(json.loads(line)))
            sys.stdout.flush()
            sys.stderr.flush()
            texts = [_all_of(file) for file in (out, err)]
        self.wfile.write(json.dumps([failed, *texts]).encode())
        self.wfile.flush()
        os._exit(0)  # no end of Airflow's, which would end what the parent holds


def _run(words: list[str]) -> bool:
    """Whether a command of Airflow failed."""
    import airflow.__main__
    from airflow import settings

    settings.engine.dispose()
    sys.argv = ["airflow", *words]
    try:
        airflow.__main__.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code not in (None, 0)
    except BaseException:  # noqa: BLE001 - Airflow shows whatever a command raises
        traceback.print_exc()
        return True
    return False


def _all_of(file: Any) -> str:
    file.seek(0)
    return base64.b64encode(file.read()).decode()


def _serve(port: int, commands: int) -> None:
    from airflow.www.app import create_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        """Says nothing of each request: a path may hold what somebody typed."""

        def log_request(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

    app = create_app()
    server = make_server("127.0.0.1", port, _Both(app, commands), threaded=True, request_handler=Quiet)
    server.serve_forever()


class _Both:
    """Airflow's application, and the endpoint that MWAA adds to it."""

    def __init__(self, airflow: Callable[..., Iterable[bytes]], commands: int) -> None:
        self._airflow = airflow
        self._commands = commands

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"] != CLI:
            return self._airflow(environ, start)
        command = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        failed, stdout, stderr = self._asked(command)
        start("400 BAD REQUEST" if failed else "200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"stdout": stdout, "stderr": stderr}).encode()]

    def _asked(self, command: str) -> list[Any]:
        with create_connection(("127.0.0.1", self._commands)) as channel:
            channel.sendall(json.dumps(command).encode() + b"\n")
            with channel.makefile("rb") as answer:
                found: list[Any] = json.loads(answer.read())
        return found


def answers(port: int, path: str) -> bool:
    """Whether Airflow's web server has something at a path of a port of this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
