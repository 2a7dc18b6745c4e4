"""Workflows, synthesised once for each configuration."""

from __future__ import annotations

from functools import cache

from docs.specimen import Specimen, fence, specimen
from tests.support.configuration import recovery


@cache
def workflow(**changes: str) -> Specimen:
    """The workflow of a configuration; backup and restore when nothing is changed."""
    return specimen(recovery(**changes))


@cache
def fencing(**changes: str) -> Specimen:
    """The fence of a configuration."""
    return fence(recovery(**changes))


def warm_standby(**changes: str) -> Specimen:
    """The same for the other strategy."""
    return workflow(DR_TYPE="WARM_STANDBY", **changes)
