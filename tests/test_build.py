"""./build.sh: what it asks the CDK for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.root import ROOT

INSTALLED = ("requirements.txt", "requirements-dev.txt", "package-lock.json")
CDK = """\
#!/bin/sh
echo "${DR_TYPE:-none}" "$@" >>calls
"""
EXAMPLE, OWN = "env-file=.env.example", "env-file=.env"
STOP_START = "MWAA_MAIN_STACK_NAME=stop-start\n"


@dataclass(frozen=True)
class Project:
    """A project in which all is installed, with a CDK that only notes how it was called."""

    folder: Path

    def synth(self, **environ: str) -> list[list[str]]:
        """The calls, each as DR_TYPE and the arguments."""
        path = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        subprocess.run([str(self.folder / "build.sh"), "synth"], check=True, env={**path, **environ})
        return [line.split() for line in (self.folder / "calls").read_text().splitlines()]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("build.sh", ".env.example", *INSTALLED):
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (tmp_path / "node_modules").mkdir()
    (programs / "python").symlink_to(sys.executable)
    (programs / "npx").write_text(CDK)
    (programs / "npx").chmod(0o755)
    stamp = "".join((ROOT / name).read_text() for name in INSTALLED)
    (tmp_path / ".venv/.requirements").write_text(f"{stamp.rstrip()}\n")
    return Project(tmp_path)


def test_without_a_configuration_both_strategies_of_the_example_are_shown(project: Project) -> None:
    calls = project.synth()
    assert [call[0] for call in calls] == ["BACKUP_RESTORE", "WARM_STANDBY"]
    assert all(EXAMPLE in call for call in calls)


def test_a_file_without_a_strategy_is_shown_once(project: Project) -> None:
    (project.folder / ".env").write_text(STOP_START)
    (call,) = project.synth()
    assert call[0] == "none"
    assert OWN in call


@pytest.mark.parametrize("name", ["STACK_NAME_PREFIX", "MWAA_MAIN_STACK_NAME"])
def test_a_configuration_in_the_environment_is_not_mixed_with_the_example(project: Project, name: str) -> None:
    calls = project.synth(**{name: "mine"})
    assert all(OWN in call for call in calls)
    assert [call[0] for call in calls] == ["none"]


def test_a_strategy_in_the_environment_counts(project: Project) -> None:
    calls = project.synth(STACK_NAME_PREFIX="mine", DR_TYPE="WARM_STANDBY")
    assert [call[0] for call in calls] == ["BACKUP_RESTORE", "WARM_STANDBY"]
    assert all(OWN in call for call in calls)
