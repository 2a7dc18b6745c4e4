"""The peer's package in a virtual environment of its own, on top of the Airflow that the drill provides."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.environments import AIRFLOW
from drill.venvs import DrillError, cache_folder, chosen_lock, find_python, provision

PACKAGE = "mwaa-dr==2.2.0"


def provision_legacy() -> Path:
    """Return its interpreter; raise DrillError with the reason where it cannot be had."""
    lock = chosen_lock(AIRFLOW)
    airflow, python = provision(lock), find_python(lock.python)
    assert python
    folder = cache_folder() / "legacy" / f"{PACKAGE.replace('==', '-')}-{lock.digest}"
    done = folder / ".complete"
    if not done.exists():
        _run(python, "-m", "venv", "--clear", folder)
        packages = next(folder.glob("lib/*/site-packages"))
        # Its own package under the name that ours has, too: here it is the only one of that name.
        (packages / "airflow.pth").write_text(f"{next(airflow.glob('lib/*/site-packages'))}\n")
        _run(folder / "bin" / "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps", PACKAGE)
        done.touch()
    return folder / "bin" / "python"


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise DrillError(f"{PACKAGE} cannot be installed: {lines[-1] if lines else command}")
