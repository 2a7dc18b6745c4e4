"""The outlines of the workflows, as they were reviewed. Write them anew: python -m tests.lib.workflows.test_outlines"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from docs.outline import outline
from docs.specimen import Specimen
from tests.support.workflows import fencing, reactivate, start, stop, workflow

OUTLINES = Path(__file__).parent / "outlines"

PUBLIC = dict.fromkeys(("MWAA_VPC_ID", "MWAA_VPC_SUBNETS", "MWAA_VPC_SECURITY_GROUPS"), "")
"""The network of an environment with a public web server need not be told."""

SHOWN: dict[str, Callable[..., Specimen]] = {"fence": fencing, "stop": stop, "start": start, "reactivate": reactivate}

FLAGS: dict[str, dict[str, str]] = {
    "backup_restore": {},
    "backup_restore.ageless": {"BACKUP_MAX_AGE_MINS": "0"},
    "backup_restore.approval": {"FAILOVER_APPROVAL": "MANUAL"},
    "backup_restore.unwatched": {"HEALTH_CHECK_ENABLED": "NO"},
    "fence.alarming": {"FENCE_PRIMARY": "NO"},
    "fence.pausing": {"FENCE_PRIMARY": "YES"},
    "reactivate": {},
    "reactivate.public": PUBLIC,
    "start": {},
    "start.public": PUBLIC,
    "start.updated": {"MWAA_UPDATE_AFTER_RESTORE": "YES"},
    "stop": {},
    "stop.public": PUBLIC,
    "warm_standby": {"DR_TYPE": "WARM_STANDBY"},
    "warm_standby.ageless": {"DR_TYPE": "WARM_STANDBY", "BACKUP_MAX_AGE_MINS": "0"},
    "warm_standby.approval": {"DR_TYPE": "WARM_STANDBY", "FAILOVER_APPROVAL": "MANUAL"},
    "warm_standby.unwatched": {"DR_TYPE": "WARM_STANDBY", "HEALTH_CHECK_ENABLED": "NO"},
}
"""What changes the states of a workflow, and nothing else does."""


@pytest.mark.parametrize("name", FLAGS)
def test_a_workflow_is_what_was_reviewed(name: str) -> None:
    assert _outline(name) == _file(name).read_text()


@pytest.mark.parametrize("when_busy", ["WAIT", "SKIP", "FORCE"])
def test_what_a_stop_does_when_it_is_busy_changes_no_state_since_the_input_may_say_otherwise(when_busy: str) -> None:
    found = stop(STOP_WHEN_BUSY=when_busy)
    assert outline(found.definition).text() == _file("stop").read_text()
    payload = found.states["Decide whether to stop"]["Parameters"]
    assert payload["when_busy"] == when_busy


def test_no_reviewed_outline_is_left_over() -> None:
    assert sorted(path.stem for path in OUTLINES.iterdir()) == sorted(FLAGS)


def _outline(name: str) -> str:
    shown = SHOWN.get(name.partition(".")[0], workflow)
    return outline(shown(**FLAGS[name]).definition).text()


def _file(name: str) -> Path:
    return OUTLINES / f"{name}.txt"


if __name__ == "__main__":
    for written in FLAGS:
        _file(written).write_text(_outline(written))
