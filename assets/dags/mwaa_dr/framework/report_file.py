"""Leave a report beside the backup that it is about."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timezone

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.storage.storage import Storage

logger = logging.getLogger(__name__)


def keep_report(storage: Storage, path: str, report: Report) -> None:
    """Store a report; what it reports is done, so a storage that may only be read is no failure."""
    try:
        storage.put(path, report.to_json())
    except StorageError as err:
        logger.warning("the report was not stored", extra={"path": path, "reason": err.message})


def keep_restore_report(storage: Storage, report: Report, started: float) -> Report:
    """Leave the report of a restore that began at `started`, of `time.monotonic()`; a dry run leaves none."""
    report.seconds = round(time.monotonic() - started, 3)
    if not report.dry_run:
        keep_report(storage, f"{report.source}/{report.backup_id}/restore-{now()}.json", report)
    return report


def now() -> str:
    """The moment as names of files have it, in UTC."""
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
