"""Keys are given once, whoever takes them at the same time."""

from __future__ import annotations

import threading
from collections import Counter

import psycopg2
import pytest

from mwaa_dr.framework.database.keys import FEW, raise_sequence
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from tests.support.engine import tables_of
from tests.support.metadata import Metadata
from tests.support.watched import Watched, watched

STAGE = Staged(tables_of()["log"], ("id",))


@pytest.fixture
def staged(primary: Metadata) -> Metadata:
    """A database in whose session one row of `log` is staged."""
    primary.run_sql("CREATE TEMPORARY TABLE mwaa_dr_stage_log AS SELECT 1 AS id")
    return primary


def raise_above(db: Metadata, key: int) -> None:
    db.run_sql("UPDATE mwaa_dr_stage_log SET id = %s", key)
    with db.connection.cursor() as cursor:
        raise_sequence(Work(cursor, lock_seconds=60), STAGE)


@pytest.mark.parametrize("key", [1, 7, FEW, FEW + 1, 5 * FEW])
def test_the_next_key_lies_just_above_the_staged_ones(staged: Metadata, key: int) -> None:
    raise_above(staged, key)
    assert staged.one("SELECT nextval('log_id_seq')") == key + 1
    raise_above(staged, key)
    assert staged.one("SELECT nextval('log_id_seq')") == key + 2


def test_a_sequence_behind_its_own_table_is_raised_too(staged: Metadata) -> None:
    staged.insert("log", id=50)
    raise_above(staged, 7)
    assert staged.insert("log", event="e") == 51


@pytest.mark.parametrize("beyond", [300, FEW])
def test_no_key_is_given_twice_when_others_took_some_since_we_looked(primary: Metadata, beyond: int) -> None:
    taken: list[int] = []

    def take(connection: Watched, statement: str) -> None:
        if "setval(" in statement or "nextval(" in statement:
            rows = other.rows("SELECT nextval('log_id_seq') FROM generate_series(1, 2000)")
            taken.extend(key for (key,) in rows)

    other = Metadata(primary.url)
    with watched(primary.url, take).connection() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mwaa_dr_stage_log AS SELECT %s AS id", (beyond,))
        raise_sequence(Work(cursor, lock_seconds=600), STAGE)
    assert len(taken) == 2000
    assert primary.one("SELECT nextval('log_id_seq')") > max(beyond, *taken)


def test_no_key_is_given_twice_while_others_take_some(primary: Metadata) -> None:
    # The staged keys always lie just above those that are being taken.
    primary.run_sql("CREATE TEMPORARY VIEW mwaa_dr_stage_log AS SELECT last_value + 300 AS id FROM log_id_seq")
    taken: list[int] = []
    enough = threading.Event()

    def take() -> None:
        with psycopg2.connect(primary.url) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not enough.is_set():
                cursor.execute("SELECT nextval('log_id_seq') FROM generate_series(1, 300)")
                taken.extend(row[0] for row in cursor.fetchall())

    takers = [threading.Thread(target=take) for _ in range(3)]
    for taker in takers:
        taker.start()
    try:
        with primary.connection.cursor() as cursor:
            for _ in range(500):
                raise_sequence(Work(cursor, lock_seconds=600), STAGE)
    finally:
        enough.set()
    for taker in takers:
        taker.join()
    assert [key for key, times in Counter(taken).items() if times > 1] == []
