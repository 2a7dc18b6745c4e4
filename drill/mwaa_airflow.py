"""The Airflow of an MWAA environment: options that change, parts that end one by one, and MWAA's web server."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from drill.airflow import VERSION_PATH, Airflow
from drill.dags import serving
from drill.processes import kill_sessions

TASK = "airflow task runner"
"""How Airflow 2 calls the process that works on a task."""
PLUGIN = Path(serving.__file__).with_name("mwaa_web.py")


class MwaaAirflow(Airflow):
    """The Airflow of an environment: its options can change, and it has MWAA's web server."""

    def __init__(self, name: str, venv: Path, folder: Path, url: str, settings: Mapping[str, str]) -> None:
        super().__init__(name, venv, folder, url, settings)
        if self.version >= (3,):
            (folder / "plugins").mkdir()
            shutil.copy(PLUGIN, folder / "plugins")

    def set(self, **settings: str) -> None:
        """Change environment variables of what is started from now on."""
        self._environment |= settings

    def unset(self, names: Iterable[str]) -> None:
        """Take environment variables from what is started from now on."""
        for name in names:
            self._environment.pop(name, None)

    def owns(self, pid: int) -> bool:
        """Whether a process belongs to one of the components."""
        with suppress(ProcessLookupError):
            return os.getsid(pid) in {process.pid for process in self._processes.values()}
        return False

    def signal_tasks(self, dag_id: str, number: signal.Signals) -> int:
        """Send a signal to the processes that work on tasks of a DAG; return how many there are."""
        found = [pid for pid in self._tasks(dag_id) if self.owns(pid)]
        for pid in found:
            os.kill(pid, number)
        return len(found)

    def _tasks(self, dag_id: str) -> list[int]:
        """Airflow 2 has it in the name of the process; Airflow 3, which forks it, in the database."""
        if self.version >= (3,):
            working = "SELECT pid FROM task_instance WHERE dag_id = %s AND state = 'running' AND pid IS NOT NULL"
            return [int(pid) for (pid,) in self.query(working, dag_id)]
        named = ((one.pid, " ".join(one.info["cmdline"] or ())) for one in psutil.process_iter(["cmdline"]))
        return [pid for pid, words in named if TASK in words and dag_id in words]

    def end_component(self, component: str) -> None:
        """Kill one component with all that it has started."""
        process = self._processes.pop(component)
        kill_sessions({process.pid})
        process.wait()

    def serve(self) -> None:
        """Start the web server, which in Airflow 3 the scheduler brings along; it is there when `answers`."""
        if self.version < (3,):
            self._processes["webserver"] = self._begin("webserver", serving.__file__, str(self._port), program="python")

    def answers(self) -> bool:
        """Whether the web server answers."""
        return serving.answers(self._port, VERSION_PATH if self.version >= (3,) else serving.HEALTH)
