"""Why a table that no Airflow version declares is not carried."""

from __future__ import annotations

from collections.abc import Mapping

KNOWN: Mapping[str, str] = {
    "celery_taskmeta": "results that Celery keeps about tasks it has run; Airflow's own history has them",
    "celery_tasksetmeta": "results that Celery keeps about groups of tasks; Airflow does not read them",
    "active_dags": "left behind by mwaa-dr 1.x or 2.x, which wrote into the database it backed up",
    "_xcom_archive": "XComs that the migration to Airflow 3 set aside",
}

PREFIXES: Mapping[str, str] = {
    "_airflow_moved": "rows that a migration of Airflow set aside, since they did not fit the new schema",
    "_airflow_deleted__": "rows that `airflow db clean` archived",
}

OTHERWISE = "no table of Airflow itself: a provider, a plugin or somebody else made it"


def reason_for_unknown(name: str) -> str:
    """Why a table that the version neither carries nor skips is not in the backup."""
    by_prefix = (why for prefix, why in PREFIXES.items() if name.startswith(prefix))
    return KNOWN.get(name) or next(by_prefix, OTHERWISE)
