"""Large values are stored in the quickest way that the server knows, and are what they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drill.postgres import Postgres, embedded_binaries
from mwaa_dr.framework.database.toast import QUICK, compress_quickly
from tests.support.engine import VERSION, backup, restore
from tests.support.filled import fill
from tests.support.in_memory import in_memory
from tests.support.metadata import Metadata
from tests.support.schemas import ddl

SERVERS = [embedded_binaries(), *sorted(Path("/usr/lib/postgresql").glob("1[4-9]/bin"))]
"""Our own is built without lz4, those of Debian with it."""
LARGE = "SELECT DISTINCT pg_column_compression(value) FROM xcom WHERE length(value) > 100000"
METHODS = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"


@pytest.fixture(scope="module", params=SERVERS, ids=str)
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with Postgres(request.param, place=in_memory()) as server:
        for name in ("primary", "secondary"):
            server.create(name)
            server.load(ddl(VERSION), name)
        primary = Metadata(server.url("primary"))
        fill(primary)
        primary.run_sql("UPDATE xcom SET value = convert_to(repeat('large', 30000), 'UTF8')")
        yield server


@pytest.mark.parametrize("options", [{"exclusive_rows": 0}, {"exclusive_seconds": 0}])
def test_large_values_are_stored_as_quickly_as_the_server_can(
    server: Postgres, tmp_path: Path, options: dict[str, Any]
) -> None:
    primary, name = Metadata(server.url("primary")), "_".join(["by", *options])
    secondary = Metadata(server.create(name, "secondary"))
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, **options)
    assert secondary.one(LARGE) == (QUICK if QUICK in secondary.one(METHODS) else "pglz")
    assert secondary.rows("SELECT value FROM xcom") == primary.rows("SELECT value FROM xcom")


def test_the_next_transaction_stores_as_before(server: Postgres) -> None:
    setting = "SHOW default_toast_compression"
    database = Metadata(server.url("primary"))
    before, known = database.one(setting), database.one(METHODS)
    database.connection.autocommit = False
    with database.connection.cursor() as cursor:
        compress_quickly(cursor)
    assert database.one(setting) == (QUICK if QUICK in known else before)
    database.connection.commit()
    assert database.one(setting) == before


def test_a_server_that_refuses_goes_on_as_before(server: Postgres) -> None:
    database = Metadata(server.url("primary"))
    before = database.one("SHOW default_toast_compression")
    database.run_sql(
        "CREATE TEMPORARY VIEW pg_settings AS"
        " SELECT 'default_toast_compression'::text AS name, ARRAY['lz4'] AS enumvals"
        " WHERE set_config('default_toast_compression', 'odd', true) IS NOT NULL"
    )
    database.connection.autocommit = False
    with database.connection.cursor() as cursor:
        compress_quickly(cursor)
    assert database.one("SHOW default_toast_compression") == before
