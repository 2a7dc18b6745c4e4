"""How one setting is declared: its type, its default, where it comes from, what it means."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mwaa_dr.framework.model.setting_kinds import Kind


class Operation(str, Enum):
    """What a DAG of this package does."""

    BACKUP = "backup"
    RESTORE = "restore"
    CLEANUP = "cleanup"


ALL = frozenset(Operation)
BACKUP = frozenset({Operation.BACKUP})
RESTORE = frozenset({Operation.RESTORE})
CLEANUP = frozenset({Operation.CLEANUP})


@dataclass(frozen=True)
class Setting:
    """Where one setting comes from and what it means."""

    name: str
    kind: Kind
    meaning: str
    used_by: frozenset[Operation]
    conf: str = ""
    """Its key in dag_run.conf; empty: it cannot be set there."""
    variable: str = ""
    environ: tuple[str, ...] = ()
    """Environment variables that tell it, the first one that is set."""
    default: object = None
    default_in_words: str = ""
    secret: bool = False


def setting(default: Any, kind: Kind, meaning: str, *, default_in_words: str = "", **where: Any) -> Any:
    """Declare a field of Settings together with its row in the table of settings."""
    row = {"kind": kind, "meaning": meaning, "default_in_words": default_in_words, **where}
    return dataclasses.field(default=default, repr=not where.get("secret", False), metadata=row)
