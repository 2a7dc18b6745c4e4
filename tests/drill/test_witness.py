"""A witness sees what a backup sees, not what was there when it came to read."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import datetime, timedelta, timezone

import psycopg2

from drill.postgres import Postgres
from drill.witness import Witness
from tests.conftest import Database
from tests.support.local_aws import eventually


def test_a_witness_sees_the_moment_of_the_snapshot(database: Database, postgres: Postgres) -> None:
    url = database()
    with closing(psycopg2.connect(url)) as writer, closing(psycopg2.connect(url)) as backup:
        writer.autocommit = True
        backup.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with writer.cursor() as write, backup.cursor() as read:
            write.execute("CREATE TABLE seen (id int, note text); INSERT INTO seen VALUES (1, 'before')")
            read.execute("SELECT count(*) FROM seen")
            write.execute("UPDATE seen SET note = 'after'; INSERT INTO seen VALUES (2, 'after')")
            with Witness(url, postgres.folder) as witness:
                read.execute("SELECT pg_export_snapshot()")
                taken_at = datetime.now(timezone.utc)
                sight = eventually(lambda: witness.sight_of(taken_at))
            assert sight
            assert sight.rows["seen"] == [{"id": "1", "note": "before"}]


def test_a_backup_right_before_the_one_that_was_seen_was_not_seen(database: Database, postgres: Postgres) -> None:
    url = database()
    with closing(psycopg2.connect(url)) as backup, Witness(url, postgres.folder) as witness, backup.cursor() as read:
        read.execute("SELECT pg_export_snapshot()")
        taken_at = datetime.now(timezone.utc)
        assert eventually(lambda: witness.sight_of(taken_at))
        assert witness.sight_of(taken_at - timedelta(seconds=3)) is None


def test_nobody_saw_a_backup_of_another_time(database: Database, postgres: Postgres) -> None:
    with Witness(database(), postgres.folder) as witness:
        assert witness.sight_of(datetime.fromtimestamp(time.time() - 60, timezone.utc)) is None
