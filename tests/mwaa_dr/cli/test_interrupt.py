"""Ctrl-C and SIGTERM: real processes, stopped while the database keeps them waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.metadata import Metadata
from tests.support.waiting import PATIENCE, until, waits_for_a_lock

ROOT = Path(__file__).parents[3]


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mwaa_dr", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "assets" / "dags")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Stop it while what it waits for does not come: it would wait for ever."""
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    return process.returncode, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_backup_that_waits_for_the_database_ends_at_once_and_leaves_nothing(
    number: signal.Signals, code: int, primary: Metadata, tmp_path: Path
) -> None:
    primary.run_with_task()
    with primary.connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE xcom IN ACCESS EXCLUSIVE MODE")
        with command("backup", "--database", primary.url, "--storage", str(tmp_path)) as process:
            until(lambda: waits_for_a_lock(primary.url))
            found, err = stopped(process, number)
        cursor.execute("ROLLBACK")

    assert found == code
    assert err.splitlines()[-1] == "ERROR: interrupted; nothing is left half done"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_restore_that_waits_for_a_lock_ends_at_once_and_changes_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag("sales")
    primary.run_with_task()
    secondary.dag("sales", paused=True)
    before = {table: secondary.content(table) for table in ("dag", "dag_run", "task_instance", "xcom", "log")}
    with command("backup", "--database", primary.url, "--storage", str(tmp_path)) as process:
        assert process.wait(PATIENCE) == 0
    watcher = Metadata(secondary.url)
    with secondary.connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT * FROM dag FOR UPDATE")
        arguments = ("--database", secondary.url, "--storage", str(tmp_path), "--json")
        with command("restore", *arguments) as process:
            until(lambda: waits_for_a_lock(secondary.url))
            found, _ = stopped(process, signal.SIGINT)
        cursor.execute("ROLLBACK")

    assert found == 130
    until(lambda: not watcher.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'mwaa_dr'"))
    assert {table: secondary.content(table) for table in before} == before


def test_what_reads_our_output_may_stop_early(primary: Metadata, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, "-m", "mwaa_dr", "list", "--storage", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "assets" / "dags")},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)

    assert (process.returncode, process.stderr) == (0, "")
