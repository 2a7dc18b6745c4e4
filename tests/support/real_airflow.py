"""A real Airflow with this package in its DAGs folder, and boto3 beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drill.airflow import Airflow, on_mwaa
from drill.boto import lend_boto
from drill.venvs import PROJECT, chosen_lock, provision

PACKAGE = PROJECT / "assets" / "dags" / "mwaa_dr"
QUICK = {
    "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "8",  # from 2.7 on a task that has no core for so long gives up
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}

TRIGGER = """
import airflow, datetime, json, sys
from airflow.api.common.trigger_dag import trigger_dag
more = {}
for dag_id, run_id, conf in json.loads(sys.argv[1]):
    if airflow.__version__.startswith("3"):
        from airflow.utils.types import DagRunTriggeredByType
        now = datetime.datetime.now(datetime.timezone.utc)
        more = {"triggered_by": DagRunTriggeredByType.TEST, "logical_date": now}
    trigger_dag(dag_id=dag_id, run_id=run_id, conf=conf, replace_microseconds=False, **more)
answer = None
"""


class RealAirflow(Airflow):
    """An environment as the drill runs it, for tests that look closer."""

    def __init__(self, venv: Path, folder: Path, url: str, settings: Mapping[str, str]) -> None:
        super().__init__(
            "primary",
            venv,
            folder,
            url,
            {**QUICK, "PYTHONPATH": f"{folder / 'boto'}{os.pathsep}{folder / 'dags'}", **on_mwaa(url), **settings},
        )
        self.venv = venv
        shutil.copytree(PACKAGE, self.dags / "mwaa_dr", ignore=shutil.ignore_patterns("__pycache__"))
        lend_boto(folder / "boto")

    def set(self, **settings: str) -> None:
        """Change environment variables of what is started from now on."""
        self._environment |= settings

    def attempt(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `airflow` or `python` of this Airflow's virtual environment, whatever becomes of it."""
        return self._resident.run(*map(str, command), environment=self._environment, seconds=300)

    def run(self, *command: str | Path) -> str:
        """Run `airflow` or `python` of this Airflow's virtual environment; return what it printed."""
        done = self.attempt(*command)
        if done.returncode:
            raise AssertionError(f"{command[:2]} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def serve(self, port: int) -> None:
        """Start the web server, or in Airflow 3 the API server; the caller waits for it."""
        name = "webserver" if self.version < (3,) else "api-server"
        self._processes[name] = self._begin(name, name, "--port", str(port), "--workers", "1")

    def ask(self, code: str, *arguments: str) -> Any:
        """Run Python code that leaves an `answer`; return it, whatever Airflow prints besides."""
        marker = "THE-ANSWER "
        printed = self.run("python", "-c", f"{code}\nimport json; print({marker!r} + json.dumps(answer))", *arguments)
        return json.loads(next(line for line in printed.splitlines() if line.startswith(marker)).removeprefix(marker))

    def trigger(self, runs: list[tuple[str, str, Mapping[str, object]]]) -> None:
        """Trigger runs: DAG, run id and conf of each."""
        self.ask(TRIGGER, json.dumps(runs))

    def state(self, dag_id: str, run_id: str) -> str:
        """The state of a run; empty where there is none."""
        rows = self.query("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id)
        return str(rows[0][0]) if rows else ""

    def log_text(self) -> str:
        """Everything that this Airflow logged anywhere."""
        files = [path for path in (self.folder / "logs").rglob("*") if path.is_file()]
        return "\n".join(path.read_text(errors="replace") for path in [*files, *self.folder.glob("*.out")])


def venvs() -> list[str]:
    """What AIRFLOWS names: versions, or folders of virtual environments, separated as in PATH."""
    return [name for name in os.environ.get("AIRFLOWS", "").split(os.pathsep) if name]


def venv(name: str) -> Path:
    """The folder of a virtual environment; that of a version is made from its lock where it is not there yet."""
    return Path(name) if os.sep in name else provision(chosen_lock(name))
