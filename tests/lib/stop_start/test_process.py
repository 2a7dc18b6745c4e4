"""The program as `./build.sh` starts it: what it prints where, and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.configuration import start_stop_env, valid_env

ROOT = Path(__file__).parents[3]


def run(folder: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a folder without .env, and without what the user's environment configures."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lib.stop_start", *arguments]
    return subprocess.run(command, cwd=folder, env={**path, **env}, capture_output=True, text=True, check=False)


def test_a_preview_is_on_the_standard_output(tmp_path: Path) -> None:
    found = run(tmp_path, start_stop_env(), "preview", "--from", "2026-12-01")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("dev, Europe/Berlin, 2026-12-01 to 2026-12-14\n")


@pytest.mark.parametrize("arguments", [["preview", "--days", "x"], ["keep-running", "prod", "2h"], ["nap"], []])
def test_wrong_input_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    found = run(tmp_path, start_stop_env(), *arguments)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)


def test_without_stop_and_start_there_is_nothing_to_show(tmp_path: Path) -> None:
    found = run(tmp_path, valid_env(), "preview")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == "stop and start is not configured; HINT: See .env.example.\n"
