"""The outlines of the workflows, as they were reviewed. Write them anew: python -m tests.lib.workflows.test_outlines"""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.outline import outline
from tests.support.workflows import fencing, workflow

OUTLINES = Path(__file__).parent / "outlines"

FLAGS: dict[str, dict[str, str]] = {
    "backup_restore": {},
    "backup_restore.ageless": {"BACKUP_MAX_AGE_MINS": "0"},
    "backup_restore.approval": {"FAILOVER_APPROVAL": "MANUAL"},
    "backup_restore.unwatched": {"HEALTH_CHECK_ENABLED": "NO"},
    "fence.alarming": {"FENCE_PRIMARY": "NO"},
    "fence.pausing": {"FENCE_PRIMARY": "YES"},
    "warm_standby": {"DR_TYPE": "WARM_STANDBY"},
    "warm_standby.ageless": {"DR_TYPE": "WARM_STANDBY", "BACKUP_MAX_AGE_MINS": "0"},
    "warm_standby.approval": {"DR_TYPE": "WARM_STANDBY", "FAILOVER_APPROVAL": "MANUAL"},
    "warm_standby.unwatched": {"DR_TYPE": "WARM_STANDBY", "HEALTH_CHECK_ENABLED": "NO"},
}
"""What changes the states of a workflow, and nothing else does."""


@pytest.mark.parametrize("name", FLAGS)
def test_a_workflow_is_what_was_reviewed(name: str) -> None:
    assert _outline(name) == _file(name).read_text()


def test_no_reviewed_outline_is_left_over() -> None:
    assert sorted(path.stem for path in OUTLINES.iterdir()) == sorted(FLAGS)


def _outline(name: str) -> str:
    shown = fencing if name.startswith("fence") else workflow
    return outline(shown(**FLAGS[name]).definition).text()


def _file(name: str) -> Path:
    return OUTLINES / f"{name}.txt"


if __name__ == "__main__":
    for written in FLAGS:
        _file(written).write_text(_outline(written))
