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
from typing import IO

from drill.dags import resident

AT_ONCE = "AIRFLOW_VAR_"
"""Variables of the environment that are read when they are asked for; others, when Airflow is imported."""
KILLED = '{"status": -9, "stdout": "", "stderr": "it was killed"}'


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
            asking, answering = self._begun(environment)
            variables = {name: value for name, value in environment.items() if name.startswith(AT_ONCE)}
            asked = {"arguments": arguments, "text": text, "variables": variables}
            asking.write(json.dumps(asked) + "\n")
            asking.flush()
            if self.process and not select([answering], [], [], seconds)[0]:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.end()
                raise subprocess.TimeoutExpired(arguments, seconds or 0)
            line = answering.readline()
            if not line:
                self.end()
            answer = json.loads(line or KILLED)
            return subprocess.CompletedProcess(arguments, answer["status"], answer["stdout"], answer["stderr"])

    def _begun(self, environment: Mapping[str, str]) -> tuple[IO[str], IO[str]]:
        lasting = {name: value for name, value in environment.items() if not name.startswith(AT_ONCE)}
        if self.process is None or self.process.poll() is not None or lasting != self._environment:
            self.end()
            self.process, self._environment = self._start(lasting), lasting
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

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
