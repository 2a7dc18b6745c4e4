"""A row of every carried table, backed up and restored where each of its keys belongs to another row."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.verify import Level, verify_backup
from mwaa_dr.versions import factory_for
from tests.conftest import Database
from tests.support.engine import backup, line, restore
from tests.support.metadata import START, Metadata
from tests.support.schemas import schema, versions

SCHEMAS = versions()
FRESH = [version for version in SCHEMAS if "-" not in version and version.startswith("2.")]
PAIRS = [
    *((version, version) for version in SCHEMAS),
    *((version, "2.11.2") for version in FRESH[: FRESH.index("2.10.1")]),
    ("2.10.3", "2.10.3-upgraded-from-2.4.3"),
    ("2.10.3-upgraded-from-2.4.3", "2.10.3"),
    *(("3.0.6", version) for version in ("3.1.8", "3.2.1", "3.3.1")),
    ("3.0.6-fab", "3.3.1-fab"),
    ("3.2.1", "3.3.1"),
    ("3.3.1-fab", "3.3.1"),
    ("3.3.2", "3.3.2-upgraded-from-2.4.3"),
    ("3.3.2-upgraded-from-2.4.3", "3.3.2"),
]
ONLY_OF_RESUMED_RUNS = {"deadline", "callback"}
KEY = "00000000-0000-7000-8000-000000000001"
"""A UUID that both environments have, as if a row of an earlier restore had been changed since."""


def release(version: str) -> str:
    return version.partition("-")[0]


def tables_of(version: str) -> Tables:
    tables = factory_for(release(version)).tables.present(schema(version)["tables"])
    return tables.forget(*ONLY_OF_RESUMED_RUNS)


@contextmanager
def metadata(database: Database, version: str, name: str) -> Iterator[Metadata]:
    """A database with one row in every carried table, all of them with the same keys, told apart by a name."""
    found = Metadata(database(version))
    try:
        tables = tables_of(version)
        for table in tables:
            values = row(table, found.columns(table.name), name, tables)
            if table.optional:  # newer FAB auth managers ask their sequences themselves
                values["id"] = found.one(f"SELECT nextval('{table.name}_id_seq')")
            found.insert(table.name, **values)
        yield found
    finally:
        found.close()


def row(table: Table, columns: list[str], name: str, tables: Tables) -> dict[str, Any]:
    when = START + timedelta(days=len(name))
    of_task = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    values = {
        **dict.fromkeys(table.key, name),
        **dict.fromkeys(("dag_id", "run_id", "target_dag_id", "email", "bundle_name", "dag_hash"), name),
        **dict.fromkeys(("execution_date", "logical_date", "start_date", "end_date"), when),
        **dict.fromkeys(("timestamp", "dttm", "created_at"), when),
        **dict.fromkeys(("ti_id", "ti_history_id", "task_instance_id"), of_task),
        "task_id": "load",
        "map_index": -1,
        "run_type": "scheduled",
        "state": "success",
        "extra": "{}",
        **{column: KEY if tables[referred].is_uuid else 1 for column, referred in pointers(table, tables)},
    }
    if table.is_uuid or table.name == "task_instance":
        values["id"] = KEY if table.is_uuid else of_task
    return {column: value for column, value in values.items() if column in columns}


def pointers(table: Table, tables: Tables) -> list[tuple[str, str]]:
    """The columns that hold a surrogate key of another table, with that table."""
    runs = [(column, "dag_run") for column in (*table.run, table.run_surrogate) if column == "dag_run_id"]
    return [*runs, *((r.column, r.table) for r in table.references if tables[r.table].surrogate and not r.is_text)]


def surrogates(db: Metadata, table: str) -> list[Any]:
    return [key for (key,) in db.rows(f"SELECT id FROM {table} ORDER BY 1")]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_table_is_restored_once_with_its_references(
    source: str, target: str, database: Database, tmp_path: Path
) -> None:
    with metadata(database, source, "ours") as primary, metadata(database, target, "theirs") as secondary:
        backup(primary.url, tmp_path, version=release(source), tables=tables_of(source))
        assert verify_backup(LocalStorage(tmp_path), Level.DATA).passed
        for inserted in (1, 0):
            report = restore(secondary.url, tmp_path, version=release(target), tables=tables_of(target))
            for table in tables_of(target):
                if table.optional:
                    assert secondary.one(f"SELECT nextval('{table.name}_id_seq')") > max(
                        surrogates(secondary, table.name)
                    )
            both = tables_of(source).present(schema(target)["tables"])
            for table in both:
                if table.merge is Merge.MATCH:
                    assert line(report, table.name).inserted == inserted, table.name
                assert secondary.one(f"SELECT count(*) FROM {table.name}") == 2, table.name
                for column, referred in pointers(table, both):
                    rows = secondary.rows(f"SELECT {column} FROM {table.name} ORDER BY 1")
                    assert [value for (value,) in rows] == surrogates(secondary, referred), (table.name, column)
