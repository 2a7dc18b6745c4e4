"""The input of a recovery: flags that a person may set when starting it by hand; the first state reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lib.functions.errors import Misconfigured

IGNORED = frozenset({"comment", "aws_step_functions_started_by_execution_id"})
"""What the console of Step Functions suggests and adds."""

_WORDS = {"YES": True, "NO": False}


@dataclass(frozen=True)
class ExecutionInput:
    """What an execution was asked for."""

    simulate: bool = False
    """The primary counts as unhealthy, whatever it says."""
    force: bool = False
    """Recover although a failover is recorded."""
    activate_dags: bool = True
    """Without it the restored DAGs stay paused, for a drill."""


FLAGS = {"simulate_dr": "simulate", "force": "force", "activate_dags": "activate_dags"}
"""Flag, as a person writes it -> field."""


def read(given: object) -> ExecutionInput:
    """The flags of an input, be it a person's or what `handler` made of it; raises Misconfigured.

    >>> read({"simulate_dr": "yes"})
    ExecutionInput(simulate=True, force=False, activate_dags=True)
    """
    if not isinstance(given, Mapping):
        raise Misconfigured(f'the input is {shown(given)}; HINT: It is an object, as {{"simulate_dr": "YES"}}.')
    flags = {name: value for name, value in given.items() if name.lower() not in IGNORED}
    return ExecutionInput(**{_field(name): _is_set(name, value) for name, value in flags.items()})


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"input"}`, as the execution got it -> `{"simulate", "force", "activate_dags"}`; raises Misconfigured."""
    return asdict(read(event["input"]))


def _field(name: str) -> str:
    field = FLAGS.get(name.lower(), name)
    if field not in FLAGS.values():
        raise Misconfigured(f"the input has {shown(name)}; HINT: Known are {', '.join(FLAGS)}, all optional.")
    return field


def _is_set(name: str, value: object) -> bool:
    found = value if isinstance(value, bool) else _WORDS.get(str(value).strip().upper())
    if found is None:
        raise Misconfigured(f"the input has {name} = {shown(value)}; HINT: It is YES or NO.")
    return found


def shown(value: object) -> str:
    """What a person wrote, short enough for an error."""
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
