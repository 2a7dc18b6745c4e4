"""The wheel that `pip wheel .` builds, installed where nothing else is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "assets" / "dags" / "mwaa_dr"

pytestmark = pytest.mark.slow


def run(*command: str | Path, where: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, cwd=where, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since building writes beside the sources."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(PACKAGE, copy / "assets" / "dags" / "mwaa_dr", ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "-q", "-w", "dist", where=copy)
    return next((copy / "dist").glob("*.whl"))


def test_it_holds_every_module_of_the_package(wheel: Path) -> None:
    modules = {path.relative_to(PACKAGE.parent).as_posix() for path in PACKAGE.rglob("*.py")}

    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")} == modules


def test_it_needs_nothing_that_airflow_on_mwaa_does_not_bring(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))

    assert "Requires-Dist" not in archive.read(metadata).decode()


def test_its_command_runs_without_airflow_and_without_any_other_package(wheel: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    python = fresh / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, where=tmp_path)

    assert "back up a metadata database" in run(python, "-m", "mwaa_dr", "--help", where=tmp_path)
    listed = run(python, "-m", "mwaa_dr", "list", "--json", "--storage", tmp_path / "backups", where=tmp_path)
    assert json.loads(listed)["backups"] == []
    assert run(fresh / "bin" / "mwaa-dr", "--version", where=tmp_path).startswith("mwaa_dr ")
