"""cfn-lint on the templates of both strategies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stacks import synthesised

REAL_IDS = {
    "PRIMARY_SECURITY_GROUP_IDS": "[sg-0123456789abcdef0]",
    "SECONDARY_SECURITY_GROUP_IDS": "[sg-0fedcba9876543210]",
}
"""In the form that EC2 gives them: cfn-lint looks at it."""

CDK_REPEATS = "W3005"
"""CDK names dependencies that references imply already."""


@pytest.mark.slow
@pytest.mark.parametrize("dr_type", ["BACKUP_RESTORE", "WARM_STANDBY"])
def test_cfn_lint_finds_nothing(dr_type: str) -> None:
    folder = synthesised(DR_TYPE=dr_type, **REAL_IDS).folder
    templates = sorted(str(path) for path in folder.glob("*.template.json"))
    program = Path(sys.executable).with_name("cfn-lint")

    done = subprocess.run(
        [str(program), "--ignore-checks", CDK_REPEATS, "--", *templates], capture_output=True, text=True, check=False
    )

    assert len(templates) == 2
    assert done.stdout + done.stderr == ""
