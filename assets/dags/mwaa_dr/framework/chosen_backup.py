"""The backup that a restore is about, proved to be whole and to fit before anything is touched."""

from __future__ import annotations

from mwaa_dr.framework.compatibility import check_versions
from mwaa_dr.framework.envelope import DataKey, encryption_context, unwrap
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.model.options import RestoreOptions
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.storage import Storage
from mwaa_dr.framework.table_reader import TableReader


def choose_backup(storage: Storage, options: RestoreOptions, progress: Progress) -> TableReader:
    """The manifest and the files of the backup, every one of them as the manifest says; raises a DrError otherwise."""
    storage.check()
    repository = BackupRepository(storage)
    manifest = repository.choose(options.source, options.backup_id)
    check_versions(manifest, options.airflow_version)
    progress.phase("verify files")
    repository.verify_files(manifest)
    return TableReader(storage, manifest, data_key(manifest, options.environment.region), progress)


def data_key(manifest: Manifest, region: str) -> DataKey | None:
    """What opens the encrypted files of a backup; None where it has none."""
    if not manifest.wrapped_keys:
        return None
    context = encryption_context(manifest.environment.id, manifest.backup_id, manifest.format)
    return unwrap(manifest.wrapped_keys, context, region)
