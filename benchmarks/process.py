"""What a process takes: its time, its CPU and that of the server, its memory at the peak. Reads Linux' /proc."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY = 0.004
"""Seconds between two looks at a program's memory; the kernel keeps the peak, so only the last moments are missed."""


PEAK = Path("/proc/self/clear_refs")
"""With a 5 written into it the kernel forgets the peak of this process: https://docs.kernel.org/filesystems/proc.html"""


class FailedError(RuntimeError):
    """A competitor did not do what it was asked for."""


@dataclass(frozen=True)
class Taken:
    """What one run of a competitor took."""

    seconds: float
    client_cpu: float
    server_cpu: float
    peak: float
    """MiB: of a program all of it, of one that waited for its start what came on top of that."""
    stored: int = 0
    """Bytes of the backup."""

    @property
    def cpu(self) -> float:
        """Seconds of client and server."""
        return self.client_cpu + self.server_cpu


def measured(server: int, command: Sequence[str | Path]) -> Taken:
    """Run a program of PostgreSQL to its end; `server` is the process of the server."""
    before = server_cpu(server)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0.0
    while True:
        peak = max(peak, _peak(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(EVERY)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr
    with process.stderr as errors:
        _require(process.returncode, errors.read())
    return Taken(seconds, usage.ru_utime + usage.ru_stime, server_cpu(server) - before, peak)


def measured_worker(server: int, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Taken:
    """Run a worker that tells when it has begun, is then let go, and tells what it took; see `serve`."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **environment}, cwd=folder
    ) as process:
        assert process.stdin
        assert process.stdout
        while (line := process.stdout.readline()) and line != "ready\n":
            pass
        before = server_cpu(server)
        output, errors = process.communicate("go\n")
    _require(process.returncode, errors.encode())
    told = json.loads(output.splitlines()[-1])
    return Taken(told["seconds"], told["cpu"], server_cpu(server) - before, told["peak"])


def serve(work: Callable[[], object]) -> None:
    """The worker's side: imports are done, the interpreter is warm, and what comes now is measured."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    PEAK.write_text("5")
    idle, started, cpu = _peak(os.getpid()), time.perf_counter(), _own_cpu()
    work()
    told = {
        "seconds": time.perf_counter() - started,
        "cpu": _own_cpu() - cpu,
        "peak": _peak(os.getpid()) - idle,
    }
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def server_cpu(pid: int) -> float:
    """CPU seconds that a server has taken, with all processes that it has and had."""
    server = psutil.Process(pid)
    total = 0.0
    for process in (server, *server.children()):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it is among those that the server had, the next time
        total += times.user + times.system
        if process.pid == pid:
            total += times.children_user + times.children_system
    return total


def _own_cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak(pid: int) -> float:
    """MiB at the peak so far."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _require(code: int, errors: bytes) -> None:
    if code:
        lines = errors.decode(errors="replace").strip().splitlines()
        raise FailedError(lines[-1] if lines else f"ended with {code}")
