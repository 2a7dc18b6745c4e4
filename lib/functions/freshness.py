"""Whether backups of the primary still arrive in the secondary's own bucket: asked while the primary is healthy.

Few calls, since it is asked with every health check: one listing of the backups that are young enough, and one look at
the newest of them, an increment with all that it adds to. Permissions: s3:ListBucket on the backup bucket, s3:GetObject
on manifests and reports, kms:Decrypt for its key; dynamodb:GetItem and dynamodb:PutItem on the records.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from lib.functions import clock
from lib.functions.aws import client
from lib.functions.backup_manifest import backup_time
from lib.functions.backups import BackupBucket
from lib.functions.mwaa import Place
from lib.functions.record_table import BACKUPS, FAILED_OVER, RecordTable


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """`{"primary", "bucket", "region", "path_prefix", "max_age_mins", "health", "records"}` -> `{"backup_id",
    "trouble"}`: the newest whole backup, and what is wrong with it in words; both may be empty.
    """
    table, limit = RecordTable(event["records"]), timedelta(minutes=event["max_age_mins"])
    seen = table.get(BACKUPS)
    watched_since = seen.get("since") or clock.text(clock.now())
    newest, is_fresh = _newest(event, seen.get("backup_id", ""), limit)
    now_seen = {"since": watched_since, "backup_id": newest}
    if now_seen != seen:
        table.put(BACKUPS, now_seen)
    is_over = not is_fresh and _is_due(event, watched_since, limit) and not table.get(FAILED_OVER)
    return {"backup_id": newest, "trouble": _trouble(event, newest, watched_since) if is_over else ""}


def _newest(event: Mapping[str, Any], known: str, limit: timedelta) -> tuple[str, bool]:
    """The newest whole backup, and whether it is young enough."""
    bucket = BackupBucket(client("s3", event["region"]), event["bucket"], event["path_prefix"])
    name = Place.of(event["primary"]).id
    if newest := bucket.newest_whole(name, since=clock.now() - limit, known=known):
        return newest, True
    return bucket.newest_whole(name, known=known), False


def _is_due(event: Mapping[str, Any], watched_since: str, limit: timedelta) -> bool:
    """Whether a backup could be there: neither the environment nor this watch is too new for that.

    An environment that was stopped and started is a new one.
    """
    return all(clock.is_past(moment, after=limit) for moment in (watched_since, event["health"].get("created_at", "")))


def _trouble(event: Mapping[str, Any], newest: str, watched_since: str) -> str:
    place = f"of {Place.of(event['primary'])} in s3://{event['bucket']}"
    limit = f"a new one should have arrived within {event['max_age_mins']} minutes, which BACKUP_MAX_AGE_MINS says"
    begun = backup_time(newest)
    if begun is None:
        return f"there is no whole backup {place}, looked for since {watched_since}: {limit}"
    hours, minutes = divmod(int((clock.now() - begun).total_seconds()) // 60, 60)
    age = f"{hours} h {minutes} min ago"
    return f"the newest whole backup {place} is {newest}, begun at {clock.text(begun)}, {age}: {limit}"
