"""One real Airflow: its home, its database, its scheduler and its triggerer, all run from a virtual environment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg2

from drill.dags import inside
from drill.postgres import HOST, free_port
from drill.processes import kill_sessions, short_folder
from drill.resident import Begun, Resident
from drill.venvs import DrillError

QUICK = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "16",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    # A file that changes is parsed at once all the same; what was parsed for nothing would be a tenth of all work here.
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "60",
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
    "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "3600",  # marks what no DAG file uses, in its own time
    "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__WEBSERVER__EXPOSE_CONFIG": "False",
    "SCARF_ANALYTICS": "false",
    "AWS_EC2_METADATA_DISABLED": "true",
}
STOP_SECONDS = 15.0
API_SECONDS = 240.0
VERSION_PATH = "/api/v2/version"
"""What the API server of Airflow 3 tells everybody."""


class Airflow:
    """An environment that lives in a folder and on a database; `kill` ends all of its processes at once."""

    def __init__(self, name: str, venv: Path, folder: Path, url: str, settings: Mapping[str, str]) -> None:
        self.name = name
        self.url = url
        self.folder = folder
        self.dags = folder / "dags"
        self.dags.mkdir(parents=True)
        self._venv = venv
        self._port = free_port()
        self._processes: dict[str, Begun] = {}
        self._resident = Resident(venv / "bin" / "python", folder)
        self._temporary = short_folder()
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "PYTHON"))},
            **QUICK,
            "AIRFLOW_HOME": str(folder),
            "TMPDIR": self._temporary.name,
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url.replace("postgresql://", "postgresql+psycopg2://"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
            "AIRFLOW_ENV_NAME": name,
            **(_of_airflow_3(self._port) if self.version >= (3,) else {}),
            "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            **settings,
        }

    @property
    def version(self) -> tuple[int, ...]:
        """The version of Airflow, as the folder of the virtual environment says it."""
        return tuple(int(part) for part in self._venv.name.partition("-")[0].split("."))

    @property
    def api_url(self) -> str:
        """Where the web server listens; in Airflow 3 the API server, which comes with the scheduler."""
        return f"http://{HOST}:{self._port}"

    def migrate(self, what: str = "db") -> Begun:
        """Begin to create the schema, or that of an auth manager; the caller waits for the process with `finish`."""
        self._processes["migrate"] = self._begin("migrate", what, "migrate" if self.version >= (2, 7) else "init")
        return self._processes["migrate"]

    def finish(self, process: Begun, what: str) -> None:
        """Wait for a process of this Airflow, and raise with its output when it failed."""
        failed = self._resident.status_of(process, self._environment)
        self._processes.pop(what, None)
        if failed:
            raise DrillError(f"{what} of the {self.name} environment failed:\n{self.output(what)}")

    def start(self, *components: str) -> None:
        """Start `scheduler` or `triggerer`; in Airflow 3 the scheduler brings along what it was parted from."""
        if self.version >= (3,) and "scheduler" in components and "api-server" not in self._processes:
            self._processes["api-server"] = self._begin("api-server", "api-server", "--port", str(self._port))
            self._processes["dag-processor"] = self._begin("dag-processor", "dag-processor")
            self.wait(f"the API server of the {self.name} environment", self._unanswered, API_SECONDS)
        for component in components:
            quiet = ["--skip-serve-logs"] if component == "scheduler" or self.version >= (2, 6) else []
            self._processes[component] = self._begin(component, component, *quiet)

    def _unanswered(self) -> str:
        try:
            with urlopen(f"{self.api_url}{VERSION_PATH}", timeout=5) as answer:
                return "" if answer.status == 200 else str(answer.status)
        except OSError as err:
            return str(err)

    def stop(self) -> None:
        """Ask all components to end, and kill what does not."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End every process of this Airflow at once, as a lost Region would."""
        ending = dict(self._processes)  # another thread may be starting more
        sessions = {process.pid for process in ending.values()} | self._resident.held()
        kill_sessions(sessions)  # parsers and tasks, too
        for name, process in ending.items():
            process.wait()
            self._processes.pop(name, None)
        self._resident.end()

    def act(self, **request: Any) -> None:
        """Do things through Airflow's own code: set variables, unpause and trigger DAGs; see `dags/inside.py`."""
        done = self._resident.run("python", inside.__file__, text=json.dumps(request), environment=self._environment)
        if done.returncode:
            raise DrillError(f"the {self.name} environment refused:\n{done.stderr[-3000:]}")

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one SQL statement, commit, and return its rows."""
        connection = psycopg2.connect(self.url)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def dead(self) -> list[str]:
        """The components that were started and have ended by themselves."""
        return [component for component, process in self._processes.items() if not process.lives()]

    def wait(self, what: str, condition: Callable[[], str], seconds: float) -> None:
        """Return when the condition has nothing left to complain about; raise with its words after `seconds`."""
        give_up = time.monotonic() + seconds
        while complaint := condition():
            for component in self.dead():
                raise DrillError(f"the {component} of {self.name} died:\n{self.output(component)}")
            if time.monotonic() > give_up:
                logs = self.output(*self._processes)
                raise DrillError(f"{what}: not within {seconds:.0f} s: {complaint}\n{logs}")
            time.sleep(0.25)

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float) -> None:
        """Return when a run succeeded; raise with its tasks' logs as soon as it failed."""

        def unfinished() -> str:
            found = self.query("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id)
            state = found[0][0] if found else "not there"
            if state == "failed":
                raise DrillError(f"{dag_id} failed in the {self.name} environment:\n{self.task_log(dag_id)[-4000:]}")
            return "" if state == "success" else str(state)

        self.wait(f"{dag_id} of the {self.name} environment", unfinished, seconds)

    def output(self, *components: str) -> str:
        """The ends of what components printed."""
        texts = {name: (self.folder / f"{name}.out").read_text(errors="replace") for name in components}
        return "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in texts.items())

    def task_log(self, dag_id: str) -> str:
        """The logs of a DAG's tasks."""
        paths = sorted(path for path in (self.folder / "logs").rglob("*.log") if dag_id in str(path.parent))
        return "\n".join(path.read_text(errors="replace") for path in paths)

    def _begin(self, name: str, *arguments: str, program: str = "airflow") -> Begun:
        return self._resident.begin(
            program, *arguments, environment=self._environment, output=self.folder / f"{name}.out"
        )


def _of_airflow_3(port: int) -> dict[str, str]:
    """How its parts find each other, and its DAG processor as quick as the scheduler of Airflow 2."""
    return {
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # a call that is given up is not repeated well
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": os.urandom(16).hex(),
        "AIRFLOW__API_AUTH__JWT_SECRET": os.urandom(32).hex(),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": QUICK["AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL"],
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # Who is killed for being slow may take the whole DAG processor along: https://github.com/apache/airflow/issues/64959
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "600",
    }


def on_mwaa(url: str) -> dict[str, str]:
    """What MWAA's images set in every container: all that a task of Airflow 3 is left with."""
    parts = urlsplit(url)
    return {
        "MWAA__DB__CREDENTIALS": json.dumps({"username": parts.username, "password": "any"}),
        "MWAA__DB__POSTGRES_HOST": str(parts.hostname),
        "MWAA__DB__POSTGRES_PORT": str(parts.port),
        "MWAA__DB__POSTGRES_DB": parts.path[1:],
        "MWAA__DB__POSTGRES_SSLMODE": "prefer",
    }
