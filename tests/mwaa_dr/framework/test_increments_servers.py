"""What a server numbers its transactions by may end, begin anew or come back: an increment does not fall for it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from drill.postgres import FAST, Postgres, unprivileged
from tests.support.chains import add, is_as_full, taken
from tests.support.engine import VERSION
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.schemas import ddl


def made(server: Postgres, logs: int) -> Metadata:
    """An Airflow's database on a server of its own."""
    server.create("airflow")
    server.load(ddl(VERSION), "airflow")
    db = again(server)
    fill(db, logs=logs)
    return db


def again(server: Postgres) -> Metadata:
    """The same database after a restart."""
    return Metadata(server.url("airflow"))


def copied(source: Path, target: Path) -> None:
    """Copy the data of a server, with its owners, over what is there."""
    subprocess.run(["rm", "-rf", target], check=True)
    subprocess.run(["cp", "-a", source, target], check=True)


def leap(server: Postgres, number: int) -> None:
    """Have the next transaction be that one; the server bears less than 2^31 since the last row was frozen."""
    with server.session() as cursor:
        cursor.execute("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
        cursor.execute("SELECT datname FROM pg_database")
        for (database,) in cursor.fetchall():
            with server.session(database) as own:
                own.execute("VACUUM FREEZE")
    with server.stopped() as data:
        # The server wants to find the states of the transactions around.
        states = data / "pg_xact" / f"{number // (1 << 20):04X}"
        states.write_bytes(bytes(1 << 18))
        os.chown(states, data.stat().st_uid, data.stat().st_gid)
        command: list[str | Path] = [server.binaries / "pg_resetwal", "-f", "-x", str(number), "-D", data]
        subprocess.run(command, check=True, capture_output=True, **unprivileged())


def test_a_prepared_transaction_counts_as_open(tmp_path: Path) -> None:
    with Postgres(settings={**FAST, "max_prepared_transactions": "2"}) as server:
        db = made(server, logs=500)
        db.run_sql("BEGIN")
        db.run_sql("DELETE FROM log WHERE id = 5")
        db.run_sql("INSERT INTO log (event) VALUES ('prepared')")
        db.run_sql("PREPARE TRANSACTION 'p'")
        add(db, tmp_path)
        db.run_sql("COMMIT PREPARED 'p'")

        added = add(db, tmp_path)

        assert added.parent
        assert is_as_full(db, tmp_path, added)
        db.close()


def test_a_server_that_was_restored_from_a_copy_of_its_disk_gets_a_full_one(tmp_path: Path) -> None:
    with Postgres() as server:
        db = made(server, logs=2_000)
        db.close()
        with server.stopped() as data:
            copied(data, tmp_path / "disk")
        db = again(server)
        add(db, tmp_path)
        db.run_sql("DELETE FROM log WHERE id % 3 = 0")
        db.run_sql("UPDATE log SET event = 'lost' WHERE id < 100")
        assert add(db, tmp_path).parent
        db.close()
        with server.stopped() as data:
            copied(tmp_path / "disk", data)
        # The same numbers of transactions stand for other changes now, at the same places.
        db = again(server)
        db.run_sql("DELETE FROM log WHERE id % 3 = 1")
        db.run_sql("UPDATE log SET event = 'other' WHERE id < 100")

        told = taken(db, tmp_path)

        assert told.notes[0].startswith("a full backup: the server was started since the last one")
        added = add(db, tmp_path)
        assert added.parent == told.backup_id
        assert is_as_full(db, tmp_path, added)
        db.close()


def test_the_counter_of_transactions_begins_anew_after_32_bits(tmp_path: Path) -> None:
    with Postgres() as server:
        server.create("airflow")
        server.load(ddl(VERSION), "airflow")
        for number in (2_000_000_000, 3_900_000_000, 2**32 - 100):
            leap(server, number)
        db = again(server)
        fill(db, runs=1, logs=1_000)
        add(db, tmp_path)
        for number in range(120):
            db.run_sql("UPDATE log SET event = 'changed' WHERE id = %s", 1 + number)
        db.run_sql("DELETE FROM log WHERE id % 50 = 0")
        assert db.one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric > 2^32")

        added = add(db, tmp_path)

        assert added.parent
        assert 100 < sum(file.rows for file in added.files_of("log") if not file.backup_id) < 125
        assert is_as_full(db, tmp_path, added)
        db.close()
