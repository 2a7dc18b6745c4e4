"""Where files lie in memory: a database is created and dropped there in a fifth of the time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOM = 4 << 30
"""Bytes that the databases of a test session may need with their logs, and room for those of other sessions."""


def in_memory(folder: Path = Path("/dev/shm"), room: int = ROOM) -> Path | None:
    """A folder in memory with room enough; None where there is none, as in a small container."""
    is_there = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return folder if is_there and shutil.disk_usage(folder).free >= room else None
