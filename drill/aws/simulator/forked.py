"""A Python for each Lambda function, forked from one that has imported what the runtime brings.

An interpreter of its own would import boto3 for each cold start anew, which was most of what a workflow cost here.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from drill.aws.simulator.worker import serve

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["drill.aws.simulator.warm", "drill.aws.simulator.worker"])


class Forked:
    """A running worker, as `subprocess.Popen` has it with text in three pipes."""

    def __init__(self, script: str, folder: str, environment: Mapping[str, str]) -> None:
        read, written = _server.Pipe(duplex=False)
        outputs = [_server.Pipe(duplex=False) for _ in range(2)]
        theirs, ours = [read, *(end for _, end in outputs)], [written, *(end for end, _ in outputs)]
        self._process = _server.Process(target=serve, args=(script, folder, dict(environment), theirs), daemon=True)
        self._process.start()
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), mode, buffering=1) for end, mode in zip(ours, "wrr", strict=True)
        )
        for end in (*theirs, *ours):
            end.close()

    def poll(self) -> int | None:
        """How it has ended, or None."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """How it ends; raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a worker", timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


class Subprocess:
    """The module `subprocess` for ministack's workers: those in this Python are forked."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: Sequence[str], **options: Any) -> Any:  # noqa: N802 - as it is called
        """Begin a worker."""
        if command[0] != sys.executable:
            return subprocess.Popen(command, **options)
        return Forked(command[1], options["cwd"], options["env"])
