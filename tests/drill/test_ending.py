"""Whoever ends a rehearsal finds nothing of it afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from drill.processes import lives
from drill.venvs import PROJECT
from tests.support.local_aws import eventually

pytestmark = [pytest.mark.slow]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL can reach, which does not run as root."""
    with tempfile.TemporaryDirectory(prefix="mwaa-dr-ending-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_nothing_is_left_behind(folder: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "drill", "--strategy", "warm_standby"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True) as drill:
        try:
            # The scheduler is there, and has made what it does not remove when it is killed.
            eventually(lambda: [*folder.glob("mwaa-dr-tmp-*/pymp-*")], 240)
        finally:
            begun = begun_in(folder)
            drill.send_signal(number)
            drill.send_signal(number)  # an impatient person
        assert drill.wait(60) == code
    # What only reads from a pipe that is closed now ends by itself.
    eventually(lambda: not any(map(lives, begun)))
    assert begun_in(folder) == {}
    assert [*folder.iterdir()] == []


def test_a_signal_at_the_end_waits_until_all_is_ended() -> None:
    code = """
        import os, signal
        from drill import ending
        ending.heed()
        try:
            print("played")
        finally:
            ending.defer()
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        print("ended")
        ending.heed()
        print("played once more")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.returncode) == (["played", "ended"], 143)


def begun_in(folder: Path) -> dict[int, str]:
    """The processes that keep their files in a folder, with their command lines."""
    found = {}
    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(folder) in f"{words} {process.info['cwd']}":
            found[process.info["pid"]] = words
    return found
