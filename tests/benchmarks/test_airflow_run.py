"""Whole backup runs inside a real Airflow are timed as its own rows tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.airflow_run import DAG, DATABASE, measured_runs
from drill.postgres import Postgres
from tests.support.metadata import Metadata

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def test_each_run_is_one_backup_whose_task_takes_a_part_of_it(postgres: Postgres, tmp_path: Path) -> None:
    runs = measured_runs(postgres, tmp_path, rounds=2)
    assert [0 < run.task < run.whole for run in runs] == [True, True]
    found = Metadata(postgres.url(DATABASE))
    assert found.one(f"SELECT count(*) FROM dag_run WHERE dag_id = '{DAG}' AND state = 'success'") == len(runs)
    assert len(list(tmp_path.rglob("manifest.json"))) == len(runs)
