"""Runs in a process that was forked for a Lambda function: what a Python does that is started for a script."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection


def serve(script: str, folder: str, environment: Mapping[str, str], streams: Sequence[Connection]) -> None:
    """Run a script in a folder, with an environment and the three standard streams, to its end."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, mode, buffering=1) for n, mode in enumerate("rww"))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    runpy.run_path(script, run_name="__main__")
