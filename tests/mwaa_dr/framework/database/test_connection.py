"""Whatever a connection was set to before we got it: Airflow's engine and PGCLIENTENCODING have words to say."""

from __future__ import annotations

import io
import traceback
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DatabaseError, RunsInProgressError
from tests.support.engine import backup, cleanup, restore
from tests.support.fernet import decrypted, encrypted
from tests.support.metadata import FERNET, OTHER_FERNET, Metadata


def reached_with(url: str, **session: Any) -> MetadataDb:
    """The database on connections whose session was set before."""

    def connect() -> Any:
        connection = psycopg2.connect(url)
        connection.set_session(**session)
        return connection

    return MetadataDb(connect)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_sees_what_others_commit_whatever_the_engine_had_chosen(primary: Metadata, level: str) -> None:
    with reached_with(primary.url, isolation_level=level).transaction() as cursor:
        cursor.execute("SELECT count(*) FROM dag")
        primary.dag()
        cursor.execute("SELECT count(*) FROM dag")
        assert cursor.fetchone()[0] == 1


def test_a_cleanup_on_a_connection_that_came_with_autocommit_is_one_transaction(primary: Metadata) -> None:
    primary.dag()
    primary.run_with_task()
    cleanup(reached_with(primary.url, autocommit=True))
    assert primary.one("SELECT count(*) FROM dag_run") == 0


def test_a_cleanup_that_refuses_on_such_a_connection_pauses_nothing(primary: Metadata) -> None:
    primary.dag()
    primary.run_with_task(state="running")
    with pytest.raises(RunsInProgressError):
        cleanup(reached_with(primary.url, autocommit=True))
    assert primary.rows("SELECT is_paused FROM dag") == [(False,)]


def test_a_restore_on_a_connection_that_came_with_autocommit_works(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task()
    backup(reached_with(primary.url, autocommit=True), tmp_path)
    restore(reached_with(secondary.url, autocommit=True), tmp_path)
    assert secondary.one("SELECT count(*) FROM xcom") == 1


def test_text_is_whole_whatever_encoding_the_process_asks_for(
    primary: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary.dag("größe")
    primary.run_with_task("größe")
    primary.insert("variable", key="plain", val="é漢", is_encrypted=False)
    primary.insert("variable", key="secret", val=encrypted(FERNET, "ü€"), is_encrypted=True)
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    backup(primary.url, tmp_path, own_dags=("größer",))
    restore(secondary.url, tmp_path, own_dags=("größer",))
    assert secondary.one("SELECT val FROM variable WHERE key = 'plain'") == "é漢"
    assert decrypted(OTHER_FERNET, secondary.one("SELECT val FROM variable WHERE key = 'secret'")) == "ü€"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO variable (id, key, val) VALUES (NULL, 'k', 'a-secret-value')",
        "SELECT 'a-secret-value'::integer",
        """SELECT '{"a": a-secret-value}'::json""",
    ],
)
def test_no_value_of_a_row_is_in_the_traceback_of_an_error(primary: Metadata, statement: str) -> None:
    with pytest.raises(psycopg2.Error, match="a-secret-value"):
        primary.run_sql(statement)
    with pytest.raises(DatabaseError) as caught, MetadataDb.from_url(primary.url).transaction() as cursor:
        cursor.execute(statement)
    assert "a-secret-value" not in "".join(traceback.format_exception(caught.value))
    assert "a-secret-value" not in f"{caught.value.__cause__}{caught.value.__context__}{caught.value}"


def test_no_row_that_is_copied_is_in_the_traceback_of_an_error(primary: Metadata) -> None:
    primary.run_sql("CREATE TABLE t (val text CHECK (val <> 'a-secret-value'))")
    rows = b"fine\na-secret-value\n"

    def copy(cursor: Any) -> None:
        cursor.copy_expert("COPY t FROM STDIN", io.BytesIO(rows))

    with primary.connection.cursor() as cursor, pytest.raises(psycopg2.Error, match=r"line 2: .a-secret-value"):
        copy(cursor)
    with pytest.raises(DatabaseError) as caught, MetadataDb.from_url(primary.url).transaction() as cursor:
        copy(cursor)
    told = "".join(traceback.format_exception(caught.value)) + str(caught.value.__cause__)
    assert "violates check constraint" in told
    assert "a-secret-value" not in told
