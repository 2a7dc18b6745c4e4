"""Memory grows neither with the number nor with the width of rows: at most 64 MiB above the idle process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import manifest_of
from tests.support.engine_process import EngineProcess
from tests.support.fernet import encrypted
from tests.support.metadata import FERNET, START, Metadata
from tests.support.s3_server import s3_server

pytestmark = pytest.mark.slow
MOST = 64
"""MiB."""


def narrow_rows(db: Metadata) -> None:
    """400,000 rows as most are."""
    db.dag()
    db.run_sql(
        "INSERT INTO dag_run (dag_id, run_id, run_type, state, execution_date, log_template_id)"
        " SELECT 'sales', 'r' || n, 'scheduled', 'success', %s + n * interval '1 hour', NULL"
        " FROM generate_series(1, 2000) n",
        START,
    )
    db.run_sql(
        "INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, pool, pool_slots, operator)"
        " SELECT 'sales', 'r' || r, 't' || t, -1, 'success', 'default_pool', 1, 'PythonOperator'"
        " FROM generate_series(1, 2000) r, generate_series(1, 100) t"
    )
    db.run_sql(
        "INSERT INTO log (dttm, dag_id, task_id, event, owner, extra)"
        " SELECT %s + n * interval '1 s', 'sales', 't1', 'running', 'airflow', 'host_name: a, full_command: b'"
        " FROM generate_series(1, 198000) n",
        START,
    )


def wide_rows(db: Metadata) -> None:
    """10,000 XComs of 50 kB."""
    db.dag()
    run = db.dag_run("sales", "r1")
    db.task("sales", "r1")
    db.run_sql(
        "INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, timestamp, value)"
        " SELECT %s, 'sales', 'r1', 'load', -1, 'k' || n, %s, convert_to(repeat(md5(n::text), 1563), 'UTF8')"
        " FROM generate_series(1, 10000) n",
        run,
        START,
    )


def large_secrets(db: Metadata) -> None:
    """80 variables and 40 connections of 1 MB each."""
    value = encrypted(FERNET, "secret, \n" * (1 << 17))
    for number in range(80):
        db.insert("variable", key=f"v{number}", val=value, is_encrypted=True)
    for number in range(40):
        db.insert("connection", conn_id=f"c{number}", conn_type="t", extra=value, is_extra_encrypted=True)


@pytest.mark.parametrize("rows", [narrow_rows, wide_rows, large_secrets])
def test_a_backup_and_a_restore_take_at_most_64_mib_more_than_the_idle_process(
    primary: Metadata, secondary: Metadata, tmp_path: Path, rows: Callable[[Metadata], None]
) -> None:
    rows(primary)
    assert grown("backup", primary, tmp_path) <= MOST
    assert grown("restore", secondary, tmp_path) <= MOST
    counts = "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM xcom), (SELECT count(*) FROM variable)"
    assert secondary.rows(counts) == primary.rows(counts)


def test_an_increment_that_finds_changes_everywhere_takes_no_more(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    narrow_rows(primary)
    added_to = {"backup_mode": "INCREMENTAL"}
    assert grown("backup", primary, tmp_path, **added_to) <= MOST
    primary.run_sql("DELETE FROM log WHERE id % 7 = 0")
    primary.run_sql("UPDATE task_instance SET state = 'failed' WHERE right(task_id, 1) = '7'")
    assert grown("backup", primary, tmp_path, **added_to) <= MOST
    assert manifest_of(tmp_path).dropped_of("log")
    assert grown("restore", secondary, tmp_path) <= MOST
    counts = "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM task_instance WHERE state = 'failed')"
    assert secondary.rows(counts) == primary.rows(counts)


def incompressible(db: Metadata) -> None:
    """Two wide tables that are uploaded side by side in full parts: 120 MB of noise each."""
    db.dag()
    run = db.run_with_task()
    noise = "(SELECT string_agg(md5(random()::text || i || n), '') FROM generate_series(1, 1563) i)"
    db.run_sql(
        f"INSERT INTO log (dttm, event, extra) SELECT %s + n * interval '1 s', 'e', {noise}"
        " FROM generate_series(1, 2400) n",
        START,
    )
    db.run_sql(
        "INSERT INTO xcom (dag_run_id, dag_id, run_id, task_id, map_index, key, timestamp, value)"
        " SELECT %s, 'sales', 'r1', 'load', -1, 'k' || id, %s, convert_to(extra, 'UTF8') FROM log",
        run,
        START,
    )


def test_uploading_two_tables_at_once_takes_no_more(
    primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incompressible(primary)
    with s3_server(tmp_path) as found:
        for name, value in found.items():
            monkeypatch.setenv(name, value)
        assert grown("backup", primary, "s3://backups/data") <= MOST
        assert grown("restore", secondary, "s3://backups/data") <= MOST
    assert secondary.one("SELECT count(*) FROM xcom") == 2401


def grown(operation: str, db: Metadata, folder: Path | str, **options: Any) -> int:
    """MiB above the idle process at the peak."""
    done = EngineProcess(operation, db.url, folder, options, quiet=True).run()[-1]
    memory = json.loads(done.removeprefix("done "))
    return int(memory["peak"] - memory["idle"])
