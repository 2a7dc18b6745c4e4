"""The .env of a test's account, and what is there before a deployment, as drill/land.py makes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from drill.land import MWAA, bucket, buckets_and_roles, create, networks, role
from lib.config.recovery import DisasterRecovery

__all__ = ["MWAA", "bucket", "create", "env_file", "networks", "prepare", "role"]

EXAMPLE = Path(__file__).parents[2] / ".env.example"


def env_file(variables: Mapping[str, str]) -> str:
    """.env.example with these values in place of its own, whether they are set there or only shown."""
    lines, left = [], dict(variables)
    for line in EXAMPLE.read_text().splitlines():
        name = line.removeprefix("# ").partition("=")[0]
        lines.append(f"{name}={left.pop(name)}" if name in left and "=" in line else line)
    assert not left, f"not in .env.example: {', '.join(left)}"
    return "\n".join([*lines, ""])


def prepare(aws: LocalAws, config: DisasterRecovery, **changes: Any) -> None:
    """DAGs buckets and roles of both sides, and the primary environment, with these fields as they are told."""
    buckets_and_roles(aws, config)
    create(aws, config, config.primary, **changes)
