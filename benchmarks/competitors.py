"""Who takes part: each backs up one environment into a folder of its own, and restores from there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import AIRFLOW, SOURCE
from benchmarks.process import Taken, measured, measured_worker
from benchmarks.rows import TABLES
from drill.postgres import Postgres
from drill.venvs import PROJECT

ENGINE_PATHS = os.pathsep.join([str(PROJECT), str(PROJECT / "assets" / "dags")])


@dataclass
class Competitor(ABC):
    """One way to back up and restore."""

    name: str
    server: Postgres
    folder: Path
    """Its backup lies here."""
    gives_way: bool = field(default=False, kw_only=True)
    """Whether its client leaves the cores to the server, as if it had others: a worker of MWAA has."""

    def backup(self) -> Taken:
        """Back up the source, over what was there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self.add()

    def add(self) -> Taken:
        """Back up the source beside what is there."""
        taken = self._backup(self.server.url(SOURCE))
        stored = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        return Taken(**{**vars(taken), "stored": stored})

    @abstractmethod
    def restore(self, url: str) -> Taken:
        """Restore what was backed up last."""

    @property
    def _before(self) -> list[str | Path]:
        return ["nice", "-n", "10"] if self.gives_way else []

    @abstractmethod
    def _backup(self, url: str) -> Taken: ...


@dataclass
class PgDump(Competitor):
    """PostgreSQL's own programs, of the package that the server comes from."""

    def restore(self, url: str) -> Taken:
        """Rows only, as the schema is there: indexes and foreign keys work while it loads."""
        command: list[str | Path] = [
            self.server.binaries / "pg_restore",
            "--data-only",
            "--exit-on-error",
            "-d",
            url,
            self._file,
        ]
        return measured(self.server.pid, command)

    def _backup(self, url: str) -> Taken:
        tables = [f"--table={table}" for table in TABLES]
        command: list[str | Path] = [
            *self._before,
            self.server.binaries / "pg_dump",
            "-Fc",
            "--compress=1",
            "--data-only",
            *tables,
            url,
        ]
        return measured(self.server.pid, [*command, "-f", self._file])

    @property
    def _file(self) -> Path:
        return self.folder / "dump"


@dataclass
class Engine(Competitor):
    """This project's engine."""

    connections: int
    place: str = ""
    """A URL; empty: its folder."""
    environment: dict[str, str] = field(default_factory=dict)
    mode: str = "FULL"

    def restore(self, url: str) -> Taken:
        """As it is called everywhere."""
        return self._work("restore", url)

    def _backup(self, url: str) -> Taken:
        return self._work("backup", url)

    def _work(self, operation: str, url: str) -> Taken:
        asked = {
            "operation": operation,
            "url": url,
            "place": self.place or self.folder.as_uri(),
            "connections": self.connections,
            "mode": self.mode,
            "airflow": AIRFLOW,
        }
        command = [*self._before, sys.executable, "-m", "benchmarks.engine_worker", json.dumps(asked)]
        environment = {**self.environment, "PYTHONPATH": ENGINE_PATHS}
        return measured_worker(self.server.pid, command, environment, PROJECT)


@dataclass
class Legacy(Competitor):
    """The peer, from its own package."""

    python: Path

    def restore(self, url: str) -> Taken:
        """All tasks of its DAG."""
        return self._work("restore", url)

    def _backup(self, url: str) -> Taken:
        (self.folder / "dags").mkdir(parents=True)
        return self._work("backup", url)

    def _work(self, operation: str, url: str) -> Taken:
        environment = {
            "PYTHONPATH": str(PROJECT),
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url.replace("postgresql:", "postgresql+psycopg2:"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        command: list[str | Path] = [self.python, "-m", "benchmarks.legacy_worker", operation]
        return measured_worker(self.server.pid, command, environment, PROJECT)
