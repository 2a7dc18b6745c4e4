"""An increment holds what a full backup of the same moment holds, whatever happened to the rows since its parent."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mwaa_dr.framework import growth
from mwaa_dr.framework.database import placed
from mwaa_dr.framework.database.catalog import read_catalog
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.repository import BackupRepository
from tests.conftest import Database
from tests.support.chains import add, held, is_as_full
from tests.support.engine import PIECE, VERSION, backup, reached, restore, storage, tables_of
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.state import dangling, natural

TABLES = tables_of()
NASTY = 'a\r\nb\n"c",\\.\n\\N\t\'é 🙂'


@pytest.fixture(autouse=True)
def _short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of so few blocks that a small table has many."""
    monkeypatch.setattr(placed, "BLOCKS", 4)


@pytest.fixture
def history(primary: Metadata) -> Metadata:
    """The primary, with a `log` of many ranges and values that hold lines and quotes."""
    fill(primary, logs=4_000)
    primary.run_sql("UPDATE log SET extra = %s WHERE id %% 3 = 0", NASTY)
    primary.run_sql("DELETE FROM log WHERE id % 7 = 0")
    return primary


def own_rows(of: Manifest, table: str = "log") -> int:
    """Rows in the files of a table that lie in the backup's own folder."""
    return sum(file.rows for file in of.files_of(table) if not file.backup_id)


CHANGES = {
    "nothing": [],
    "rows were inserted": ["INSERT INTO log (event, extra) SELECT 'new', 'a\"b' FROM generate_series(1, 90)"],
    "rows were updated": ["UPDATE log SET event = 'changed' WHERE id % 31 = 0"],
    "rows were updated to what they were": ["UPDATE log SET event = event WHERE id % 31 = 0"],
    "rows were updated in place": [
        "ALTER TABLE log SET (fillfactor = 50)",
        "UPDATE log SET owner = 'hot' WHERE id % 97 = 0",
        "VACUUM log",
        "UPDATE log SET owner = 'hotter' WHERE id % 97 = 0",
    ],
    "rows were deleted": ["DELETE FROM log WHERE id % 29 = 0"],
    "neighbours were deleted": ["DELETE FROM log WHERE id BETWEEN 1000 AND 1300"],
    "the first rows were deleted": ["DELETE FROM log WHERE id < 400"],
    "the last rows were deleted": ["DELETE FROM log WHERE id > 3700", "VACUUM log"],
    "others took the place of deleted rows": [
        "DELETE FROM log WHERE id % 5 = 0",
        "VACUUM log",
        "INSERT INTO log (event) SELECT 'there' FROM generate_series(1, 400)",
    ],
    "the same rows came again": [
        "CREATE TEMPORARY TABLE kept AS SELECT * FROM log WHERE id % 23 = 0",
        "DELETE FROM log WHERE id % 23 = 0",
        "VACUUM log",
        "INSERT INTO log SELECT * FROM kept",
    ],
    "keys were changed": ["UPDATE log SET id = id + 100000 WHERE id % 41 = 0"],
    "two keys were exchanged": [
        "UPDATE log SET id = -2050 WHERE id = 2050",
        "UPDATE log SET id = 2050 WHERE id = 2052",
        "UPDATE log SET id = 2052 WHERE id = -2050",
    ],
    "rows were frozen": ["VACUUM FREEZE log", "DELETE FROM log WHERE id % 53 = 0"],
    "rows of tables with other keys": [
        "UPDATE task_instance SET state = 'failed' WHERE task_id = 't1'",
        "DELETE FROM xcom WHERE task_id = 't0'",
        "INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)"
        " SELECT dag_run_id, task_id, map_index, 'again', dag_id, run_id, value, timestamp FROM xcom",
    ],
}


@pytest.mark.parametrize("changes", CHANGES)
def test_it_holds_what_a_full_one_holds(history: Metadata, tmp_path: Path, changes: str) -> None:
    base = add(history, tmp_path, piece_size=PIECE)
    for statement in CHANGES[changes]:
        history.run_sql(statement)

    added = add(history, tmp_path)

    assert (added.parent, added.base) == (base.backup_id, base.backup_id)
    assert is_as_full(history, tmp_path, added)
    assert own_rows(added) < own_rows(base) / 4


def test_it_stores_nothing_of_a_table_that_nobody_wrote(history: Metadata, tmp_path: Path) -> None:
    add(history, tmp_path)

    added = add(history, tmp_path)

    with reached(history.url).transaction() as cursor:
        catalog = read_catalog(cursor)
    whole = [name for name in added.table_names if not placed.can_be_added_to(TABLES[name], catalog, 0)]
    assert [file.table for file in added.tables if not file.backup_id] == whole
    assert {"variable", "connection", "dag", "log_template"} <= {*whole}
    assert not {"log", "task_instance", "xcom", "dag_run", "job"} & {*whole}
    assert added.dropped == ()


@pytest.mark.parametrize("limits", [{"MOST_HELD": 150}, {"MOST_ASKED": 3}, {"SPARSE": 10_000}, {"SPARSE": 1}])
def test_it_is_the_same_however_the_new_rows_are_asked_for(
    history: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int]
) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(growth, name, value)
    add(history, tmp_path)
    for number in range(3):
        history.run_sql(f"UPDATE log SET event = 'few' WHERE id % 40 = {number}")
        history.run_sql(f"UPDATE log SET event = 'many' WHERE id BETWEEN {900 + number} AND 1100")
        history.run_sql("INSERT INTO log (event) SELECT 'new' FROM generate_series(1, 70)")
        history.run_sql("VACUUM log")
        added = add(history, tmp_path)
        assert added.references
        assert is_as_full(history, tmp_path, added)


REWRITTEN = {
    "it was written anew": "VACUUM FULL log",
    "it was sorted": "CLUSTER log USING log_pkey",
    "it was emptied": "TRUNCATE log",
    "it has a column more, with a value that no row holds": "ALTER TABLE log ADD COLUMN colour text DEFAULT 'red'",
    "a column has another type and looks the same": "ALTER TABLE log ALTER event TYPE text",
    "more than half of it is new": "UPDATE log SET event = 'all'",
}


@pytest.mark.parametrize("reason", REWRITTEN)
def test_a_table_is_stored_whole_where_its_places_mean_nothing_or_it_is_no_gain(
    history: Metadata, tmp_path: Path, reason: str
) -> None:
    add(history, tmp_path)
    history.run_sql(REWRITTEN[reason])

    added = add(history, tmp_path)

    assert added.parent
    assert {file.backup_id for file in added.files_of("log")} == {""}
    assert is_as_full(history, tmp_path, added)
    history.run_sql("INSERT INTO log (event) VALUES ('one more')")
    assert is_as_full(history, tmp_path, add(history, tmp_path))


def test_transactions_that_were_open_at_the_parents_moment_are_not_missed(history: Metadata, tmp_path: Path) -> None:
    late, undone = Metadata(history.url), Metadata(history.url)
    for other, name in ((late, "late"), (undone, "undone")):
        other.run_sql("BEGIN")
        other.run_sql(f"INSERT INTO log (event) VALUES ('{name}')")
        other.run_sql("SAVEPOINT a")
        other.run_sql(f"INSERT INTO log (event) VALUES ('{name} in a')")
        other.run_sql(f"UPDATE log SET event = '{name} too' WHERE id = {8 if name == 'late' else 9}")
        other.run_sql("RELEASE SAVEPOINT a")
        other.run_sql("SAVEPOINT b")
        other.run_sql("DELETE FROM log WHERE id IN (10, 11)" if name == "late" else "DELETE FROM log WHERE id = 12")
    history.run_sql("INSERT INTO log (event) VALUES ('younger than both, and there before')")
    base = add(history, tmp_path)
    late.run_sql("INSERT INTO log (event) VALUES ('after the moment')")
    late.run_sql("ROLLBACK TO SAVEPOINT b")
    late.run_sql("DELETE FROM log WHERE id = 13")
    late.run_sql("COMMIT")
    undone.run_sql("ROLLBACK")

    added = add(history, tmp_path)

    assert is_as_full(history, tmp_path, added)
    assert added.rows_of("log") == base.rows_of("log") + 2 - 1
    events = {value for row in held(tmp_path, added)["log"] for value in row if value.startswith("event=")}
    assert {"event='late'", "event='late in a'", "event='late too'"} <= events
    assert not [event for event in events if "undone" in event]


def test_a_transaction_that_is_still_open_is_not_in_it_and_not_missed_by_the_next(
    history: Metadata, tmp_path: Path
) -> None:
    long = Metadata(history.url)
    long.run_sql("BEGIN")
    long.run_sql("DELETE FROM log WHERE id % 17 = 0")
    long.run_sql("INSERT INTO log (event) VALUES ('long')")
    add(history, tmp_path)
    for number in range(3):
        history.run_sql(f"INSERT INTO log (event) VALUES ('{number}')")
        assert is_as_full(history, tmp_path, add(history, tmp_path))
    long.run_sql("COMMIT")
    assert is_as_full(history, tmp_path, add(history, tmp_path))


def test_a_chain_under_random_churn_is_restored_as_a_full_one(
    history: Metadata, database: Database, tmp_path: Path
) -> None:
    chance = random.Random(7)
    add(history, tmp_path, piece_size=PIECE)
    for number in range(8):
        for _ in range(chance.randint(1, 5)):
            history.run_sql(churn(chance, number))
        added = add(history, tmp_path, connections=1 + number % 2)
        assert added.parent
        assert is_as_full(history, tmp_path, added), number
    assert len(added.references) > 3
    history.run_sql("UPDATE dag_run SET state = 'success' WHERE state IN ('running', 'queued')")
    history.run_sql("UPDATE task_instance SET state = 'success' WHERE state = 'running'")
    last = add(history, tmp_path)
    backup(history.url, tmp_path / "full")
    of_chain, of_full = Metadata(database(VERSION)), Metadata(database(VERSION))
    restore(of_chain.url, tmp_path, backup_id=last.backup_id)
    restore(of_full.url, tmp_path / "full")
    assert natural(of_chain, TABLES) == natural(of_full, TABLES)
    assert of_chain.content("log") == history.content("log")
    assert dangling(of_chain, TABLES) == []


def churn(chance: random.Random, number: int) -> str:
    """One statement that somebody may run, in no order."""
    low = chance.randint(0, 4_000)
    high = low + chance.randint(1, 150)
    share = chance.randint(11, 60)
    return chance.choice(
        [
            f"DELETE FROM log WHERE id BETWEEN {low} AND {high}",
            f"DELETE FROM log WHERE id % {share} = 0",
            f"UPDATE log SET extra = repeat('y', id % 300) WHERE id BETWEEN {low} AND {high}",
            f"UPDATE log SET event = 'churned {number}' WHERE id % {share} = 1",
            f"INSERT INTO log (event, extra) SELECT 'new {number}', repeat('z', n) FROM generate_series(1, {share}) n",
            "VACUUM log",
            "VACUUM FREEZE log",
            "VACUUM FULL log" if chance.random() < 0.2 else "ANALYZE log",
            f"BEGIN; UPDATE log SET event = 'never' WHERE id % {share} = 2; ROLLBACK",
            f"BEGIN; SAVEPOINT a; DELETE FROM log WHERE id % {share} = 3; ROLLBACK TO a;"
            f" UPDATE log SET event = 'kept' WHERE id BETWEEN {low} AND {high}; COMMIT",
            f"UPDATE task_instance SET try_number = {number} WHERE task_id = 't{chance.randint(0, 2)}'",
            f"UPDATE xcom SET value = '{number}' WHERE run_id = 'r{chance.randint(0, 5)}'",
            f"UPDATE variable SET val = '{number}' WHERE NOT is_encrypted",
        ]
    )


def test_every_version_with_uuid_keys_has_increments(database: Database, tmp_path: Path) -> None:
    primary, target = Metadata(database("3.0.6")), Metadata(database("3.0.6"))
    fill_3(primary)
    base = add(primary, tmp_path, version="3.0.6")
    primary.run_sql("UPDATE task_instance SET state = 'failed' WHERE task_id = 't1'")
    primary.run_sql("DELETE FROM log WHERE id % 9 = 0")
    primary.run_with_task("sales", "new")

    added = add(primary, tmp_path, version="3.0.6")

    backup(primary.url, tmp_path / "full", version="3.0.6")
    full = BackupRepository(storage(tmp_path / "full")).choose()
    assert held(tmp_path, added) == held(tmp_path / "full", full)
    assert {file.backup_id for file in added.files_of("task_instance")} == {"", base.backup_id}
    restore(target.url, tmp_path, version="3.0.6")
    assert target.content("task_instance", without=["dag_version_id"]) == primary.content(
        "task_instance", without=["dag_version_id"]
    )


def fill_3(db: Metadata) -> None:
    db.dag("sales")
    for number in range(30):
        db.dag_run("sales", f"r{number}")
        for task in range(3):
            db.task("sales", f"r{number}", f"t{task}")
    db.run_sql("INSERT INTO log (event, dttm) SELECT 'ran', now() FROM generate_series(1, 500)")
