"""An Airflow under observation: one home, one database, schedulers whose pulse is taken."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psutil
import psycopg2

from drill.rehearsal import DAGS as DRILL_DAGS
from tests.support.metadata import FERNET, OTHER_FERNET
from tests.support.real_airflow import RealAirflow

FOLDER = Path(__file__).parent
PATIENCE_SECONDS = 300.0
"""How long a story waits for what must come: only one that went wrong, on however busy a machine, needs as long."""
RETOUCH_SECONDS = 5.0
ONE_FILE_S_PARSE = re.compile(r"^Process DagFileProcessor\d+-Process:\n(?:(?!\[(?:\x1b|2)).*\n)*", re.MULTILINE)
"""What a process prints that was parsing a DAG file and failed, up to the next line of the scheduler's log."""
LOST_RACE = 'unique constraint "dag_pkey"'
"""What a DAG processor prints last that met a DAG in the middle of a restore."""
INTERVALS = 12
"""How many hourly intervals are over when a story begins."""

SETTINGS = {
    "AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__CORE__USE_HISTORICAL_FILENAME_TEMPLATES": "True",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__EMAIL__EMAIL_BACKEND": "living_alarms.send_mail",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",  # six versions share two cores
    # A parse comes when a file changes, and else not while a test looks.
    "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "4",
    "AIRFLOW__SCHEDULER__ZOMBIE_DETECTION_INTERVAL": "4",
    "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "30",
    "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__DEACTIVATE_STALE_DAGS_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__POOL_METRICS_INTERVAL": "5",
    # The same in the words of Airflow 3.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "2",
    # In 3.0 a callback is a parse that found no DAG: this long after the last parse it deactivates those of its file.
    "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "3600",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "4",
}
PATIENT = {
    "AIRFLOW__SCHEDULER__SCHEDULER_ZOMBIE_TASK_THRESHOLD": "300",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "300",
    # From 2.7 on a task that cannot beat for longer than this gives itself up; 0: than the threshold above.
    "AIRFLOW__SCHEDULER__LOCAL_TASK_JOB_HEARTBEAT_SEC": "0",
}
"""How long a task may be silent, as Airflow has it unless somebody sets it; what locks no table needs less."""
OF_THE_PRIMARY = {
    "AIRFLOW__CORE__FERNET_KEY": FERNET,
    "AIRFLOW__LOGGING__LOG_FILENAME_TEMPLATE": "of_primary/{{ ti.dag_id }}/{{ ti.run_id }}/{{ ti.task_id }}"
    "/{{ ti.map_index }}/{{ try_number|default(ti.try_number) }}.log",  # the executors of Airflow 3 give `ti` only
}


def story_start() -> datetime:
    """The start date of the hourly DAGs, so that `INTERVALS` of them are over."""
    now = datetime.now(timezone.utc)
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=INTERVALS)


class Living(RealAirflow):
    """An environment with the living DAGs, and with this package as users copy it."""

    def __init__(self, name: str, venv: Path, folder: Path, url: str, start: datetime, *dags: str) -> None:
        own = OF_THE_PRIMARY if name == "primary" else {"AIRFLOW__CORE__FERNET_KEY": OTHER_FERNET}
        settings = {**SETTINGS, "LIVING_START": start.isoformat(), "AIRFLOW_ENV_NAME": name, **own}
        super().__init__(venv, folder, url, settings)
        self.name = name
        shutil.copytree(FOLDER / "plugins", folder / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(DRILL_DAGS / "drill_moved.py", self.dags)
        for file in dags:
            self.drop_in(file)

    @property
    def dated(self) -> str:
        """The column with the logical date of a run."""
        return "execution_date" if self.version < (3,) else "logical_date"

    @property
    def is_parsed(self) -> str:
        """The condition of a DAG that a DAG file has."""
        return "is_active" if self.version < (3,) else "NOT is_stale"

    @property
    def delay(self) -> timedelta:
        """How long after its logical date an hourly run is due: in Airflow 2 at the end of its interval."""
        return timedelta(hours=1 if self.version < (3,) else 0)

    def wait(self, what: str, condition: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait as an Airflow does, with patience."""
        super().wait(what, condition, seconds)

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait as an Airflow does, with patience."""
        super().wait_for_run(dag_id, run_id, seconds)

    def dead(self) -> list[str]:
        """The components that ended, but for a DAG processor that lost a race: who keeps it starts it again.

        Its INSERT of a new DAG waited for ours, and Airflow 3 does not survive that: apache/airflow#68263.
        """
        dead = super().dead()
        if "dag-processor" in dead and LOST_RACE in self.printed("dag-processor")[-20_000:]:
            self._processes["dag-processor"] = self._begin("dag-processor", "dag-processor")
            dead.remove("dag-processor")
        return dead

    def drop_in(self, file: str) -> None:
        """Put a DAG file into the folder, or touch it so that it is parsed again.

        Airflow looks only into files in which it is named.
        """
        os.utime(shutil.copy(FOLDER / "dags" / file, self.dags))

    def tell(self) -> None:
        """Let every task end that waits to be told."""
        (self.folder / "told").touch()

    def let_go(self) -> None:
        """Let the overlapping runs end."""
        (self.folder / "let_go").touch()

    def lines(self, file: str) -> list[str]:
        """What tasks, mails and callbacks left behind."""
        path = self.folder / file
        return path.read_text().splitlines() if path.exists() else []

    def start_second_scheduler(self) -> None:
        """Start one more scheduler on the same home and database."""
        self._processes["scheduler-2"] = self._begin("scheduler-2", "scheduler", "--skip-serve-logs")

    def pids(self) -> dict[str, int]:
        """The process of each component, and of each scheduler's parser."""
        found = {name: process.pid for name, process in self._processes.items()}
        for name, pid in list(found.items()):
            for child in psutil.Process(pid).children():
                if "DagFileProcessorManager" in " ".join(child.cmdline()):
                    found[f"{name}'s parser"] = child.pid
        return found

    def tracebacks(self, component: str) -> int:
        """How often a component printed one, but for a parse of one file that lost a race and comes again."""
        return ONE_FILE_S_PARSE.sub("", self.printed(component)).count("Traceback")

    def printed(self, component: str) -> str:
        """All that a component has printed."""
        return (self.folder / f"{component}.out").read_text(errors="replace")

    def runs(self, dag_id: str) -> dict[str, str]:
        """Run id -> state, oldest first."""
        return dict(self.query(f"SELECT run_id, state FROM dag_run WHERE dag_id = %s ORDER BY {self.dated}", dag_id))

    def dates(self, dag_id: str) -> list[datetime]:
        """The logical dates of a DAG's runs, oldest first."""
        rows = self.query(f"SELECT {self.dated} FROM dag_run WHERE dag_id = %s ORDER BY 1", dag_id)
        return [row[0].astimezone(timezone.utc) for row in rows]

    def wait_for_dates(self, dag_id: str, wanted: Callable[[], list[datetime]]) -> None:
        """Wait until a DAG has exactly the runs that are wanted by now; raise at once when it has others."""

        def missing() -> str:
            found, allowed = self.dates(dag_id), wanted()
            assert len(found) == len(set(found)), f"{dag_id} has a run twice: {found}"
            assert set(found) <= set(allowed), f"{dag_id} made {sorted(set(found) - set(allowed))}"
            return "" if found == allowed else f"{dag_id} still lacks {sorted(set(allowed) - set(found))}"

        self.wait(f"the due runs of {dag_id}", missing)

    def consumed(self) -> int:
        """How many runs the scheduler has made for a dataset, and ended, each with the event that it was made for."""
        kind, run_type = ("dataset", "dataset_triggered") if self.version < (3,) else ("asset", "asset_triggered")
        found = self.query(
            f"SELECT count(*) FROM dag_run r JOIN dagrun_{kind}_event d ON d.dag_run_id = r.id"
            f" JOIN {kind}_event e ON e.id = d.event_id WHERE r.dag_id = 'consuming' AND r.run_type = %s"
            " AND r.state = 'success' AND e.source_dag_id = 'producing'",
            run_type,
        )
        return int(found[0][0])

    def filled_back(self) -> list[tuple[str, str]]:
        """The DAGs of runs that Airflow 3 made for a backfill, and the states of these."""
        return self.query("SELECT r.dag_id, r.state FROM dag_run r JOIN backfill b ON b.id = r.backfill_id ORDER BY 1")

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """Task (and map index) -> state."""
        rows = self.query(
            "SELECT task_id, map_index, state FROM task_instance WHERE dag_id = %s AND run_id = %s", dag_id, run_id
        )
        return {task if index < 0 else f"{task}[{index}]": state for task, index, state in rows}

    def rest(self, seconds: float) -> None:
        """Let it live for a while."""
        give_up = time.monotonic() + seconds
        self.wait("resting", lambda: "" if time.monotonic() > give_up else "resting", seconds + 5)

    def tasks_of(self, dag_id: str) -> dict[str, str | None]:
        """Run id -> state of its only task."""
        return dict(self.query("SELECT run_id, state FROM task_instance WHERE dag_id = %s", dag_id))

    def clear(self, dag_id: str, *options: str) -> None:
        """Let Airflow clear tasks of a DAG; without a bundle 3.0 looks into the DAG file, and cannot clear that DAG."""
        bundle = [] if self.version < (3,) else ["--bundle-name", "dags-folder"]
        self.run("airflow", "tasks", "clear", dag_id, "--yes", *options, *bundle)

    def fill_back(self, dag_id: str, date: datetime) -> None:
        """Let Airflow make the run of one interval."""
        day = date.isoformat()
        if self.version < (3,):
            self.run("airflow", "dags", "backfill", dag_id, "-s", day, "-e", day)
        else:
            self.run("airflow", "backfill", "create", "--dag-id", dag_id, "--from-date", day, "--to-date", day)

    def parse(self, *files: str) -> None:
        """Touch DAG files until each of their DAGs has been parsed again."""
        waiting = {str(self.dags / file): file for file in files}
        before = self.query("SELECT clock_timestamp()")[0][0]
        touched = 0.0

        def missing() -> str:
            nonlocal touched
            done = self.query(
                "SELECT fileloc FROM dag WHERE fileloc = ANY(%s) GROUP BY 1 HAVING min(last_parsed_time) > %s",
                list(waiting),
                before,
            )
            for (path,) in done:
                waiting.pop(path)
            # A file that was just being parsed counts as parsed, so once is not always enough.
            if time.monotonic() > touched + RETOUCH_SECONDS:
                touched = time.monotonic()
                for file in waiting.values():
                    self.drop_in(file)
            return " ".join(waiting.values())

        self.wait("the next parse", missing)


class Pulse:
    """The age of each living scheduler's heartbeat, looked at several times a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.oldest = 0.0
        self.schedulers: set[int] = set()

    @contextmanager
    def taken(self) -> Iterator[Pulse]:
        """Watch inside the block."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        connection = psycopg2.connect(self._url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not self._over.is_set():
                cursor.execute(
                    "SELECT id, extract(epoch FROM clock_timestamp() - latest_heartbeat)::float FROM job"
                    " WHERE job_type = 'SchedulerJob' AND state = 'running'"
                )
                for job, age in cursor.fetchall():
                    self.schedulers.add(job)
                    self.oldest = max(self.oldest, age)
                time.sleep(0.3)
        connection.close()
