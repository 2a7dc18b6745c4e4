"""Programs that are run to their end, and do not outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil


def short_folder() -> TemporaryDirectory[str]:
    """A folder for the temporary files of programs, removed when we end: who is killed leaves some there.

    Sockets are among them, whose names may have 107 bytes: in the folder of a story or a test they would be longer.
    """
    return TemporaryDirectory(prefix="mwaa-dr-tmp-", ignore_cleanup_errors=True)


def run(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program, its errors among its output; where we are ended before, so is all that it has started."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output)


def kill_sessions(sessions: Collection[int]) -> None:
    """Kill every process of these sessions at once; who moved to a process group of its own is still among them."""
    for pid in psutil.pids() if sessions else []:
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions:
                os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody has waited for is none."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
