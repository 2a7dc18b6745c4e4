"""Which backups have served their time: a decision about names, without a look at storage or clock."""

from __future__ import annotations

from collections.abc import Iterable

from mwaa_dr.framework.backup_id import backup_time
from mwaa_dr.framework.model.options import Retention


def expired(backup_ids: Iterable[str], retention: Retention, latest: str) -> list[str]:
    """The ids to delete, oldest first; never `latest`, the one that is known to be good.

    What is newer than `latest` was never promoted: a shrunken backup, one from a clock that was wrong, or one
    that somebody planted. Those are counted by themselves, so that however many there are, no older
    backup expires earlier. Without a `latest` nothing expires, and what is no backup id never does.
    """
    ids = sorted(name for name in set(backup_ids) if backup_time(name))
    if retention.keeps_all or latest not in ids:
        return []
    proven = [name for name in ids if name <= latest]
    doubtful = [name for name in ids if name > latest]
    kept = {latest, *_kept(proven, retention), *_kept(doubtful, retention)}
    return [name for name in ids if name not in kept]


def _kept(ids: list[str], retention: Retention) -> set[str]:
    """The newest ones, and the newest of each of the last days that have one."""
    newest_of_day = {name[: len("YYYYMMDD")]: name for name in ids}
    days = sorted(newest_of_day)[-retention.days :] if retention.days else []
    newest = ids[-retention.newest :] if retention.newest else []
    return {*newest, *(newest_of_day[day] for day in days)}
