"""What a story has to remember for its checks and its report."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drill.backups import Stored
from drill.compare import Difference
from drill.executions import Execution
from drill.snapshot import Rows


@dataclass
class Lost:
    """The primary at the moment of the disaster."""

    at: datetime
    backup: Stored
    """The backup that has to be restored: the newest one that had come to the secondary Region whole."""
    seen: Rows
    """What that backup saw, with the secrets decrypted."""
    runs: list[tuple[str, str, str]]
    """Every run that there was: DAG, run, state."""
    fields: dict[str, Any]
    """Of the environment, as MWAA kept them."""


@dataclass
class Kept:
    """Filled as the story goes on."""

    secret: str = field(default_factory=lambda: f"drill-secret-{secrets.token_hex(16)}")
    """The value of a variable and of a password, which no log may hold."""
    keys: dict[str, str] = field(default_factory=dict)
    """What -> a key or password that was handed to an environment."""
    moments: dict[str, datetime] = field(default_factory=dict)
    """What happened besides -> when."""
    parts: dict[str, float] = field(default_factory=dict)
    """What the drill did -> its seconds."""
    there: Rows = field(default_factory=dict)
    """The rows of the secondary right before the restore."""
    lost: Lost | None = None
    execution: Execution | None = None
    """The one that recovers, as it was seen last."""
    newer: str = ""
    """The backup that is newer than the one to be restored, where there is such a one."""
    differences: list[Difference] = field(default_factory=list)
    """What was seen on the way that is not as promised."""
    ends: list[str] = field(default_factory=list)
    """How it ended, before each redrive and at last: `SUCCEEDED`, or the name of its error."""
