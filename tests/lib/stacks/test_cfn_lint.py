"""cfn-lint on the templates of both strategies and both products."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stacks import REAL_IDS, both_products, folder_of, synthesised
from tests.support.workflows import PRIVATE

CDK_REPEATS = "W3005"
"""CDK names dependencies that references imply already."""


@pytest.mark.slow
@pytest.mark.parametrize("dr_type", ["BACKUP_RESTORE", "WARM_STANDBY"])
def test_cfn_lint_finds_nothing(dr_type: str) -> None:
    assert found(synthesised(DR_TYPE=dr_type, **REAL_IDS).folder, stacks=2) == ""


@pytest.mark.slow
def test_cfn_lint_finds_nothing_in_stop_and_start() -> None:
    assert found(folder_of(both_products(**PRIVATE)), stacks=3) == ""


def found(folder: Path, *, stacks: int) -> str:
    """What cfn-lint says of the templates in the folder."""
    templates = sorted(str(path) for path in folder.glob("*.template.json"))
    program = Path(sys.executable).with_name("cfn-lint")

    done = subprocess.run(
        [str(program), "--ignore-checks", CDK_REPEATS, "--", *templates], capture_output=True, text=True, check=False
    )

    assert len(templates) == stacks
    return done.stdout + done.stderr
