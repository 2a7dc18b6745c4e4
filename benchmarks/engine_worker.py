"""`python -m benchmarks.engine_worker JSON`: one backup or restore of the engine in a process of its own."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.process import serve
from mwaa_dr.framework.backup import take_backup
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.options import BackupMode, BackupOptions, RestoreOptions, Retention
from mwaa_dr.framework.restore import restore_backup
from mwaa_dr.framework.storage.open import open_storage
from mwaa_dr.versions import factory_for


def main(asked: dict[str, Any]) -> None:
    """Wait for the start and do it, as the command line and the DAGs do it."""
    airflow = asked["airflow"]
    db, tables, storage = MetadataDb.from_url(asked["url"]), factory_for(airflow).tables, open_storage(asked["place"])
    with db.connection():
        storage.check()  # loads what is loaded late
    environment = Environment("bench", "eu-west-1")
    if asked["operation"] == "backup":
        mode, connections = BackupMode(asked["mode"]), asked["connections"]
        backup = BackupOptions(
            environment, airflow, connections=connections, backup_mode=mode, retention=Retention(0, 0)
        )
        serve(lambda: take_backup(db, tables, storage, backup))
    else:
        restore = RestoreOptions(Environment("other", "eu-central-1"), airflow)
        serve(lambda: restore_backup(db, tables, storage, restore))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
