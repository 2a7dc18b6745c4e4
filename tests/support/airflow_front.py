"""The web server of an environment, as MWAA forwards to it: commands as Airflow 2.10 prints them, both REST APIs.

A run of one of our DAGs answers its task token through the engine's own `TaskToken` and `Heartbeat`.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import shlex
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from mwaa_dr.framework.heartbeat import Heartbeat
from mwaa_dr.framework.task_token import TaskToken
from tests.support import airflow_rest_v2

OURS = ("backup_metadata", "cleanup_metadata", "restore_metadata")
V2 = "/api/v2"
BEAT_SECONDS = 0.2
UNKNOWN = "DAG: {} does not exist in 'dag' table\n"
TABLE = "dag_id | is_paused\n=======+==========\n{} | {}\n"

Reply = tuple[int, dict[str, Any]]
Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What the task of a DAG does with its conf; what it returns or raises is answered."""


class AirflowFront:
    """One environment's Airflow; `states` makes the client of Step Functions in a Region."""

    def __init__(self, states: Callable[[str], Any]) -> None:
        self._states = states
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"airflow": self}))
        self.reset()

    def reset(self) -> None:
        """A new environment: our DAGs paused, no runs, no Variables."""
        self.paused = dict.fromkeys(OURS, True)
        self.variables: dict[str, str] = {}
        self.runs: dict[str, dict[str, str]] = {dag_id: {} for dag_id in OURS}
        self.begun: dict[str, datetime] = {}
        """When a run began, by its id."""
        self.confs: list[tuple[str, Mapping[str, Any]]] = []
        """DAG and conf of each run, oldest first; without its token."""
        self.work: dict[str, Work] = dict.fromkeys(OURS, lambda conf: {"done": True})
        self.silent: set[str] = set()
        """DAGs whose runs hang without a word."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def add(self, dag_id: str, *, paused: bool = False) -> None:
        """A DAG of the user."""
        self.paused[dag_id] = paused
        self.runs.setdefault(dag_id, {})

    def begin(self, dag_id: str, run_id: str) -> None:
        """A run of it begins now, and lasts until somebody changes its state."""
        self.begun[run_id] = datetime.now(timezone.utc)
        self.runs[dag_id][run_id] = "running"

    def ran(self) -> list[str]:
        """The DAGs of all runs, oldest first."""
        return [dag_id for dag_id, _ in self.confs]

    def conf_of(self, dag_id: str) -> Mapping[str, Any]:
        """The conf of the last run of a DAG."""
        return next(conf for ran, conf in reversed(self.confs) if ran == dag_id)

    def __enter__(self) -> AirflowFront:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def command(self, line: str) -> tuple[str, str]:
        """What a command prints: stdout and stderr."""
        words = shlex.split(line)
        if words[0] == "variables":
            return self._variables(*words[1:]), ""
        asked = _parser().parse_args(words[1:])
        if asked.dag_id not in self.paused:
            return "", UNKNOWN.format(asked.dag_id)
        if asked.what == "list-runs":
            runs = self.runs[asked.dag_id].items()
            return json.dumps([{"dag_id": asked.dag_id, "run_id": run, "state": state} for run, state in runs]), ""
        if asked.what == "trigger":
            self.start(asked.dag_id, asked.run_id, json.loads(asked.conf))
            return "", ""
        wanted = asked.what == "pause"
        if self.paused[asked.dag_id] == wanted:
            return f"No {'un' if wanted else ''}paused DAGs were found\n", ""
        self.paused[asked.dag_id] = wanted
        return TABLE.format(asked.dag_id, wanted), ""

    def rest(self, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, str]) -> Reply:
        """Status and answer of a REST call."""
        if path == "/dags/~/dagRuns":
            return 200, _listed("dag_runs", self.runs_of_all(query))
        if path == "/dags/~/dagRuns/~/taskInstances":
            return 200, _listed("task_instances", self.runs_of_all(query))
        if run := re.fullmatch(r"/dags/([^/]+)/dagRuns/([^/]+)", path):
            self.runs[run[1]][run[2]] = body["state"]
            return 200, {"dag_run_id": run[2], "state": body["state"]}
        if path == "/dags":
            found = [{"dag_id": dag_id, "is_paused": paused} for dag_id, paused in self.paused.items()]
            if method == "PATCH":
                self.paused = dict.fromkeys(self.paused, bool(body["is_paused"]))
            return 200, _listed("dags", found)
        dag_id = path.split("/")[2]
        if dag_id not in self.paused:
            return 404, {"title": "DAG not found"}
        if method == "POST":
            self.start(dag_id, body["dag_run_id"], dict(body["conf"]))
            return 200, {"dag_run_id": body["dag_run_id"], "state": "queued"}
        if method == "PATCH":
            self.paused[dag_id] = bool(body["is_paused"])
        return 200, {"dag_id": dag_id, "is_active": True, "has_import_errors": False}

    def runs_of_all(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The runs that a query asks for; a run has one task, in the same state."""
        since = datetime.fromisoformat(query.get("start_date_gte", "1970-01-01T00:00:00+00:00"))
        return [
            {"dag_id": dag_id, "dag_run_id": run_id, "state": state, "start_date": str(self.begun.get(run_id, since))}
            for dag_id, runs in self.runs.items()
            for run_id, state in runs.items()
            if state == query.get("state", state) and self.begun.get(run_id, since) >= since
        ]

    def _variables(self, verb: str, key: str, value: str = "") -> str:
        if verb == "set":
            self.variables[key] = value
            return f"Variable {key} created\n"
        self.variables.pop(key, None)
        return f"Variable {key} deleted\n"

    def start(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Begin a run, as a scheduler does where its DAG is not paused."""
        if self.paused[dag_id]:
            self.runs[dag_id][run_id] = "queued"
            return
        token, region = conf.pop("task_token"), conf.pop("task_token_region")
        self.begin(dag_id, run_id)
        self.confs.append((dag_id, conf))
        if dag_id not in self.silent:
            answer = TaskToken(token, region, self._states(region))
            threading.Thread(target=self._run, args=(dag_id, run_id, conf, answer), daemon=True).start()

    def _run(self, dag_id: str, run_id: str, conf: Mapping[str, Any], answer: TaskToken) -> None:
        with Heartbeat(answer.beat, BEAT_SECONDS):
            try:
                result = self.work[dag_id](conf)
            except Exception as error:  # noqa: BLE001 - the callback of a failed run tells any of them
                self.runs[dag_id][run_id] = "failed"
                answer.fail(type(error).__name__, str(error))
                return
        self.runs[dag_id][run_id] = "success"
        answer.succeed(result)


class _Handler(BaseHTTPRequestHandler):
    airflow: AirflowFront
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._rest()

    def do_PATCH(self) -> None:
        self._rest()

    def do_DELETE(self) -> None:
        self._rest()

    def do_POST(self) -> None:
        if self.path.startswith("/api/"):
            self._rest()
            return
        printed = self.airflow.command(self._taken().decode())
        stdout, stderr = (base64.b64encode(text.encode()).decode() for text in printed)
        self._reply(400 if printed[1] else 200, {"stdout": stdout, "stderr": stderr})

    def _rest(self) -> None:
        asked, body = urlsplit(self.path), json.loads(self._taken() or b"{}")
        if asked.path.startswith(V2):
            path = asked.path.removeprefix(V2)
            self._reply(*airflow_rest_v2.answer(self.airflow, self.command, path, parse_qs(asked.query), body))
            return
        path = asked.path.removeprefix("/api/v1")
        self._reply(*self.airflow.rest(self.command, path, body, dict(parse_qsl(asked.query))))

    def _taken(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reply(self, status: int, answer: Mapping[str, Any] | None) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _listed(key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: rows, "total_entries": len(rows)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(exit_on_error=False)
    whats = parser.add_subparsers(dest="what", required=True)
    for what in ("pause", "unpause"):
        whats.add_parser(what).add_argument("dag_id")
    listing = whats.add_parser("list-runs")
    for option in ("--dag-id", "--start-date", "--output"):
        listing.add_argument(option)
    triggering = whats.add_parser("trigger")
    triggering.add_argument("dag_id")
    triggering.add_argument("--run-id")
    triggering.add_argument("--conf")
    return parser
