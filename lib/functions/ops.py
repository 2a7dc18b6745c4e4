"""Functions that do several things: which of them an event asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from lib.functions.errors import Misconfigured

Op = TypeVar("Op")


def chosen(operations: Mapping[str, Op], event: Mapping[str, object]) -> Op:
    """What does the `op` of an event; raises Misconfigured for one that is not there."""
    op = str(event["op"])
    if op not in operations:
        raise Misconfigured(f"unknown op {op!r}, allowed: {', '.join(operations)}")
    return operations[op]
