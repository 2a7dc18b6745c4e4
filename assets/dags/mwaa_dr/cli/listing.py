"""The backups of a storage, each with what its manifest says."""

from __future__ import annotations

from dataclasses import dataclass

from mwaa_dr.framework.errors import DrError, MissingBackupError
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.storage import Storage


@dataclass(frozen=True)
class Listed:
    """One backup; a damaged manifest is said in `error`, and then nothing else is known."""

    environment: str
    backup_id: str
    latest: bool
    snapshot_time: str = ""
    airflow_version: str = ""
    tables: int = 0
    rows: int = 0
    size: int = 0
    interrupted: int = 0
    encrypted: bool = False
    mode: str = Mode.DATABASE.value
    parent: str = ""
    """The backup that it adds to; empty: it is a full one."""
    base: str = ""
    error: str = ""

    @property
    def remark(self) -> str:
        """What a person should notice."""
        mode = self.mode if self.mode != Mode.DATABASE.value else ""
        parent = f"adds to {self.parent}" if self.parent else ""
        return ", ".join(filter(None, ["latest" if self.latest else "", mode, parent, self.error]))


def listed(storage: Storage, source: str = "") -> list[Listed]:
    """All complete backups, by environment, the newest first; raise StorageError where there is no storage."""
    storage.check()
    repository = BackupRepository(storage)
    environments = [source] if source else repository.environments()
    return [
        _one(repository, environment, backup_id, latest)
        for environment in environments
        for latest in [_latest(repository, environment)]
        for backup_id in reversed(repository.backup_ids(environment))
    ]


def _latest(repository: BackupRepository, environment: str) -> str:
    try:
        return repository.latest(environment).backup_id
    except DrError:
        # The list itself shows which one is damaged, or that none is the latest.
        return ""


def _one(repository: BackupRepository, environment: str, backup_id: str, latest: str) -> Listed:
    try:
        manifest = repository.manifest(environment, backup_id)
    except MissingBackupError:
        return Listed(environment, backup_id, latest=False, error="was deleted meanwhile")
    except DrError as err:
        return Listed(environment, backup_id, latest=False, error=err.message)
    return Listed(
        environment,
        backup_id,
        latest=backup_id == latest,
        snapshot_time=manifest.snapshot_time,
        airflow_version=manifest.airflow_version,
        tables=len(manifest.table_names),
        rows=manifest.rows,
        size=manifest.size,
        interrupted=len(manifest.interrupted),
        encrypted=any(file.encrypted for file in manifest.tables),
        mode=manifest.mode.value,
        parent=manifest.parent,
        base=manifest.base,
    )
