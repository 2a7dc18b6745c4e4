"""The databases that tests run on are what Airflow really makes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg2
import pytest

from drill.postgres import Postgres, embedded_binaries
from tests.conftest import Database
from tests.support import schemas


def columns_of(url: str) -> dict[str, list[str]]:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position)"
                " FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1"
            )
            return dict(cursor.fetchall())
    finally:
        connection.close()


@pytest.mark.parametrize("version", schemas.versions())
def test_a_database_has_the_columns_of_its_version_in_their_order(database: Database, version: str) -> None:
    tables = schemas.schema(version)["tables"]
    expected = {
        table: sorted(described["columns"], key=lambda name: described["columns"][name]["position"])
        for table, described in tables.items()
    }
    assert columns_of(database(version)) == expected


def test_an_upgraded_database_has_another_column_order_than_a_fresh_one(database: Database) -> None:
    fresh, upgraded = columns_of(database("2.10.3")), columns_of(database("2.10.3-upgraded-from-2.4.3"))
    assert fresh != upgraded
    assert {name: sorted(c) for name, c in fresh.items()} == {name: sorted(c) for name, c in upgraded.items()}


def test_an_unknown_schema_is_refused_in_words(database: Database) -> None:
    with pytest.raises(LookupError, match=r"no schema of '9\.9\.9', there are 2\.4\.3"):
        database("9.9.9")


def test_the_database_belongs_to_a_role_that_is_no_superuser(database: Database) -> None:
    connection = psycopg2.connect(database("2.4.3"))
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("airflow", False)
    connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_can_start_a_server_from_a_folder_that_only_root_can_enter(tmp_path: Path) -> None:
    package = embedded_binaries().parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    tmp_path.chmod(0o700)
    with Postgres(tmp_path / package.name / "pginstall" / "bin") as server:
        assert server.create("works").endswith("/works")


def test_a_stopped_server_leaves_no_folder_and_no_process() -> None:
    server = Postgres()
    server.start()
    folder = server.folder
    server.stop()
    assert server.pid == 0
    assert not folder.exists()
