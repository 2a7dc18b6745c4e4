"""An Airflow's Python that stays: what it is asked for begins at once, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from select import select

from drill.dags import resident

AT_ONCE = "AIRFLOW_VAR_"
"""Variables of the environment that are read when they are asked for; others, when Airflow is imported."""


class Resident:
    """Programs of one Airflow's virtual environment; `process` is what has to be ended with it."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = python
        self._folder = folder
        self._environment: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()
        self.process: subprocess.Popen[str] | None = None

    def run(
        self, *arguments: str, environment: Mapping[str, str], text: str = "", seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What `airflow` or `python` does with these arguments; raises TimeoutExpired."""
        with self._one_at_a_time:
            process = self._begun(environment)
            assert process.stdin is not None
            assert process.stdout is not None
            variables = {name: value for name, value in environment.items() if name.startswith(AT_ONCE)}
            asked = {"arguments": arguments, "text": text, "variables": variables}
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            if not select([process.stdout], [], [], seconds)[0]:
                os.killpg(process.pid, signal.SIGKILL)
                self.end()
                raise subprocess.TimeoutExpired(arguments, seconds or 0)
            line = process.stdout.readline()
            if not line:
                self.end()
                return subprocess.CompletedProcess(arguments, -signal.SIGKILL, "", "it was killed")
            return subprocess.CompletedProcess(arguments, **json.loads(line))

    def _begun(self, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        lasting = {name: value for name, value in environment.items() if not name.startswith(AT_ONCE)}
        if self.process is None or self.process.poll() is not None or lasting != self._environment:
            self.end()
            self.process, self._environment = self._start(lasting), lasting
        return self.process

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        with (self._folder / "resident.out").open("a") as output:
            return subprocess.Popen(
                [self._python, resident.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
                cwd=self._folder,
                text=True,
                start_new_session=True,
            )

    def end(self) -> None:
        """Let it end, when it has nothing left to do."""
        process, self.process = self.process, None
        if process and process.stdin and process.stdout:
            with suppress(OSError):  # it was killed, and somebody was just asking
                process.stdin.close()
            process.stdout.close()
            process.wait()
