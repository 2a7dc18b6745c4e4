"""Years of history in a moment: copies of a run that really happened, each an hour further in the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drill.airflow import Airflow

ORIGINAL = "t.dag_id = 'drill_resting' AND t.run_id = 'drill~drill_resting+1'"
COPY = "'history~' || i"
EARLIER = "{} - i * interval '1 hour'"
MOMENTS = ("execution_date", "logical_date", "data_interval_start", "data_interval_end", "run_after")
"""Those of a run, in Airflow 2 or 3."""


@dataclass(frozen=True)
class Copied:
    """A table of which rows are copied."""

    table: str
    changed: Mapping[str, str]
    """Column -> what a copy has in it; `{}` is what the original has."""
    original: str = ORIGINAL


COPIED = (
    Copied("dag_run", {"run_id": COPY, **dict.fromkeys(MOMENTS, EARLIER)}),
    Copied("task_instance", {"id": "gen_random_uuid()", "run_id": COPY}),
    Copied(
        "xcom",
        {
            "run_id": COPY,
            "dag_run_id": f"(SELECT r.id FROM dag_run r WHERE r.dag_id = t.dag_id AND r.run_id = {COPY})",
        },
    ),
    Copied("log", {"dttm": EARLIER}, "t.id = (SELECT min(id) FROM log WHERE dag_id = 'drill_resting')"),
)


def fill(airflow: Airflow, rows: int) -> None:
    """Add so many rows: runs, their task instances, their XComs and entries of the audit log, a quarter each."""
    for copied in COPIED:
        columns = _columns(airflow, copied.table)
        values = [copied.changed.get(column, "{}").format(f't."{column}"') for column in columns]
        names = ", ".join(f'"{column}"' for column in columns)
        airflow.query(
            f"INSERT INTO {copied.table} ({names}) SELECT {', '.join(values)}"
            f" FROM {copied.table} t, generate_series(1, %s) i WHERE {copied.original}",
            rows // len(COPIED),
        )


def _columns(airflow: Airflow, table: str) -> list[str]:
    """Those that no sequence numbers."""
    found = airflow.query(
        "SELECT column_name::text FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND (column_name <> 'id' OR data_type = 'uuid')",
        table,
    )
    return [str(row[0]) for row in found]
