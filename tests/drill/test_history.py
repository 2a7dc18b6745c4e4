"""History that is made in a moment looks as if it had happened, in the schema of every version."""

from __future__ import annotations

from pathlib import Path

import pytest

from drill import history
from drill.airflow import Airflow
from drill.venvs import MATRIX
from tests.conftest import Database
from tests.support.metadata import Metadata


@pytest.mark.parametrize("version", MATRIX)
def test_runs_with_their_tasks_xcoms_and_log_are_copied(version: str, database: Database, tmp_path: Path) -> None:
    db = Metadata(database(version))
    db.dag("drill_resting")
    db.run_with_task("drill_resting", "drill~drill_resting+1")
    db.insert("log", dag_id="drill_resting", event="success")
    history.fill(Airflow("primary", Path(f"venv/{version}-py3"), tmp_path / "home", db.url, {}), 40)
    date = "execution_date" if version.startswith("2.") else "logical_date"
    assert db.one("SELECT count(*) FROM dag_run WHERE run_id LIKE 'history~%'") == 10
    assert db.one(f"SELECT count(DISTINCT {date}) FROM dag_run") == 11
    assert db.one("SELECT count(*) FROM task_instance") == 11
    assert db.one("SELECT count(*) FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id AND r.run_id = x.run_id") == 11
    assert db.one("SELECT count(*) FROM log") == 11
