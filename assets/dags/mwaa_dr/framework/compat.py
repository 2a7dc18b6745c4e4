"""Everything that differs between the Airflow versions; the only place that imports Airflow."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import airflow

from mwaa_dr.framework.errors import DrError, SettingError
from mwaa_dr.framework.factory.run import Installation, Run
from mwaa_dr.framework.model.patience import Patience
from mwaa_dr.framework.settings import read_setting

if TYPE_CHECKING:
    from mwaa_dr.framework.database.connection import MetadataDb
    from mwaa_dr.framework.database.left_behind import LeftBehind

logger = logging.getLogger(__name__)

AIRFLOW_3 = int(airflow.__version__.split(".")[0]) >= 3

if AIRFLOW_3:
    from airflow.sdk import DAG, BaseOperator
else:
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.dag import DAG

__all__ = [
    "DAG",
    "BaseOperator",
    "airflow_version",
    "backup_schedule",
    "conceal",
    "connection",
    "ended_run",
    "fail",
    "has_more_tries",
    "installation",
    "keep_conf_out_of_logs",
    "metadata_db",
    "run_of",
    "set_variable",
    "variable",
]

PRESETS = {
    "@once": "@once",
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}


def airflow_version() -> str:
    """The version of the Airflow that imports this, such as `2.10.3`."""
    return str(airflow.__version__)


def variable(key: str) -> str | None:
    """An Airflow Variable, from the database, a secrets backend or `AIRFLOW_VAR_...`; None where there is none."""
    if AIRFLOW_3:
        from airflow.sdk import Variable

        try:
            found = Variable.get(key, default=None)
        except ImportError:  # Airflow 3.0 with nobody to ask, as where `airflow dags reserialize` parses
            from airflow.models.variable import Variable as Stored

            found = Stored.get(key, default_var=None)
    else:
        from airflow.models.variable import Variable

        found = Variable.get(key, default_var=None)
    return None if found is None else str(found)


def installation() -> Installation:
    """What a task must know of its Airflow; nothing in it calls Airflow later, but for the connections."""
    from airflow.configuration import conf

    from mwaa_dr.framework.factory.ways import SdkValues, carrier

    return Installation(
        airflow_version=airflow_version(),
        dags_folder=os.path.expanduser(conf.get("core", "dags_folder")),
        patience=_patience(conf.getint),
        fernet_keys=conf.get("core", "fernet_key", fallback="") or "",
        variable=variable,
        metadata_db=metadata_db,
        carrier=carrier,
        values=SdkValues,
    )


def _patience(number: Callable[..., int]) -> Patience:
    """A task is ended by the scheduler, or from 2.7 to 2.11 by its own supervisor where a rhythm is set.

    Source: `LocalTaskJobRunner._execute` of these versions, and the configuration references of all.
    """
    option = "task_instance_heartbeat_timeout" if AIRFLOW_3 else "scheduler_zombie_task_threshold"
    task = number("scheduler", option, fallback=Patience.task)
    own = 0 if AIRFLOW_3 else number("scheduler", "local_task_job_heartbeat_sec", fallback=0)
    return Patience(
        task=min(task, own) if own > 0 else task,
        scheduler=number("scheduler", "scheduler_health_check_threshold", fallback=Patience.scheduler),
    )


def metadata_db() -> MetadataDb:
    """The metadata database, on connections that Airflow neither shares nor keeps; raises DatabaseError.

    By what somebody named, else by Airflow's own engine, since MWAA swaps an IAM token in by a listener on it, else
    by what is left in the environment of a task of Airflow 3.
    """
    from mwaa_dr.framework.database.reach import Place, engine_of, in_the_environment, reach

    def named(setting: str) -> str:
        return str(read_setting(setting, conf={}, variable=variable, environ=os.environ))

    places = [Place("Airflow's own engine", _own_engine, own=True), *in_the_environment(os.environ)]
    if url := named("database_url"):
        places = [Place("DR_DATABASE_URL", lambda: engine_of(url), asked_for=True)]
    elif conn_id := named("database_conn_id"):
        places = [Place("DR_DATABASE_CONN_ID", lambda: _engine_of_connection(conn_id), asked_for=True)]
    return reach(places, airflow_version())


def _own_engine() -> Any:
    from airflow import settings

    from mwaa_dr.framework.database.reach import NotHereError

    engine = getattr(settings, "engine", None)
    if engine is None:
        raise NotHereError("is kept from tasks")
    return engine


def _engine_of_connection(conn_id: str) -> Any:
    from mwaa_dr.framework.database.reach import NotHereError, engine_by_parts

    found = connection(conn_id)
    if found is None:
        raise NotHereError(f"names '{conn_id}', which is no Connection here")
    return engine_by_parts(
        user=found.login,
        password=found.password,
        host=found.host,
        port=found.port,
        name=found.schema,
        sslmode=found.extra_dejson.get("sslmode", ""),
    )


def connection(conn_id: str) -> Any:
    """An Airflow Connection, as a task gets it; None where it gets none."""
    if AIRFLOW_3:
        from airflow.sdk import Connection

        look_up = Connection.get
    else:
        from airflow.models.connection import Connection

        look_up = Connection.get_connection_from_secrets
    try:
        return look_up(conn_id)
    except Exception:  # noqa: BLE001 - each version and each secrets backend has its own, which may show a secret
        return None


def set_variable(key: str, value: str, description: str | None) -> bool:
    """Set an Airflow Variable from a task of Airflow 3, and no log shows its value; return whether it was taken."""
    from airflow.sdk import Variable

    conceal(value)
    try:
        Variable.set(key, value, description=description)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def has_more_tries(context: Mapping[str, Any]) -> bool:
    """Whether a task of Airflow 3 that fails now is tried again."""
    instance = context["ti"]
    return int(instance.try_number) <= int(getattr(instance, "max_tries", 0) or 0)


def run_of(context: Mapping[str, Any]) -> Run:
    """The run that a task or a callback belongs to."""
    dag_run, instance = context["dag_run"], context["ti"]
    return Run(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        conf=dag_run.conf or {},
        log_url=getattr(instance, "log_url", "") or "",
        reason=context.get("reason") or "",
        pull=lambda key: instance.xcom_pull(task_ids=instance.task_id, key=key),
        push=lambda key, value: instance.xcom_push(key=key, value=value),
    )


def ended_run(context: Mapping[str, Any]) -> Run:
    """The run that a callback is called for.

    Airflow 3 calls back from its DAG processor, which takes no XCom and before 3.1 gives none; the database has them.
    """
    if not AIRFLOW_3:
        return run_of(context)
    from types import SimpleNamespace

    from airflow.sdk.execution_time.xcom import XCom

    from mwaa_dr.framework.database.left_behind import LeftBehind

    left = LeftBehind(metadata_db, context["dag"].dag_id, context["run_id"])
    return Run(
        dag_id=left.dag_id,
        run_id=left.run_id,
        conf=(context["dag_run"].conf if "dag_run" in context else _conf(left)) or {},
        log_url=getattr(context.get("ti"), "log_url", "") or "",
        reason=context.get("reason") or "",
        pull=lambda key: XCom.deserialize_value(SimpleNamespace(value=left.xcom(key))),
    )


def _conf(left: LeftBehind) -> object:
    """The conf of a run of Airflow 3.0; without the database nobody tells it to a callback."""
    try:
        return left.conf()
    except DrError as err:
        logger.warning("the conf of the run cannot be read: %s", err.message)
        return {}


def fail(words: str, *, retry: bool) -> Exception:
    """The exception that ends a task as failed, at once or after the retries that it has left."""
    try:
        from airflow.sdk.exceptions import AirflowException, AirflowFailException
    except ImportError:  # before Airflow 3.2
        from airflow.exceptions import AirflowException, AirflowFailException

    kind: type[Exception] = AirflowException if retry else AirflowFailException
    return kind(words)


class _NoConf(logging.Filter):
    """Drops the debug line that Airflow writes with the whole conf, so with our task tokens, before a task runs."""

    loggers = ("airflow.task", "airflow.models.param", "airflow.sdk.definitions.param")

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep all other records."""
        return not str(record.msg).startswith("Updating task params")


def keep_conf_out_of_logs() -> None:
    """Have this process log no conf of a run; called when a DAG file is parsed, which comes before everything else."""
    for name in _NoConf.loggers:
        logger = logging.getLogger(name)
        if not any(type(other).__name__ == _NoConf.__name__ for other in logger.filters):
            logger.addFilter(_NoConf())


def conceal(secret: str) -> None:
    """Have Airflow replace a secret by `***` in everything that this process logs."""
    if AIRFLOW_3:
        from airflow.sdk.log import mask_secret
    else:
        from airflow.utils.log.secrets_masker import mask_secret
    mask_secret(secret)


def backup_schedule() -> str | None:
    """The schedule of backups, as cron expression or `@once`; raise SettingError, which the UI then shows."""
    from croniter import croniter

    schedule: str = read_setting("schedule", conf={}, variable=variable, environ={})
    if not schedule or schedule.lower() == "none":
        return None
    cron = PRESETS.get(schedule, schedule)
    if cron != "@once" and not croniter.is_valid(cron):
        raise SettingError(
            f"Airflow Variable DR_BACKUP_SCHEDULE is {schedule!r}, allowed: a cron expression,"
            f" {', '.join(PRESETS)}, or nothing",
            "No backup is taken until it is corrected.",
        )
    return cron
