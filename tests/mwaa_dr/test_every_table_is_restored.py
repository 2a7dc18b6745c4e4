"""A row of every carried table, backed up and restored where each of its keys belongs to another row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.versions import factory_for
from tests.conftest import Database
from tests.support.engine import backup, line, restore
from tests.support.metadata import START, Metadata
from tests.support.schemas import versions

SCHEMAS = [version for version in versions() if version.startswith("2.")]
FRESH = [version for version in SCHEMAS if "-" not in version]
PAIRS = [
    *((version, version) for version in SCHEMAS),
    *((version, "2.11.2") for version in FRESH[: FRESH.index("2.10.1")]),
    ("2.10.3", "2.10.3-upgraded-from-2.4.3"),
    ("2.10.3-upgraded-from-2.4.3", "2.10.3"),
]


def release(version: str) -> str:
    return version.partition("-")[0]


def tables_of(version: str) -> Tables:
    return factory_for(release(version)).tables


@contextmanager
def metadata(database: Database, version: str, name: str) -> Iterator[Metadata]:
    """A database with one row in every carried table, all of them with the same keys, told apart by a name."""
    found = Metadata(database(version))
    try:
        for table in tables_of(version):
            found.insert(table.name, **row(table, found.columns(table.name), name))
        yield found
    finally:
        found.close()


def row(table: Table, columns: list[str], name: str) -> dict[str, Any]:
    when = START + timedelta(days=len(name))
    values = {
        **dict.fromkeys(table.key, name),
        **dict.fromkeys(("dag_id", "run_id", "target_dag_id", "email"), name),
        **dict.fromkeys(("execution_date", "start_date", "end_date", "timestamp", "dttm"), when),
        "task_id": "load",
        "map_index": -1,
        "run_type": "scheduled",
        "state": "success",
        "extra": "{}",
        **{column: 1 for column, _ in pointers(table)},
    }
    return {column: value for column, value in values.items() if column in columns}


def pointers(table: Table) -> list[tuple[str, str]]:
    """The columns that hold a surrogate key of another table, with that table."""
    runs = [(column, "dag_run") for column in (*table.run, table.run_surrogate) if column == "dag_run_id"]
    return [*runs, *((r.column, r.table) for r in table.references if r.table != "dag")]


def surrogates(db: Metadata, table: str) -> list[int]:
    return [key for (key,) in db.rows(f"SELECT id FROM {table} ORDER BY 1")]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_table_is_restored_once_with_its_references(
    source: str, target: str, database: Database, tmp_path: Path
) -> None:
    with metadata(database, source, "ours") as primary, metadata(database, target, "theirs") as secondary:
        backup(primary.url, tmp_path, version=release(source), tables=tables_of(source))
        for inserted in (1, 0):
            report = restore(secondary.url, tmp_path, version=release(target), tables=tables_of(target))
            for table in tables_of(source):
                if table.merge is Merge.MATCH:
                    assert line(report, table.name).inserted == inserted, table.name
                assert secondary.one(f"SELECT count(*) FROM {table.name}") == 2, table.name
                for column, referred in pointers(table):
                    rows = secondary.rows(f"SELECT {column} FROM {table.name} ORDER BY 1")
                    assert [value for (value,) in rows] == surrogates(secondary, referred), (table.name, column)
