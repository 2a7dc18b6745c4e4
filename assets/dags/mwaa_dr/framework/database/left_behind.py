"""What a run that has ended left in the database of Airflow 3, for a callback that cannot ask Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mwaa_dr.framework.database.connection import MetadataDb


@dataclass(frozen=True)
class LeftBehind:
    """One run of one of our DAGs, which have one task each."""

    db: Callable[[], MetadataDb]
    dag_id: str
    run_id: str

    def conf(self) -> object:
        """dag_run.conf; None where there is none."""
        return self._one("SELECT conf FROM dag_run WHERE dag_id = %s AND run_id = %s")

    def xcom(self, key: str) -> object:
        """The XCom of that key as Airflow stored it; None where there is none."""
        return self._one("SELECT value FROM xcom WHERE dag_id = %s AND run_id = %s AND key = %s", key)

    def _one(self, query: str, *more: str) -> object:
        with self.db().connection() as connection, connection.cursor() as cursor:
            cursor.execute(query, (self.dag_id, self.run_id, *more))
            found = cursor.fetchone()
        return found[0] if found else None
