"""The backup, restore and cleanup DAG of a factory: one task each, and callbacks on the run."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from mwaa_dr.framework import callbacks, compat
from mwaa_dr.framework.aws import keep_bodies_out_of_logs
from mwaa_dr.framework.errors import ApiError, BusyError, DatabaseError, DrError, StorageError
from mwaa_dr.framework.factory import tasks
from mwaa_dr.framework.factory.run import FAILURE, RESULT, Factory, Failure, Run
from mwaa_dr.framework.model.setting import Operation
from mwaa_dr.framework.settings_page import settings_table

logger = logging.getLogger(__name__)

TAG = "mwaa_dr"
"""The engine recognises our DAGs by it, whatever ids they have."""

START = datetime(2024, 1, 1, tzinfo=timezone.utc)

DESCRIPTIONS = {
    Operation.BACKUP: "Backs up the metadata database",
    Operation.RESTORE: "Restores a backup into the metadata database",
    Operation.CLEANUP: "Empties what a restore fills, and pauses all DAGs but those of mwaa_dr",
}

RETRY_DELAY = timedelta(minutes=1)

RUN_TIMEOUT = timedelta(hours=24)
"""A run that hangs blocks the next one, since there is never more than one."""

PASSING = (StorageError, DatabaseError, ApiError, BusyError)
"""Errors of ours that may be gone a minute later; of others nobody knows, so they count as passing."""


def backup_dag(factory: Factory) -> Any:
    """Back up, on the schedule in the Airflow Variable DR_BACKUP_SCHEDULE."""
    # A backup overwrites nothing, so one more try is safe; workers that MWAA takes away are the usual reason.
    return _dag(Operation.BACKUP, factory, schedule=compat.backup_schedule(), retries=1)


def restore_dag(factory: Factory) -> Any:
    """Restore, when triggered."""
    return _dag(Operation.RESTORE, factory)


def cleanup_dag(factory: Factory) -> Any:
    """Empty what a restore will fill, when triggered."""
    return _dag(Operation.CLEANUP, factory)


class MetadataOperator(compat.BaseOperator):  # type: ignore[misc]  # Airflow is not installed where mypy runs
    """Backs up, restores or cleans the metadata database, in one task."""

    ui_color = "#d8e8f0"

    def __init__(self, *, operation: Operation, factory: Factory, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operation = operation
        self.factory = factory

    def execute(self, context: Mapping[str, Any]) -> None:
        """Do the work and leave its result, or the words for its failure, where the callback finds them."""
        run = compat.run_of(context)
        _keep_secrets_out_of_logs(run)
        try:
            result = tasks.perform(self.operation, self.factory, run, compat.installation())
        except Exception as err:  # noqa: BLE001 - whatever it is, the callback must be able to name it
            failure = Failure.of(err)
            _log_frames(err)
            _leave_word(run, failure)
            passing = isinstance(err, PASSING) or not isinstance(err, DrError)
            if not (passing and compat.has_more_tries(context)):
                self._tell(run, failure)
            # Not `from err`: Airflow would log the messages of its causes, which may hold values of rows.
            raise compat.fail(str(failure), retry=passing) from None
        run.push(RESULT, result)
        self._tell(run, result)

    def _tell(self, run: Run, word: Mapping[str, Any] | Failure) -> None:
        callbacks.tell_from_task(self.operation, run, word, variable=compat.variable, environ=os.environ)


def _dag(operation: Operation, factory: Factory, schedule: str | None = None, retries: int = 0) -> Any:
    compat.keep_conf_out_of_logs()
    dag = compat.DAG(
        dag_id=factory.dag_id,
        description=DESCRIPTIONS[operation],
        doc_md=settings_table(operation),
        tags=[TAG],
        schedule=schedule,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=RUN_TIMEOUT,
        is_paused_upon_creation=operation is Operation.BACKUP and schedule is None,
        # On the run, not on the task: one answer for each run, also where the task was killed.
        on_success_callback=functools.partial(_ended, operation=operation, succeeded=True),
        on_failure_callback=functools.partial(_ended, operation=operation, succeeded=False),
    )
    MetadataOperator(
        task_id=operation.value,
        dag=dag,
        operation=operation,
        factory=factory,
        owner=TAG,
        retries=retries,
        retry_delay=RETRY_DELAY,
    )
    return dag


def _ended(context: Mapping[str, Any], *, operation: Operation, succeeded: bool) -> None:
    run = compat.ended_run(context)
    _keep_secrets_out_of_logs(run)
    callbacks.tell(operation, run, succeeded=succeeded, variable=compat.variable, environ=os.environ)


def _leave_word(run: Run, failure: Failure) -> None:
    try:
        run.push(FAILURE, dataclasses.asdict(failure))
    except Exception as err:  # noqa: BLE001 - the database may be what failed, and the first error is the one to raise
        logger.warning("XCom '%s' cannot be written (%s)", FAILURE, type(err).__name__)


def _keep_secrets_out_of_logs(run: Run) -> None:
    keep_bodies_out_of_logs()
    token = run.conf.get("task_token") if isinstance(run.conf, Mapping) else None
    if isinstance(token, str) and token:
        compat.conceal(token)


def _log_frames(error: BaseException) -> None:
    """Say where an error comes from, without the messages of its causes, which may hold values of rows."""
    level = logging.DEBUG if isinstance(error, DrError) else logging.ERROR
    cause: BaseException | None = error
    while cause:
        frames = "".join(traceback.format_tb(cause.__traceback__))
        logger.log(level, "%s raised at\n%s", type(cause).__name__, frames)
        cause = cause.__cause__
