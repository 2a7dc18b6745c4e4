"""The planner knows the tables that a restore has filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.database.planner import analyze
from tests.support.engine import backup, restore
from tests.support.filled import fill
from tests.support.metadata import Metadata

TABLES = ("log", "task_instance", "xcom")


def known(db: Metadata) -> dict[str, int]:
    """The rows that the planner supposes; -1: it was never told."""
    query = "SELECT relname, reltuples::int FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)"
    return dict(db.rows(query, list(TABLES)))


def counted(db: Metadata) -> dict[str, int]:
    return {table: db.one(f"SELECT count(*) FROM {table}") for table in TABLES}


@pytest.mark.parametrize("options", [{}, {"exclusive_rows": 0}, {"exclusive_rows": 0, "exclusive_seconds": 0}])
def test_after_a_restore_the_planner_knows_its_rows(
    primary: Metadata, secondary: Metadata, tmp_path: Path, options: dict[str, Any]
) -> None:
    fill(primary)
    backup(primary.url, tmp_path)
    assert set(known(secondary).values()) == {-1}
    restore(secondary.url, tmp_path, **options)
    assert known(secondary) == counted(secondary)
    assert known(secondary)["log"] == 50


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("with_another", [False, True])
def test_what_cannot_be_looked_at_keeps_nothing_else_from_it(
    primary: Metadata, *, with_another: bool, refused: bool
) -> None:
    fill(primary)
    opened: list[str] = []

    def connect() -> psycopg2.extensions.connection:
        opened.append("another")
        if refused:
            raise psycopg2.OperationalError("too many clients")
        return psycopg2.connect(primary.url)

    with MetadataDb.from_url(primary.url).connection() as connection:
        analyze(MetadataDb(connect), connection, ["log", "no_such_table", *TABLES[1:]], with_another=with_another)
    assert known(primary) == counted(primary)
    assert opened == ["another"] * with_another
