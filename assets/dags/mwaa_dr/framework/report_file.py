"""Leave a report beside the backup that it is about."""

from __future__ import annotations

import logging

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
