"""Workflows, synthesised once for each configuration."""

from __future__ import annotations

from functools import cache

from docs.specimen import Specimen, fence, specimen, transition
from tests.support.configuration import recovery, start_stop

PRIVATE = {
    "MWAA_VPC_ID": "vpc-0123abcd",
    "MWAA_VPC_SUBNETS": "[subnet-0123abcd, subnet-4567abcd]",
    "MWAA_VPC_SECURITY_GROUPS": "[sg-0123abcd]",
}
"""What tells the network of an environment that may have a private web server."""


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


@cache
def stop(**changes: str) -> Specimen:
    """The stop of a configuration; with the network of the environment when nothing is changed."""
    return transition(start_stop(**{**PRIVATE, **changes}), "stop")


@cache
def start(**changes: str) -> Specimen:
    """The start of it."""
    return transition(start_stop(**{**PRIVATE, **changes}), "start")


@cache
def reactivate(**changes: str) -> Specimen:
    """What follows on a stop that has failed."""
    return transition(start_stop(**{**PRIVATE, **changes}), "reactivate")
