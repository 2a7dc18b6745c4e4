"""Keys, indexes and foreign keys that are dropped and made again."""

from __future__ import annotations

import pytest
from psycopg2 import connect

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.definitions import SLOWER, definitions_of, fingerprint
from tests.conftest import Database

LOCKED = ("dag_run", "task_instance", "xcom", "log")


def allowed(cursor: Cursor) -> set[str]:
    """What the planner may do of what it must not do for a foreign key."""
    cursor.execute("SELECT name FROM pg_settings WHERE setting = 'on' AND name = ANY(%s)", [list(SLOWER)])
    return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("version", ["2.4.3", "2.10.3", "3.3.1"])
def test_what_was_dropped_is_made_again_and_foreign_keys_are_checked_by_a_hash(
    database: Database, version: str
) -> None:
    connection = connect(database(version))
    with connection.cursor() as cursor:
        before = fingerprint(cursor)
        found = definitions_of(cursor, LOCKED[1:], LOCKED)
        for statement in found.drops():
            cursor.execute(statement)
        assert fingerprint(cursor) != before
        while_made = {}
        for statement in found.makes():
            while_made[statement] = allowed(cursor)
            cursor.execute(statement)
        assert fingerprint(cursor) == before
        assert allowed(cursor) == set(SLOWER)
        assert (
            {key.make for key in found.foreign_keys} == {made for made in while_made if "FOREIGN KEY" in made} != set()
        )
        assert all(while_made[key.make] == set() for key in found.foreign_keys)
        assert all(while_made[key.make] == set(SLOWER) for key in found.keys)
    connection.close()
