"""An Airflow's Python that stays: what it is asked for begins at once, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any

import psutil

from drill.dags import resident
from drill.processes import lives

AT_ONCE = "AIRFLOW_VAR_"
"""Variables of the environment that are read when they are asked for; others, when Airflow is imported."""


LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Begun:
    """A program that goes on beside us, in a session of its own."""

    pid: int

    def lives(self) -> bool:
        """Whether it has not ended."""
        return lives(self.pid)

    def terminate(self) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = float("inf")) -> None:
        """Return when it has ended, or after so many seconds."""
        give_up = time.monotonic() + seconds
        while self.lives() and time.monotonic() < give_up:
            time.sleep(LOOK_SECONDS)


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
            answer = self._asked(environment, seconds, arguments=arguments, text=text)
        if answer is None:
            return subprocess.CompletedProcess(arguments, -signal.SIGKILL, "", "it was killed")
        return subprocess.CompletedProcess(arguments, **answer)

    def begin(self, *arguments: str, environment: Mapping[str, str], output: Path) -> Begun:
        """Begin `airflow` or `python` with these arguments, what it prints added to a file.

        Raises ChildProcessError where it was killed before.
        """
        with self._one_at_a_time:
            answer = self._asked(environment, None, arguments=arguments, output=str(output))
        if answer is None:
            raise ChildProcessError(f"{' '.join(arguments)}: it was killed before it began")
        return Begun(answer["pid"])

    def status_of(self, begun: Begun, environment: Mapping[str, str]) -> int:
        """How a program ended that was begun with this environment; waits for its end."""
        begun.wait()
        with self._one_at_a_time:
            answer = self._asked(environment, None, ended=begun.pid)
        return -signal.SIGKILL if answer is None else int(answer["returncode"])

    def held(self) -> set[int]:
        """Begin nothing any more; the sessions of what was begun, and of what has to be ended with it."""
        process = self.process
        if process is None:
            return set()
        sessions = {process.pid}
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(process.pid)
            own.suspend()
            while own.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                time.sleep(0.001)
            sessions |= {child.pid for child in own.children()}
        return sessions

    def _asked(self, environment: Mapping[str, str], seconds: float | None, **request: Any) -> dict[str, Any] | None:
        """The answer to a request; None where there is none, since it was killed."""
        process = self._at_hand(environment)
        assert process.stdin is not None
        assert process.stdout is not None
        variables = {name: value for name, value in environment.items() if name.startswith(AT_ONCE)}
        process.stdin.write(json.dumps({**request, "variables": variables}) + "\n")
        process.stdin.flush()
        if not select([process.stdout], [], [], seconds)[0]:
            os.killpg(process.pid, signal.SIGKILL)
            self.end()
            raise subprocess.TimeoutExpired(request["arguments"], seconds or 0)
        line = process.stdout.readline()
        if not line:
            self.end()
            return None
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _at_hand(self, environment: Mapping[str, str]) -> subprocess.Popen[str]:
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
