"""Make a backup that was read exist: prove its files, publish the manifest, move the pointer, keep to the retention."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from mwaa_dr.framework.backup_files import BackupFiles
from mwaa_dr.framework.backup_id import new_backup_id
from mwaa_dr.framework.envelope import DataKey, encryption_context, new_data_key
from mwaa_dr.framework.errors import DamagedBackupError, IncompatibleBackupError, MissingBackupError
from mwaa_dr.framework.manifest import FULL_FORMAT, Manifest
from mwaa_dr.framework.model.options import BackupOptions
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.report_file import keep_report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.shrink import shrunk_tables
from mwaa_dr.framework.storage.storage import Storage

logger = logging.getLogger(__name__)

Read = Callable[[], tuple[Manifest, list[TableLine]]]
"""Writes all files of a backup that has begun, and says what they hold."""


@dataclass
class Keeper:
    """One backup on its way into the storage, wherever its rows come from."""

    storage: Storage
    options: BackupOptions
    progress: Progress
    notes: list[str] = field(default_factory=list)
    backup_id: str = ""
    _started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return round(time.monotonic() - self._started, 3)

    def begin(self, moment: datetime, *, confidential: bool, format: int = FULL_FORMAT) -> BackupFiles:
        """Give the backup its id; with `confidential` files it gets a key of its own, where there is one to wrap it."""
        self.backup_id = new_backup_id(moment.astimezone(timezone.utc))
        key = self._key(confidential, format)
        return BackupFiles(self.storage, self.options.environment, self.backup_id, key, self.progress, format)

    def keep(self, read: Read) -> Report:
        """Read, and make the backup exist; raises what `read` raises, and then removes what was written."""
        repository = BackupRepository(self.storage)
        try:
            manifest, lines = read()
            self.progress.phase("verify files")
            repository.verify_files(manifest, own=True)
            promoted = self._is_whole(repository, manifest)
            repository.publish(manifest, promote=False)
        except BaseException:
            self._remove_partial(repository)
            raise
        # From here on the backup exists: `latest` may point at it even where its answer was lost.
        repository.publish(manifest, promote=promoted)
        self._retain(repository, manifest)
        return Report(
            operation="backup",
            environment=manifest.environment.id,
            backup_id=manifest.backup_id,
            snapshot_time=manifest.snapshot_time,
            tables=lines,
            interrupted=[vars(run) for run in manifest.interrupted],
            notes=self.notes,
            promoted=promoted,
            mode=manifest.mode.value,
        )

    def tell(self, report: Report) -> Report:
        """Leave the report beside the backup."""
        report.seconds = self.seconds
        keep_report(self.storage, f"{report.environment}/{report.backup_id}/report.json", report)
        return report

    def _key(self, confidential: bool, format: int) -> DataKey | None:
        if self.options.kms_key_arns:
            context = encryption_context(self.options.environment.id, self.backup_id, format)
            return new_data_key(self.options.kms_key_arns, context)
        if confidential:
            logger.warning(
                "secrets rely on the storage's own encryption, since no KMS key is configured",
                extra={"storage": self.storage.url},
            )
        return None

    def _is_whole(self, repository: BackupRepository, manifest: Manifest) -> bool:
        before = self._latest(repository)
        shrunk = shrunk_tables(before, manifest, self.options.shrink_guard_percent)
        self.notes += shrunk
        if shrunk:
            logger.error("the backup shrank and is not promoted", extra={"reasons": shrunk})
        return not shrunk

    def _latest(self, repository: BackupRepository) -> Manifest | None:
        try:
            return repository.latest(self.options.environment.id)
        except MissingBackupError:
            return None
        except (DamagedBackupError, IncompatibleBackupError) as err:
            self.notes.append(f"the latest backup before this one cannot be read: {err.message}")
            return None

    def _retain(self, repository: BackupRepository, manifest: Manifest) -> None:
        try:
            moment = datetime.fromisoformat(manifest.snapshot_time)
            removed = repository.expire(manifest.environment.id, self.options.retention, now=moment)
        except Exception as err:  # noqa: BLE001 - the new backup is whole; only old ones stay longer
            logger.warning("old backups could not be removed", extra={"reason": str(err)})
            self.notes.append(f"old backups could not be removed: {err}")
            return
        if removed:
            self.notes.append(f"removed by retention: {', '.join(removed)}")

    def _remove_partial(self, repository: BackupRepository) -> None:
        if not self.backup_id:
            return
        try:
            repository.remove(self.options.environment.id, self.backup_id)
        except Exception as err:  # noqa: BLE001 - the first error is the one to report
            folder = f"{self.options.environment.id}/{self.backup_id}"
            logger.warning("a partial backup could not be removed", extra={"folder": folder, "reason": str(err)})
