"""The one task of each DAG: read everything, run the engine, leave the result for the callback."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mwaa_dr.framework.errors import UnservedVersionError
from mwaa_dr.framework.factory.run import Factory, Installation, Run
from mwaa_dr.framework.heartbeat import Heartbeat
from mwaa_dr.framework.log_lines import whole_lines
from mwaa_dr.framework.manifest import Mode
from mwaa_dr.framework.model.options import OWN_DAGS, BackupOptions, CleanupOptions, OwnRun, RestoreOptions
from mwaa_dr.framework.model.patience import Patience
from mwaa_dr.framework.model.setting import Operation, StorageType
from mwaa_dr.framework.model.settings import Settings
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.report_file import keep_report, now
from mwaa_dr.framework.settings import read_settings
from mwaa_dr.framework.task_token import TaskToken

if TYPE_CHECKING:
    from mwaa_dr.framework.database.connection import MetadataDb
    from mwaa_dr.framework.storage.storage import Storage

logger = logging.getLogger(__name__)


class LogProgress(Progress):
    """A line in the task's log for each phase and each table."""

    def phase(self, text: str) -> None:
        """Say what begins."""
        logger.info("%s", text)

    def finish(self, table: str, rows: int, seconds: float) -> None:
        """Say what is done."""
        logger.info("%s: %d rows in %.1f s", table, rows, seconds)


@dataclass(frozen=True)
class Job:
    """All that one run needs; from here on nothing asks Airflow, whose rows the engine may hold locked."""

    run: Run
    tables: Tables
    settings: Settings
    airflow_version: str
    fernet_keys: str
    dags_folder: str
    patience: Patience
    work: Callable[..., Report]
    """The engine: called with what is left of (tables, storage, options, progress) for the operation."""

    @property
    def own_dags(self) -> tuple[str, ...]:
        """The ids of our DAGs as far as they are known here; the engine adds those with our tag."""
        return tuple(dict.fromkeys((*OWN_DAGS, self.run.dag_id)))

    @property
    def own_run(self) -> OwnRun:
        """The run that this is."""
        return OwnRun(self.run.dag_id, self.run.run_id)

    @property
    def storage_url(self) -> str:
        """Where the backups are."""
        if self.settings.storage_type is StorageType.LOCAL_FS:
            return (Path(self.dags_folder) / self.settings.path_prefix).absolute().as_uri()
        return f"s3://{self.settings.bucket}/{self.settings.path_prefix}"

    def storage(self) -> Storage:
        """Open the storage."""
        from mwaa_dr.framework.storage.open import open_storage

        return open_storage(self.storage_url, kms_key_arn=self.settings.s3_kms_key_arn, region=self.settings.region)


def perform(operation: Operation, factory: Factory, run: Run, airflow: Installation) -> dict[str, Any]:
    """Do the work of a run; return its result, small enough for an XCom and a workflow's output."""
    tables = factory.chosen_tables()
    settings = read_settings(
        operation,
        conf=run.conf,
        variable=airflow.variable,
        environ=os.environ,
        defaults={"path_prefix": factory.path_prefix, "storage_type": factory.storage_type},
    )
    by_rest = settings.mode is Mode.CONFIG_ONLY
    job = Job(
        run=run,
        tables=tables,
        settings=settings,
        airflow_version=airflow.airflow_version,
        fernet_keys=airflow.fernet_keys,
        dags_folder=airflow.dags_folder,
        patience=airflow.patience,
        work=_by_rest(operation, settings, airflow) if by_rest else _by_database(operation, airflow.metadata_db()),
    )
    token = TaskToken(settings.task_token, settings.task_token_region or settings.region)
    with whole_lines(), Heartbeat(token.beat if settings.task_token else None, settings.heartbeat_seconds):
        report = ENGINE[operation](job)
    for line in [*report.lines(), *(f"was active: {dag_id}" for dag_id in report.active_dags)]:
        logger.info("%s", line)
    return result(report, settings)


def _by_database(operation: Operation, db: MetadataDb) -> Callable[..., Report]:
    from mwaa_dr.framework import backup, cleanup, restore

    engine: Mapping[Operation, Callable[..., Report]] = {
        Operation.BACKUP: backup.take_backup,
        Operation.RESTORE: restore.restore_backup,
        Operation.CLEANUP: cleanup.clean_up,
    }
    return partial(engine[operation], db)


def _by_rest(operation: Operation, settings: Settings, airflow: Installation) -> Callable[..., Report]:
    """Raises UnservedVersionError for an Airflow whose tasks reach the database."""
    from mwaa_dr.framework.config_only import backup, cleanup, restore
    from mwaa_dr.framework.config_only.rest import RestApi
    from mwaa_dr.framework.config_only.values import Reached

    if int(airflow.airflow_version.split(".", maxsplit=1)[0]) < 3:
        raise UnservedVersionError(
            f"DR_MODE=CONFIG_ONLY is for Airflow 3, and Airflow {airflow.airflow_version} runs here",
            "Leave it out: tasks of Airflow 2 reach the database, and nothing is left out then.",
        )
    engine: Mapping[Operation, Callable[..., Report]] = {
        Operation.BACKUP: backup.take_config_backup,
        Operation.RESTORE: restore.restore_config,
        Operation.CLEANUP: cleanup.clean_up_config,
    }
    return partial(engine[operation], Reached(RestApi(airflow.carrier(settings)), airflow.values()))


def result(report: Report, settings: Settings) -> dict[str, Any]:
    """A report in short; the names of the DAGs that cleanup paused are what else would be lost."""
    return {
        "operation": report.operation,
        "environment": report.environment or settings.environment.id,
        "backup_id": report.backup_id,
        "snapshot_time": report.snapshot_time,
        "source": report.source,
        "tables": len(report.tables),
        "rows": sum(line.rows or 0 for line in report.tables),
        "size": sum(line.size or 0 for line in report.tables),
        "inserted": sum(line.inserted or 0 for line in report.tables),
        "replaced": sum(line.replaced or 0 for line in report.tables),
        "kept": sum(line.kept or 0 for line in report.tables),
        "removed": sum(line.removed or 0 for line in report.tables),
        "interrupted": len(report.interrupted),
        "kept_runs": len(report.kept_runs),
        "active_dags": report.active_dags,
        "promoted": report.promoted,
        "dry_run": report.dry_run,
        "seconds": round(report.seconds, 1),
        "mode": report.mode,
        "dr_type": settings.dr_type.value if settings.dr_type else None,
        "notes": [note[:500] for note in report.notes[:10]],
    }


def _back_up(job: Job) -> Report:
    settings = job.settings
    options = BackupOptions(
        environment=settings.environment,
        airflow_version=job.airflow_version,
        fernet_keys=job.fernet_keys,
        kms_key_arns=settings.kms_key_arns,
        connections=settings.connections,
        backup_mode=settings.backup_mode,
        full_every=settings.full_every,
        skip_unreadable_secrets=settings.skip_unreadable_secrets,
        shrink_guard_percent=settings.shrink_guard_percent,
        retention=settings.retention,
        own_dags=job.own_dags,
        wait_seconds=settings.wait_seconds,
        active_dags=_active_dags(settings),
        stop_note=settings.stop_note,
    )
    return job.work(job.tables, job.storage(), options, LogProgress())


def _active_dags(settings: Settings) -> tuple[str, ...] | None:
    """The DAGs that the backup is to have as active; None: those that are."""
    if not settings.active_dags_key:
        return settings.active_dags
    from mwaa_dr.framework.active_dags import noted_active_dags
    from mwaa_dr.framework.storage.open import open_storage

    return noted_active_dags(open_storage(f"s3://{settings.bucket}", region=settings.region), settings.active_dags_key)


def _restore(job: Job) -> Report:
    settings = job.settings
    options = RestoreOptions(
        environment=settings.environment,
        airflow_version=job.airflow_version,
        backup_id=settings.backup_id,
        source=settings.source,
        variables=settings.variable_restore_strategy,
        connections=settings.connection_restore_strategy,
        in_flight=settings.in_flight,
        activate_dags=settings.activate_dags,
        fernet_keys=job.fernet_keys,
        own_dags=job.own_dags,
        own_run=job.own_run,
        dry_run=settings.dry_run,
        lock_seconds=settings.lock_seconds,
        exclusive_seconds=settings.exclusive_seconds,
        patience=job.patience,
    )
    return job.work(job.tables, job.storage(), options, LogProgress())


def _clean_up(job: Job) -> Report:
    settings = job.settings
    options = CleanupOptions(
        own_dags=job.own_dags,
        own_run=job.own_run,
        force=settings.force,
        batch_runs=settings.batched,
        dry_run=settings.dry_run,
        lock_seconds=settings.lock_seconds,
    )
    report = job.work(job.tables, options, LogProgress())
    report.environment = settings.environment.id
    if settings.bucket or settings.storage_type is StorageType.LOCAL_FS:
        keep_report(job.storage(), f"{report.environment}/cleanup-{now()}.json", report)
    return report


ENGINE: Mapping[Operation, Callable[[Job], Report]] = {
    Operation.BACKUP: _back_up,
    Operation.RESTORE: _restore,
    Operation.CLEANUP: _clean_up,
}
