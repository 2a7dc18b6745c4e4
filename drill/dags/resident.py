"""Runs inside an Airflow's own Python: has Airflow imported already, and forks for each program that it is asked for.

Standard input has one JSON request a line, with the `arguments` of `airflow` or `python`, what they read as `text`, and
`variables` for their environment; each is answered by a line with its `returncode`, `stdout` and `stderr`. Where there
is an `output`, a file, the program goes on in a session of its own, and its `pid` is the answer; with `ended`, such a
pid, its `returncode`. To import Airflow takes seconds, and drills and tests have it do hundreds of little things.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

EARLY = (
    "airflow.__main__",
    "airflow.cli.cli_parser",
    "airflow.models",
    "airflow.models.serialized_dag",
    "airflow.api.common.trigger_dag",
    # What schedulers, triggerers, DAG processors and API servers import next, and what they fork.
    "airflow.executors.local_executor",
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.triggerer_job_runner",
    "airflow.dag_processing.manager",
    "airflow.sdk.execution_time.task_runner",
    "airflow.api_fastapi.app",
    # What DAG files import.
    "airflow.sdk",
    "airflow.providers.standard.operators.python",
)


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed while Airflow is imported is no answer
    for module in EARLY:
        with suppress(ImportError):
            __import__(module)
    for line in sys.stdin:
        answers.write(json.dumps(served(json.loads(line))) + "\n")
        answers.flush()


def served(request: dict[str, Any]) -> dict[str, Any]:
    """Carry a request out in a process of its own."""
    if "ended" in request:
        return {"returncode": os.waitstatus_to_exitcode(os.waitpid(request["ended"], 0)[1])}
    if "output" in request:
        return {"pid": begun(request)}
    with tempfile.TemporaryFile("w+") as text, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        text.write(request["text"])
        text.seek(0)
        sys.stdout.flush()
        child = os.fork()
        if not child:
            act(request, (text, out, err))
        _, status = os.waitpid(child, 0)
        return {"returncode": os.waitstatus_to_exitcode(status), "stdout": _all_of(out), "stderr": _all_of(err)}


def begun(request: dict[str, Any]) -> int:
    """Begin what a request asks for, in a session of its own; return its process."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.setsid()
        with open(os.devnull) as nothing, open(request["output"], "a") as output:
            act(request, (nothing, output, output))
    return child


def act(request: dict[str, Any], files: Sequence[IO[str]]) -> None:
    """Be that process, to its end."""
    status = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin = os.fdopen(0)
        os.environ.update(request["variables"])
        status = ran(request["arguments"])
    except SystemExit as end:
        status = _status(end.code)
    except BaseException:  # noqa: BLE001 - what ends a program with a traceback
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(status)


def ran(arguments: list[str]) -> int:
    """Do what the program would do with its arguments."""
    program, *arguments = arguments
    if program == "airflow":
        from airflow.__main__ import main as airflow

        sys.argv = [program, *arguments]
        airflow()
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    return 0


def _status(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


def _all_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    main()
