"""A backup of an older Airflow is restored into a newer one of its major line, and never the other way round."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from mwaa_dr.framework.errors import IncompatibleBackupError
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.model.tables import Tables
from tests.conftest import Database
from tests.support.engine import backup, restore, tables_of
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.schemas import versions
from tests.support.state import dangling, exact, natural

SERVED = [version for version in versions() if version.startswith("2.") and "-" not in version]
PAIRS = [*pairwise(SERVED), (SERVED[0], SERVED[-1])]
REFUSED = [(older, newer) for older, newer in PAIRS if older.split(".")[1] != newer.split(".")[1]]


@pytest.mark.parametrize(("older", "newer"), PAIRS)
def test_an_older_backup_is_restored_into_a_newer_airflow(
    older: str, newer: str, database: Database, tmp_path: Path
) -> None:
    primary, target = Metadata(database(older)), Metadata(database(newer))
    fill(primary, runs=2)
    backup(primary.url, tmp_path, version=older)
    restore(target.url, tmp_path, version=newer)
    primary.run_sql("DELETE FROM job WHERE state = 'running'")
    tables = tables_of(older).skip(dag="has rules of its own")
    by_rule = [column for table in tables for column in table.fixed]
    assert natural(target, tables, like=primary, without=by_rule) == natural(primary, tables, without=by_rule)
    assert target.rows("SELECT dag_id, is_paused FROM dag ORDER BY 1") == [("sales", False), ("sales_paused", True)]
    assert dangling(target, tables_of(newer)) == []
    for name, column, value in declared(primary, target, tables_of(newer)):
        assert target.rows(f'SELECT DISTINCT "{column}" = {value} FROM "{name}"') == [(True,)], (name, column)


def declared(primary: Metadata, target: Metadata, tables: Tables) -> list[tuple[str, str, str]]:
    """Table, column and value of all that the newer Airflow demands and the older one did not have."""
    return [
        (table.name, column, value)
        for table in tables
        for column, value in table.added.items()
        if primary.columns(table.name) and column not in primary.columns(table.name)
    ]


@pytest.mark.parametrize(
    ("older", "newer", "columns"),
    [
        ("2.6.3", "2.7.2", {("slot_pool", "include_deferred")}),
        ("2.7.2", "2.8.1", {("dag_run", "clear_number")}),
        ("2.8.1", "2.9.2", {("dag", "max_consecutive_failed_dag_runs")}),
    ],
)
def test_what_a_version_demands_is_declared(
    older: str, newer: str, columns: set[tuple[str, str]], database: Database
) -> None:
    found = declared(Metadata(database(older)), Metadata(database(newer)), tables_of(newer))
    assert {(table, column) for table, column, _ in found} == columns


@pytest.mark.parametrize(("older", "newer"), REFUSED)
def test_a_newer_backup_is_refused_by_an_older_airflow(
    older: str, newer: str, database: Database, tmp_path: Path
) -> None:
    primary, target = Metadata(database(newer)), Metadata(database(older))
    fill(primary, runs=1)
    fill(target, "theirs", runs=1)
    backup(primary.url, tmp_path, version=newer)
    before = exact(target)
    with pytest.raises(IncompatibleBackupError) as caught:
        restore(target.url, tmp_path, version=older)
    assert newer in caught.value.message
    assert older in caught.value.message
    assert exact(target) == before


@pytest.mark.parametrize("in_flight", list(InFlight))
@pytest.mark.parametrize("version", SERVED)
def test_interrupted_work_is_settled_in_every_version(
    version: str, in_flight: InFlight, database: Database, tmp_path: Path
) -> None:
    primary, target = Metadata(database(version)), Metadata(database(version))
    fill(primary)
    fill(target, "theirs")
    backup(primary.url, tmp_path, version=version)
    restore(target.url, tmp_path, version=version, in_flight=in_flight)
    once = natural(target, tables_of(version))
    restore(target.url, tmp_path, version=version, in_flight=in_flight)
    assert dangling(target, tables_of(version)) == []
    states = {state for (state,) in target.rows("SELECT DISTINCT state FROM dag_run WHERE dag_id = 'sales'")}
    if in_flight is InFlight.DROP:
        assert states == {"success", "failed"}
        assert natural(target, tables_of(version)) == once
    else:
        assert states == {"success", "failed", "queued"}
        assert target.rows("SELECT DISTINCT run_id, state FROM task_instance WHERE dag_id = 'sales' AND state IS NULL")
