"""The tables are found where Airflow's own search path finds them."""

from __future__ import annotations

from pathlib import Path

from psycopg2 import sql

from tests.support.engine import backup, line, restore
from tests.support.metadata import START, Metadata


def move(db: Metadata, schema: str) -> None:
    """Have all tables in another schema, as a role with a search path of its own does."""
    here = db.one("SELECT current_database()")
    name = sql.Identifier(schema)
    with db.connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(sql.Identifier(table), name))
        cursor.execute(sql.SQL("ALTER DATABASE {} SET search_path TO {}").format(sql.Identifier(here), name))


def test_a_schema_of_any_name_is_backed_up_and_restored(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    move(primary, "Airflow's \\data")
    move(secondary, "Airflow's \\data")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert Metadata(secondary.url).one("SELECT count(*) FROM xcom") == 1


def test_a_schema_named_like_the_user_that_holds_no_tables_is_passed_over(primary: Metadata, tmp_path: Path) -> None:
    primary.run_sql("CREATE SCHEMA airflow")
    primary.insert("log", event="e", dttm=START)
    assert line(backup(primary.url, tmp_path), "log").rows == 1
