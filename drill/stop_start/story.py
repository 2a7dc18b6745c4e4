"""The story of a night: live, be stopped while something is at work, be gone, be started, go on as if nothing was."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psutil
import psycopg2

from drill.backups import BackupsIn, Stored
from drill.containers import Containers, Place
from drill.executions import Execution, Executions
from drill.fernet import decrypted
from drill.life import DAGS, STORY_DAGS, Life
from drill.processes import lives
from drill.rehearsal import AT_WORK, BY_HAND
from drill.snapshot import Rows
from drill.stop_start.site import StopStartSite
from drill.venvs import DrillError
from drill.witness import Witness

BUSY_RUN = "drill~busy+1"
AT_WORK_NOW = "SELECT 1 FROM task_instance WHERE dag_id = 'busy' AND state = 'running'"
MINUTE = 60.0
AWAY_SECONDS = (5.0, 20.0)
"""How long it is gone before the start is due, at random."""

STOPPED, STARTED = "The environment is stopped", "The environment has started"
"""How the workflows end."""


@dataclass(frozen=True)
class Before:
    """The environment when it was stopped."""

    fields: Mapping[str, Any]
    """As MWAA kept them."""
    paused: Mapping[str, str]
    """DAG -> whether it was paused, right before the stop."""
    processes: frozenset[int]
    url: str
    """Of the database."""
    fernet_key: str
    done: tuple[str, ...]
    """The runs of the DAG that works every minute."""


class StopStartStory(Life):
    """A stop and a start, each begun by its schedule."""

    site: StopStartSite
    title = "STOP_START"
    by_hand = MappingProxyType({dag_id: BY_HAND[dag_id] for dag_id in BY_HAND.keys() - {dag for dag, _, _ in AT_WORK}})
    dags = (*STORY_DAGS, DAGS / "busy.py")

    def __init__(self, site: StopStartSite, venv: Path, folder: Path, stack: ExitStack, *, rows: int) -> None:
        super().__init__(site, venv, folder, stack, rows=rows)
        self.backups = BackupsIn(site, site.primary.region, site.config.backup_bucket_name)
        self.ends: dict[str, Execution] = {}
        """`stop` and `start`, once they are over."""
        self.last: Rows = {}
        """The rows right before the environment was deleted."""
        self.left: list[str] = []
        """What was still there of the environment when MWAA said that it was gone."""
        self.records_when_gone: list[str] = []
        self._before: Before | None = None

    @property
    def before(self) -> Before:
        """The environment when it was stopped."""
        if self._before is None:
            raise DrillError("nothing was stopped yet")
        return self._before

    @property
    def successor(self) -> Containers:
        """The environment is its own."""
        return self.primary

    @property
    def backup(self) -> Stored:
        """The one that the stop has taken."""
        return self.backups.stored()[-1]

    @property
    def seen(self) -> Rows:
        """What that backup saw, secrets decrypted."""
        sight = self._witness.sight_of(self.backup.taken_at)
        if sight is None:
            raise DrillError(f"nobody saw what backup {self.backup.id} saw")
        return decrypted(sight.rows, self.before.fernet_key)

    @property
    def is_through(self) -> bool:
        """Whether both workflows did what they are there for."""
        return [one.path[-1] for one in self.ends.values()] == [STOPPED, STARTED]

    def run(self) -> None:
        """Play all of it, as far as it comes."""
        self.deploy()
        self.live()
        self.be_stopped()
        if self.ends["stop"].path[-1] == STOPPED:
            self.be_started()
        if self.is_through:
            self.go_on()

    def create(self) -> list[Place]:
        """The only environment."""
        return [self.site.create()]

    def is_first(self, _: Containers) -> bool:
        """Whether this is the environment before the stop."""
        return self._before is None

    def ready(self, containers: Containers) -> None:
        """Remember what is new in the new environment."""
        if self._before:
            self.kept.there = self.rows_of(containers)

    def leaving(self, containers: Containers) -> None:
        """Look at all that there ever was."""
        self.last = self.rows_of(containers)

    def be_stopped(self) -> None:
        """At a random moment of a minute, while a run is at work; afterwards nothing of it is left."""
        with self.part("be stopped"):
            airflow = self.primary.airflow
            self._stack.enter_context(self._watch())
            pause, began = random.uniform(0, MINUTE), time.monotonic()
            self.until("the moment of the stop", lambda: time.monotonic() - began > pause)
            airflow.act(unpause=["busy"], trigger=[{"dag_id": "busy", "run_id": BUSY_RUN}])
            self.until("work", lambda: airflow.query(AT_WORK_NOW))
            self._before = self._look()
            self._transition("stop")
            self.left = [*self._left()]
            self.records_when_gone = self.site.records()

    def be_started(self) -> None:
        """After a while, by the other schedule."""
        with self.part("be started"):
            pause, began = random.uniform(*AWAY_SECONDS), time.monotonic()
            self.until("the moment of the start", lambda: time.monotonic() - began > pause)
            self._transition("start")

    def go_on(self) -> None:
        """A new run finds the history, and the DAG that works every minute goes on."""
        with self.part("go on"):
            self.until_available(self.site.primary)  # it may be given an option back
            self.run_anew(self.primary)
            self.until("a scheduled run", self.runs_since)

    def runs_since(self) -> list[str]:
        """The runs of the DAG that works every minute, since the start."""
        gone = set(self.before.done) | {str(row["run_id"]) for row in self.last["dag_run"]}
        return [run for run in self.ledger(self.site.primary.name) if run not in gone]

    def _watch(self) -> Witness:
        self._witness = Witness(self.primary.airflow.url, self.primary.server.folder)
        return self._witness

    def _look(self) -> Before:
        airflow = self.primary.airflow
        paused = airflow.query("SELECT dag_id, is_paused::text FROM dag")
        processes = {pid for pid in psutil.pids() if airflow.owns(pid)} | {self.primary.server.pid}
        fields = self.site.fields(self.site.primary)
        done = tuple(self.ledger(self.site.primary.name))
        return Before(fields, dict(paused), frozenset(processes), airflow.url, self.primary.fernet_key, done)

    def _left(self) -> Iterator[str]:
        """What is still there of the environment before the stop."""
        alive = [pid for pid in self.before.processes if lives(pid)]
        if alive:
            yield f"{len(alive)} of its {len(self.before.processes)} processes"
        try:
            psycopg2.connect(self.before.url).close()
            yield "its database"
        except psycopg2.OperationalError:
            pass
        if self.site.primary.name in self.site.here("mwaa").list_environments()["Environments"]:
            yield "the environment itself"

    def _transition(self, what: str) -> None:
        """Let the schedule begin it, and wait for its end."""
        executions = Executions(self.site.here("stepfunctions"), self.site.machine(what))
        now = datetime.now(timezone.utc)
        self.site.fire(what)
        self.until(f"the {what} that the schedule begins", lambda: executions.since(now))
        (begun,) = executions.since(now)
        self.ends[what] = self.over(executions, begun.arn)
