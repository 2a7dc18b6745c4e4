"""The three DAG files, parsed by real Airflows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.real_airflow import RealAirflow

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

PARSE = """
import os, sys, warnings
caught = warnings.catch_warnings(record=True)
seen = caught.__enter__()
warnings.simplefilter("always")
statements = []
from sqlalchemy import event
from airflow import settings
event.listen(settings.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
import airflow
in_3 = airflow.__version__.startswith("3")
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:  # before Airflow 3.1
    from airflow.models.dagbag import DagBag
options = {} if in_3 else {"include_examples": False, "read_dags_from_db": False}
bag = DagBag(settings.DAGS_FOLDER, **options)
caught.__exit__(None, None, None)
folder = os.path.realpath(settings.DAGS_FOLDER + "/mwaa_dr")
"""

TELL = """
def told(dag):
    [task] = dag.tasks
    return {
        "file": os.path.basename(dag.fileloc), "catchup": dag.catchup,
        "schedule": str(dag.schedule) if in_3 else dag.timetable.summary,
        "max_active_runs": dag.max_active_runs, "paused": dag.is_paused_upon_creation, "tags": list(dag.tags),
        "retries": task.retries, "hours": dag.dagrun_timeout.total_seconds() / 3600,
        "calls_back": bool(dag.on_success_callback and dag.on_failure_callback),
        "task_calls_back": bool(task.on_success_callback or task.on_failure_callback), "doc": dag.doc_md,
    }
answer = {
    "dags": {dag_id: told(dag) for dag_id, dag in bag.dags.items()},
    "errors": {os.path.basename(path): error for path, error in bag.import_errors.items()},
    "warnings": [str(w.message) for w in seen if os.path.realpath(w.filename).startswith(folder)],
    "statements": statements, "boto3": "boto3" in sys.modules,
}
"""


def parsed(airflow: RealAirflow, schedule: str = "@hourly") -> Any:
    """What parsing the DAGs folder gives."""
    airflow.set(AIRFLOW_VAR_DR_BACKUP_SCHEDULE=schedule)
    return airflow.ask(PARSE + TELL)


@pytest.fixture(scope="module")
def scheduled(airflow: RealAirflow) -> Any:
    """The DAGs folder parsed where a schedule is set."""
    return parsed(airflow)


def test_there_are_three_dags_each_in_its_file(scheduled: Any) -> None:
    assert scheduled["errors"] == {}
    assert {dag_id: dag["file"] for dag_id, dag in scheduled["dags"].items()} == {
        "backup_metadata": "backup_metadata.py",
        "restore_metadata": "restore_metadata.py",
        "cleanup_metadata": "cleanup_metadata.py",
    }


def test_our_files_use_nothing_deprecated(scheduled: Any) -> None:
    assert scheduled["warnings"] == []


def test_parsing_asks_neither_the_database_nor_aws(scheduled: Any) -> None:
    assert scheduled["statements"] == []
    assert scheduled["boto3"] is False


def test_each_dag_is_one_task_one_run_at_a_time_and_answers_for_the_run(scheduled: Any) -> None:
    for dag in scheduled["dags"].values():
        assert (dag["max_active_runs"], dag["catchup"], dag["tags"]) == (1, False, ["mwaa_dr"])
        assert dag["calls_back"] is True
        assert dag["task_calls_back"] is False
        assert dag["hours"] == 24
        assert "`task_token`" in dag["doc"]


def test_only_a_backup_is_tried_again(scheduled: Any) -> None:
    retries = {dag_id: dag["retries"] for dag_id, dag in scheduled["dags"].items()}
    assert retries == {"backup_metadata": 1, "restore_metadata": 0, "cleanup_metadata": 0}


def test_only_the_backup_has_the_schedule(scheduled: Any) -> None:
    schedules = {dag_id: (dag["schedule"], dag["paused"]) for dag_id, dag in scheduled["dags"].items()}
    assert schedules == {
        "backup_metadata": ("0 * * * *", False),
        "restore_metadata": ("None", False),
        "cleanup_metadata": ("None", False),
    }


@pytest.mark.parametrize("schedule", ["", "None"])
def test_without_a_schedule_the_backup_starts_paused(airflow: RealAirflow, schedule: str) -> None:
    backup = parsed(airflow, schedule)["dags"]["backup_metadata"]
    assert (backup["schedule"], backup["paused"]) == ("None", True)


@pytest.mark.parametrize("schedule", ["61 * * * *", "hourly", "@continuous", "* * *"])
def test_a_wrong_schedule_is_named_and_leaves_the_other_dags(airflow: RealAirflow, schedule: str) -> None:
    found = parsed(airflow, schedule)
    assert set(found["dags"]) == {"restore_metadata", "cleanup_metadata"}
    assert f"Airflow Variable DR_BACKUP_SCHEDULE is '{schedule}', allowed: " in found["errors"]["backup_metadata.py"]


@pytest.mark.parametrize("syntax", ["regexp", "glob"])
def test_airflow_looks_for_dags_in_the_three_files_only(airflow: RealAirflow, syntax: str) -> None:
    code = """
import os, sys
from airflow import settings
try:
    from airflow.utils.file import find_path_from_directory
except ImportError:  # from Airflow 3.2 on
    from airflow._shared.module_loading import find_path_from_directory
paths = find_path_from_directory(settings.DAGS_FOLDER, ".airflowignore", sys.argv[1])
answer = sorted(os.path.basename(path) for path in paths if path.endswith(".py"))
"""
    expected = ["backup_metadata.py", "cleanup_metadata.py", "restore_metadata.py"]
    assert airflow.ask(code, syntax) == expected


def test_connections_to_the_metadata_database_are_our_own_and_really_close(airflow: RealAirflow) -> None:
    code = """
from airflow import settings
from mwaa_dr.framework.compat import metadata_db
from sqlalchemy import text
def pid(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
settings.engine.connect().close()
db = metadata_db()
with db.connection() as one, db.connection() as two:
    ours = [pid(one), pid(two)]
    with settings.engine.connect() as theirs:
        airflows = theirs.execute(text("SELECT pg_backend_pid()")).scalar()
    checked_out = settings.engine.pool.checkedout()
import time
def left():
    count = text("SELECT count(*) FROM pg_stat_activity WHERE pid IN (%d, %d)" % tuple(ours))
    with settings.engine.connect() as theirs:
        return theirs.execute(count).scalar()
give_up = time.monotonic() + 120  # a backend takes a moment to go
while left() and time.monotonic() < give_up:
    time.sleep(0.1)
answer = [ours, airflows, checked_out, left()]
"""
    ours, airflows, checked_out, left = airflow.ask(code)
    assert len({*ours, airflows}) == 3
    assert checked_out == 0
    assert left == 0
