"""What is inside one MWAA environment: PostgreSQL, scheduler, triggerer, web server, its DAGs, its metrics."""

from __future__ import annotations

import base64
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from drill.airflow import on_mwaa
from drill.aws import LocalAws
from drill.aws.control import Environment
from drill.aws.local_aws import require_local
from drill.boto import lend_boto
from drill.bucket_folder import BucketFolder
from drill.mwaa_airflow import MwaaAirflow
from drill.postgres import Postgres

START_SECONDS = 480.0
ROUND_SECONDS = 1.0
BEAT_SECONDS = 5.0
STALE_SECONDS = 15.0
"""A scheduler whose last heartbeat is older is dead."""

NOWHERE = "http://127.0.0.1:9"
"""A port that nobody listens on: the way to every endpoint that is not on this machine."""

LIVELY = {
    # MWAA's own are slower still (30 and 1); a new file is parsed at once all the same.
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "20",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "20",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "60",
    "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.default",
    "AIRFLOW__WEBSERVER__WARN_DEPLOYMENT_EXPOSURE": "False",
}


@dataclass(frozen=True)
class Place:
    """An environment by Region and name."""

    region: str
    name: str


class Guest(Protocol):
    """Who is called while an environment comes up."""

    def empty(self, containers: Containers) -> None:
        """A database was made, and nothing has started on it."""

    def ready(self, containers: Containers) -> None:
        """An environment works, and MWAA does not say so yet."""

    def leaving(self, containers: Containers) -> None:
        """An environment is about to be deleted, and all of it is still there."""


class Containers:
    """One environment; a thread of its own brings it up, and then copies its DAGs and sends its metrics."""

    def __init__(
        self, aws: LocalAws, venv: Path, folder: Path, environment: Environment, settings: Mapping[str, str]
    ) -> None:
        self.place = Place(environment.region, environment.name)
        self.fernet_key = base64.urlsafe_b64encode(os.urandom(32)).decode()
        self.keys = {"the Fernet key": self.fernet_key}
        self.trouble: BaseException | None = None
        self.server = Postgres()
        self._aws = aws
        self._venv, self._folder = venv, folder
        self._fields = dict(environment.fields)
        self._options = _options(environment.fields)
        self._more = settings
        self._airflow: MwaaAirflow | None = None
        self._changes: queue.SimpleQueue[Environment] = queue.SimpleQueue()
        self._is_changing = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name=self.place.name, daemon=True)
        self._guest: Guest | None = None
        self._beaten = 0.0

    @property
    def airflow(self) -> MwaaAirflow:
        """Its Airflow, once it has one."""
        if self._airflow is None:
            raise LookupError(f"environment {self.place.name} has no Airflow yet")
        return self._airflow

    def begin(self, guest: Guest) -> None:
        """Begin to bring it up."""
        self._guest = guest
        self._thread.start()

    def follow(self, environment: Environment) -> None:
        """Do what MWAA has been asked for."""
        if environment.status == "UPDATING" and not self._is_changing:
            self._is_changing = True
            self._changes.put(environment)

    def begin_to_end(self) -> None:
        """Ask the thread to end."""
        self._ended.set()

    def end(self) -> None:
        """End every process at once."""
        self.begin_to_end()
        self.kill()
        if self._thread.is_alive():
            self._thread.join()
        self.kill()  # what the thread had been starting
        self.server.stop()

    def kill(self) -> None:
        """End Airflow's processes; the database stays."""
        if self._airflow:
            self._airflow.kill()

    def signal_task(self, dag_id: str, number: signal.Signals) -> None:
        """Send a signal to the process that works on a task of a DAG, as soon as there is one."""
        self._wait(f"a task of {dag_id}", lambda: "" if self.airflow.signal_tasks(dag_id, number) else "no process")

    def start(self) -> None:
        """Start, or start again, all components, and wait until the web server answers."""
        self.airflow.start("scheduler", "triggerer")
        self.airflow.serve()
        self._wait("the web server", lambda: "" if self.airflow.answers() else "it does not answer")
        self._wait("the scheduler", lambda: "" if self.is_beating() else "no heartbeat")

    def is_beating(self) -> bool:
        """Whether the scheduler lives, as its own database says."""
        found = self.airflow.query(
            "SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'"
            " AND latest_heartbeat > now() - make_interval(secs => %s)",
            STALE_SECONDS,
        )
        return bool(found[0][0])

    def _live(self) -> None:
        try:
            dags = self._bring_up()
            while not self._ended.wait(ROUND_SECONDS):
                dags.follow()
                self._beat()
                if not self._changes.empty():
                    self._renew(self._changes.get())
        except BaseException as error:  # noqa: BLE001 - the story, in another thread, raises it
            if not self._ended.is_set():
                self.trouble = error
                # Whoever waits for the environment hears of it at once.
                self._aws.mwaa.status(self.place.region, self.place.name, "CREATE_FAILED")

    def _bring_up(self) -> BucketFolder:
        self._folder.mkdir(parents=True)
        self.server.start()
        lend_boto(self._folder / "boto")
        url = self.server.create("airflow")
        settings = {**self._settings(), **on_mwaa(url)}
        airflow = MwaaAirflow(self.place.name, self._venv, self._folder / "airflow", url, settings)
        airflow.unset(name for name in os.environ if name.startswith("AWS_") and name not in settings)
        self._airflow = airflow
        path = str(self._fields["DagS3Path"]).strip("/")
        bucket = str(self._fields["SourceBucketArn"]).rpartition(":")[2]
        dags = BucketFolder(self._aws.client("s3", self.place.region), bucket, f"{path}/", airflow.dags)
        dags.follow()
        airflow.finish(airflow.migrate(), "migrate")
        if self._guest:
            self._guest.empty(self)
        self.start()
        self._wait("the DAG files", self._unparsed)
        if self._guest:
            self._guest.ready(self)
        self._aws.mwaa.web_server(self.place.region, self.place.name, airflow.api_url)
        self._finish()
        return dags

    def _renew(self, environment: Environment) -> None:
        """Start again with the options that an update brings."""
        self._fields |= environment.wanted
        if environment.wanted.get("WorkerReplacementStrategy") == "GRACEFUL":
            self._wait("the tasks that run", self._at_work)
        self.airflow.stop()
        self.airflow.unset(self._options)
        self._options = _options(self._fields)
        self.airflow.set(**self._options)
        self.start()
        self._finish()

    def _finish(self) -> None:
        self._aws.mwaa.finish(self.place.region, self.place.name)
        self._is_changing = False

    def _settings(self) -> dict[str, str]:
        local = self._aws.environment(self.place.region)
        require_local(local["AWS_ENDPOINT_URL"])
        return {
            **LIVELY,
            **{name: value for name, value in local.items() if name.startswith("AWS_")},
            **self._credentials(),
            **self._options,
            **self._more,
            "HTTP_PROXY": NOWHERE,
            "HTTPS_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONPATH": str(self._folder / "boto"),
            "AIRFLOW__CORE__FERNET_KEY": self.fernet_key,
            "AIRFLOW__WEBSERVER__SECRET_KEY": os.urandom(16).hex(),
        }

    def _credentials(self) -> dict[str, str]:
        """Of a session of the execution role."""
        sts = self._aws.client("sts", self.place.region)
        granted = sts.assume_role(RoleArn=self._fields["ExecutionRoleArn"], RoleSessionName="AmazonMWAA-airflow")
        keys = granted["Credentials"]
        self.keys |= {"the secret key": keys["SecretAccessKey"], "the session token": keys["SessionToken"]}
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def _at_work(self) -> str:
        found = self.airflow.query("SELECT dag_id FROM task_instance WHERE state IN ('queued', 'running')")
        return ", ".join(sorted(dag_id for (dag_id,) in found))

    def _unparsed(self) -> str:
        known = {str(row[0]) for row in self.airflow.query("SELECT fileloc FROM dag")}
        # A module that the others share has no DAG.
        files = [path for path in self.airflow.dags.glob("*.py") if "DAG(" in path.read_text()]
        missing = {path.name for path in files if str(path) not in known}
        return f"not parsed: {', '.join(sorted(missing))}" if missing else ""

    def _wait(self, what: str, condition: Callable[[], str]) -> None:
        def unless_ended() -> str:
            return "" if self._ended.is_set() else condition()

        self.airflow.wait(f"{what} of {self.place.name}", unless_ended, START_SECONDS)

    def _beat(self) -> None:
        """Send what MWAA sends: the scheduler's heartbeat while it lives, and that the web server has work."""
        if time.monotonic() - self._beaten < BEAT_SECONDS:
            return
        self._beaten = time.monotonic()
        with suppress(psycopg2.OperationalError):
            if self.is_beating():
                self._send("AmazonMWAA", "SchedulerHeartbeat", Function="Scheduler")
        if self.airflow.answers():
            self._send("AWS/MWAA", "CPUUtilization", Cluster="WebServer")

    def _send(self, namespace: str, name: str, **dimensions: str) -> None:
        named = {**dimensions, "Environment": self.place.name}
        data = {"MetricName": name, "Value": 1, "Dimensions": [{"Name": n, "Value": v} for n, v in named.items()]}
        # A Region that is silent takes no metrics.
        with suppress(ClientError, BotoCoreError):
            cloudwatch = self._aws.client("cloudwatch", self.place.region)
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[data])


def _options(fields: Mapping[str, Any]) -> dict[str, str]:
    """The Airflow options of an environment as environment variables."""
    given = fields.get("AirflowConfigurationOptions") or {}
    return {f"AIRFLOW__{name.replace('.', '__', 1).upper()}": str(value) for name, value in given.items()}
