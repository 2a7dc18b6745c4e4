"""Small backups in a storage, without a database."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from mwaa_dr.framework.manifest import Environment, Manifest, TableFile
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.storage import Storage

PROD = Environment("prod", "us-east-1")
FILES = {"log": b"log rows " * 100, "xcom": b"xcom rows " * 200_000}


def a_manifest(backup_id: str, environment: Environment = PROD, **changes: Any) -> Manifest:
    manifest = Manifest(
        backup_id=backup_id,
        environment=environment,
        snapshot_time="2026-11-21T23:05:00+00:00",
        airflow_version="2.10.3",
        alembic_revision="5f2621c13b39",
        engine_version="1.0.0",
        tables=tuple(
            TableFile(name, f"{name}.csv.gz", ("id",), 7, len(data), hashlib.sha256(data).hexdigest())
            for name, data in FILES.items()
        ),
    )
    return replace(manifest, **changes)


def a_backup(
    storage: Storage,
    backup_id: str,
    environment: Environment = PROD,
    *,
    promote: bool = True,
    complete: bool = True,
    **changes: Any,
) -> Manifest:
    """Put the files of a backup, and publish it unless it is to stay incomplete."""
    manifest = a_manifest(backup_id, environment, **changes)
    for name, data in FILES.items():
        storage.put(f"{environment.id}/{backup_id}/{name}.csv.gz", data)
    if complete:
        BackupRepository(storage).publish(manifest, promote=promote)
    return manifest
