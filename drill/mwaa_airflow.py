"""The Airflow of an MWAA environment: options that change, parts that end one by one, and MWAA's web server."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

from drill.airflow import Airflow
from drill.dags import serving


class MwaaAirflow(Airflow):
    """The Airflow of an environment: its options can change, and it has MWAA's web server."""

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

    def end_component(self, component: str) -> None:
        """Kill one component with all that it has started."""
        process = self._processes.pop(component)
        for pid in psutil.pids():
            with suppress(ProcessLookupError):
                if os.getsid(pid) == process.pid:
                    os.kill(pid, signal.SIGKILL)
        process.wait()

    def serve(self, port: int) -> None:
        """Start the web server; it is there when `serving.answers`."""
        self._processes["webserver"] = self._popen("webserver", serving.__file__, str(port), program="python")
