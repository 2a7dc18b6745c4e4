"""A virtual environment for each Airflow version, made once from its lock file and kept in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drill.processes import run

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = Path(__file__).parent / "locks"
PREFERRED = "2.10.3"
MATRIX_2 = ("2.4.3", "2.5.1", "2.6.3", "2.7.2", "2.8.1", "2.9.2", "2.10.1", "2.10.3", "2.11.0", "2.11.2")
MATRIX = (*MATRIX_2, "3.0.6", "3.1.8", "3.2.1", "3.3.1")


class DrillError(Exception):
    """The drill cannot go on; one line says why, and a hint what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\nHINT: {hint}" if hint else message)


@dataclass(frozen=True)
class Lock:
    """The pinned packages of one Airflow version, for one minor version of Python."""

    airflow: str
    python: str
    path: Path

    @property
    def digest(self) -> str:
        """Changes whenever a pin changes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()[:8]


def locks() -> dict[str, Lock]:
    """The lock of each Airflow version, oldest first."""
    found = []
    for path in LOCKS.glob("*-py*.txt"):
        airflow, _, python = path.stem.rpartition("-py")
        found.append(Lock(airflow, f"{python[0]}.{python[1:]}", path))
    return {lock.airflow: lock for lock in sorted(found, key=lambda lock: (_numbers(lock.airflow), lock.airflow))}


def chosen_lock(airflow: str = "") -> Lock:
    """The lock of a version, or without one that of 2.10.3, else of the newest Airflow 2 that a Python here runs."""
    known = locks()
    if airflow:
        if airflow not in known:
            raise DrillError(f"there is no lock file for Airflow {airflow}", f"Choose one of {', '.join(known)}.")
        return known[airflow]
    served = [known[version] for version in MATRIX_2 if find_python(known[version].python)]
    if not served:
        raise DrillError("no Python 3.10, 3.11 or 3.12 is here", "Install one of them.")
    return next((lock for lock in served if lock.airflow == PREFERRED), served[-1])


@cache
def find_python(minor: str) -> Path | None:
    """An interpreter of a minor version such as `3.11`, or None."""
    for candidate in _candidates(minor):
        shown = subprocess.run(
            [candidate, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0 and shown.stdout.strip() == minor:
            return candidate
    return None


def provision(lock: Lock) -> Path:
    """Return the folder of a virtual environment with that Airflow; make it when it is not there yet."""
    python = find_python(lock.python)
    if python is None:
        raise DrillError(
            f"Airflow {lock.airflow} needs Python {lock.python}, which is not here",
            f"Put a python{lock.python} on PATH, or choose another version with --airflow.",
        )
    folder = cache_folder() / "airflow" / f"{lock.airflow}-py{lock.python}-{lock.digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / ".complete"
    with (folder.parent / f"{folder.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(python, folder, lock)
            done.touch()
    return folder


def cache_folder() -> Path:
    """Where virtual environments are kept: `$XDG_CACHE_HOME/mwaa-dr`, else `.cache` in the project."""
    home = os.environ.get("XDG_CACHE_HOME")
    return Path(home) / "mwaa-dr" if home else PROJECT / ".cache"


def _install(python: Path, folder: Path, lock: Lock) -> None:
    wanted = ("--no-deps", "-r", lock.path)
    uv = (sys.executable, "-m", "uv")
    # uv takes seconds where venv and pip take a minute, but knows nothing of a package index that only pip is told of.
    try:
        _step(lock, *uv, "venv", "-q", "--python", python, folder)
        _step(lock, *uv, "pip", "install", "-q", "--python", folder / "bin" / "python", *wanted)
    except DrillError:
        _step(lock, python, "-m", "venv", "--clear", folder)
        _step(lock, folder / "bin" / "pip", "install", "-qq", "--no-compile", *wanted)


def _step(lock: Lock, *command: str | Path) -> None:
    # uv leaves locks in the folder for temporary files.
    (own := cache_folder() / "uv").mkdir(parents=True, exist_ok=True)
    settings = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_CACHE_DIR": str(own), "TMPDIR": str(own)}
    done = run(command, PROJECT, {**os.environ, **settings})
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        raise DrillError(f"Airflow {lock.airflow} cannot be installed: {lines[-1] if lines else command}")


def _candidates(minor: str) -> Iterator[Path]:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == minor:
        yield Path(sys.executable)
    on_path = shutil.which(f"python{minor}")
    if on_path:
        yield Path(on_path)
    # A pyenv shim is on PATH although its version is not the active one, and refuses.
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in sorted(root.glob(f"versions/{minor}.*"), reverse=True):
        yield folder / "bin" / "python"


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
