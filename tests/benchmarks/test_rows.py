"""The rows of the benchmark: the same ones each time, as many as said, and whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from benchmarks.churn import Churn
from benchmarks.environments import AIRFLOW, counted
from benchmarks.rows import HISTORY, OWN, SIZES, TABLES, Size, statements
from drill.postgres import Postgres
from tests.conftest import Database
from tests.support.engine import backup, line, restore

SMALL = Size("small", dags=10, runs=20)
WIDE = Size("small and wide", dags=2, runs=3, wide=50)


def filled(postgres: Postgres, url: str, size: Size, zone: str = "UTC") -> str:
    """A database with rows, written by a session of some time zone; its URL."""
    with postgres.session(_name(url)) as cursor:
        cursor.execute(f"SET TIME ZONE '{zone}'")
        for statement in (*OWN, *statements(size)):
            cursor.execute(statement)
    return url


def digests(postgres: Postgres, url: str) -> dict[str, str]:
    """Table -> a hash of its rows in their order."""
    found = {}
    with postgres.session(_name(url)) as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT string_agg(t::text, '\n') FROM {table} t")
            (rows,) = cursor.fetchone() or (None,)
            found[table] = hashlib.sha256((rows or "").encode()).hexdigest()
    return found


def _name(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=lambda size: size.name)
def test_the_same_rows_are_made_each_time_in_whatever_time_zone(
    postgres: Postgres, database: Database, size: Size
) -> None:
    first = digests(postgres, filled(postgres, database(AIRFLOW), size))
    assert digests(postgres, filled(postgres, database(AIRFLOW), size, "Asia/Tokyo")) == first


@pytest.mark.parametrize("size", [SMALL, SMALL.beside, WIDE], ids=lambda size: size.name)
def test_a_size_says_how_many_rows_there_are(postgres: Postgres, database: Database, size: Size) -> None:
    assert sum(counted(postgres, _name(filled(postgres, database(AIRFLOW), size)), HISTORY).values()) == size.rows


def test_a_wide_xcom_has_the_size_that_it_says(postgres: Postgres, database: Database) -> None:
    with postgres.session(_name(filled(postgres, database(AIRFLOW), WIDE))) as cursor:
        cursor.execute("SELECT DISTINCT octet_length(value) / 1000 FROM xcom")
        assert cursor.fetchall() == [(50,)]


def test_the_sizes_are_ten_times_each_other_and_as_wide_as_the_anchor() -> None:
    assert SIZES["L"].rows == 10 * SIZES["S"].rows
    assert 5_100_000 < SIZES["L"].rows < 5_300_000
    assert SIZES["wide"].dags * SIZES["wide"].runs == 9940


def test_all_rows_are_carried_and_refer_to_rows_that_are_there(
    postgres: Postgres, database: Database, tmp_path: Path
) -> None:
    source, target = filled(postgres, database(AIRFLOW), SMALL), database(AIRFLOW)
    report = backup(source, tmp_path)
    restore(target, tmp_path)
    made = counted(postgres, _name(source), HISTORY)
    assert {table: line(report, table).rows for table in HISTORY} == made
    assert counted(postgres, _name(target), HISTORY) == made


def test_an_environment_with_rows_has_some_of_the_same_runs_and_keys(postgres: Postgres, database: Database) -> None:
    source = filled(postgres, database(AIRFLOW), SMALL)
    other = filled(postgres, database(AIRFLOW), SMALL.beside)
    runs = [_pairs(postgres, url) for url in (source, other)]
    assert 0 < len(runs[0].keys() & runs[1].keys()) < len(runs[1])
    assert set(runs[1].values()) < set(runs[0].values())


def _pairs(postgres: Postgres, url: str) -> dict[tuple[str, str], int]:
    with postgres.session(_name(url)) as cursor:
        cursor.execute("SELECT dag_id, run_id, id FROM dag_run")
        return {(dag, run): key for dag, run, key in cursor.fetchall()}


def test_a_writer_goes_on_after_churn(postgres: Postgres, database: Database) -> None:
    churn, url = Churn.of(SMALL), filled(postgres, database(AIRFLOW), SMALL)
    with postgres.session(_name(url)) as cursor:
        for statement in churn.statements():
            cursor.execute(statement)
        for table in ("dag_run", "log", "job"):
            cursor.execute(f"SELECT nextval('{table}_id_seq') > max(id) FROM {table}")
            assert cursor.fetchall() == [(True,)], table
