"""Which tests stay together when several workers share them (`--dist loadgroup`)."""

from __future__ import annotations

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.support.real_airflow import venvs


class ByAirflow(LoadScopeScheduling):
    """Gives what a folder tells of one real Airflow to one worker, in order: set up once, told as a story.

    xdist's own groups are not kept with pytest 9.2: https://github.com/pytest-dev/pytest-xdist/issues/1386
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid, [Path(name).name for name in venvs()])


def group(nodeid: str, airflows: list[str]) -> str:
    """What a test belongs to: its folder, with the Airflow that it is about."""
    file, _, test = nodeid.partition("::")
    named = [airflow for airflow in airflows if airflow in test]
    return f"{Path(file).parent} {max(named, key=len, default='')}"
