"""The names of backups: they sort by time and say it."""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

_FORM = re.compile(r"([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8,16}")
_TIME = "%Y%m%dT%H%M%SZ"


def new_backup_id(now: datetime) -> str:
    """A name that no other backup has, such as `20261121T230500Z-1f0c9a7e03b2`; two of one second sort by time, too."""
    utc = now.astimezone(timezone.utc)
    return f"{utc:{_TIME}}-{utc.microsecond:05x}{secrets.randbits(28):07x}"


def backup_time(backup_id: str) -> datetime | None:
    """When the backup was begun; None for what is no backup id."""
    form = _FORM.fullmatch(backup_id)
    if not form:
        return None
    try:
        return datetime.strptime(form[1], _TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
