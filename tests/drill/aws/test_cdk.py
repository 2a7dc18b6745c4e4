"""The CDK command line needs Node.js, and says so in words."""

from __future__ import annotations

import shutil
from importlib import util
from pathlib import Path
from typing import Any

import pytest

from drill.aws import LocalAwsError, cdk


def none(*_: Any) -> None:
    """Find nothing."""


def node(folder: Path, version: str) -> str:
    """The path of a program that says it is this version of Node.js."""
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return str(program)


def test_a_machine_without_node_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", none)
    monkeypatch.setattr(util, "find_spec", none)
    with pytest.raises(LocalAwsError, match=r"Node\.js 20(.|\n)*build\.sh setup"):
        cdk.find_node()


@pytest.mark.parametrize(("version", "is_taken"), [("v18.20.4", False), ("v20.0.0", True), ("v24.19.0", True)])
def test_node_is_taken_from_version_20_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, is_taken: bool
) -> None:
    program = node(tmp_path, version)
    monkeypatch.setattr(shutil, "which", lambda _: program)
    monkeypatch.setattr(util, "find_spec", none)
    if is_taken:
        assert cdk.find_node() == program
    else:
        with pytest.raises(LocalAwsError):
            cdk.find_node()


def test_a_command_that_fails_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match=r"cdk nonsense failed(.|\n)*cdk\.log"):
        cdk.Cdk(tmp_path).run(["nonsense"], {"PATH": ""})
