"""Which tests of a real Airflow there are for its version, and which stay together when several workers share them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
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


def fits(item: pytest.Item) -> bool:
    """Whether the Airflow that a test is about is `since` one version and `before` another, as its marks say."""
    since, before = item.get_closest_marker("since"), item.get_closest_marker("before")
    if since is None and before is None:
        return True
    params = getattr(getattr(item, "callspec", None), "params", {})
    name = Path(params.get("world") or params.get("installed") or "").name
    version = tuple(int(number) for number in re.findall(r"\d+", name)[:3])
    return (since is None or version >= since.args) and (before is None or version < before.args)
