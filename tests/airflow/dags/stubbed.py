"""The three Airflow DAGs over an engine that only does what the run's backup id says."""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.factory.dags import backup_dag, cleanup_dag, restore_dag
from mwaa_dr.framework.factory.standard import standard_factory
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.report import Report, TableLine


class Factory:
    """A factory of no version."""

    path_prefix = "data"
    storage_type = "LOCAL_FS"

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id

    def chosen_tables(self) -> Tables:
        """No table."""
        return Tables()


def report(operation: str, options: Any, **more: Any) -> Report:
    """A small report."""
    return Report(operation, options.environment.id, tables=[TableLine("dag_run", rows=7)], seconds=1.5, **more)


def take_backup(db: Any, tables: object, storage: object, options: Any, progress: object) -> Report:
    """Shrink, after a look at the database."""
    with db.transaction() as cursor:
        cursor.execute("SELECT count(*) FROM dag")
    return report("backup", options, backup_id="B1", promoted=False, notes=["dag_run lost 80 % of its rows"])


def restore_backup(db: object, tables: object, storage: object, options: Any, progress: object) -> Report:
    """Succeed, fail, die or linger, as the backup id says."""
    behaviours = {"refused": refuse, "broken": break_down, "killed": die, "zombie": die_with_supervisor}
    behaviours |= {"mute": refuse_without_xcoms, "slow": lambda: time.sleep(15), "endless": lambda: time.sleep(600)}
    behaviours.get(options.backup_id, lambda: None)()
    return report("restore", options, backup_id=options.backup_id)


def clean_up(db: object, tables: object, options: object, progress: object) -> Report:
    """Fail as no engine should."""
    raise KeyError("unexpected")


def refuse() -> None:
    """Fail in the engine's own words."""
    raise StorageError("the bucket refuses", "Grant s3:GetObject.")


def break_down() -> None:
    """Fail as a driver does that shows values of rows."""
    value = "-".join(["the", "secret", "value"])  # in one piece it would be seen in a traceback
    raise ValueError(f"first line\nCONTEXT: COPY variable, column val: {value}") from ValueError(value)


def refuse_without_xcoms() -> None:
    """Fail where not even the words for it can be left."""
    try:
        from airflow.sdk.execution_time.xcom import XCom
    except ImportError:  # Airflow 2
        from airflow.models.xcom import XCom

    def broken(*arguments: object, **more: object) -> None:
        raise RuntimeError("-".join(["the", "secret", "value"]))

    XCom.set = broken
    refuse()


def die() -> None:
    """Be killed, as by the kernel when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_with_supervisor() -> None:
    """Be killed together with the process that watches the task, as when a worker goes away."""
    os.kill(os.getppid(), signal.SIGKILL)
    die()


def put(module: str, name: str, function: Callable[..., object]) -> None:
    """Stand where a module of the engine would be imported."""
    stub: Any = types.ModuleType(f"mwaa_dr.framework.{module}")
    setattr(stub, name, function)
    sys.modules[stub.__name__] = stub


put("backup", "take_backup", take_backup)
put("restore", "restore_backup", restore_backup)
put("cleanup", "clean_up", clean_up)
put("storage.open", "open_storage", lambda url, **options: url)

backup = backup_dag(Factory("stub_backup"))
restore = restore_dag(Factory("stub_restore"))
cleanup = cleanup_dag(Factory("stub_cleanup"))
hasty = restore_dag(Factory("stub_hasty"))
hasty.dagrun_timeout = timedelta(seconds=8)

refusing_backup = backup_dag(standard_factory("stub_refusing_backup", "9.9.9"))
refusing_restore = restore_dag(standard_factory("stub_refusing_restore", "9.9.9"))
refusing_cleanup = cleanup_dag(standard_factory("stub_refusing_cleanup", "9.9.9"))
