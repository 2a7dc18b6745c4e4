"""Every value of every column type comes back as it was, whatever the order of the columns."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from mwaa_dr.framework.model.table import Table
from tests.conftest import Database
from tests.support.engine import backup, restore, tables_of
from tests.support.fernet import decrypted, encrypted
from tests.support.metadata import FERNET, OTHER_FERNET, Metadata

TABLES = tables_of()
UPGRADED = "2.10.3-upgraded-from-2.4.3"
ROWS = 24
Pools = dict[str, list[str | None]]

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=40),
    st.text("ab,\"'\\\r\n\t|.N \x01\x7f\u2028\ufeff", max_size=12),
    st.sampled_from(["", "NULL", "\\N", "\\.", "\n\\.\n", '"', '""', "\r\n", " ", "null", "t", "{}", "'"]),
)
DIGITS = st.integers(0, 59)
YEARS = st.one_of(st.integers(1, 4713), st.integers(1900, 2100), st.integers(10_000, 294_275))


@st.composite
def moments(draw: st.DrawFn) -> str:
    year, month, day = draw(YEARS), draw(st.integers(1, 12)), draw(st.integers(1, 28))
    clock = f"{draw(st.integers(0, 23)):02}:{draw(DIGITS):02}:{draw(DIGITS):02}.{draw(st.integers(0, 999_999)):06}"
    return f"{year:04}-{month:02}-{day:02} {clock}" + (" BC" if year < 4713 and draw(st.booleans()) else "")


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    value = draw(st.recursive(leaves, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=5))
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 3])))
    # Lone surrogates are no text, and json keeps every blank.
    return draw(st.sampled_from(["", " ", "\n\t"])) + re.sub(r"[\ud800-\udfff]", "", text)


def integers(bits: int) -> st.SearchStrategy[str]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.one_of(st.integers(low, high), st.sampled_from([low, high, 0])).map(str)


FLOATS = st.one_of(
    st.floats(),
    st.integers(0, 2**64 - 1).map(lambda bits: float(struct.unpack("<d", struct.pack("<Q", bits))[0])),
).map(repr)

BY_TYPE: dict[str, st.SearchStrategy[str]] = {
    "text": TEXTS,
    "json": st.one_of(json_texts(), st.sampled_from(['{"a": 1, "a": 2}', '"\\u0000"', "1e400", " [ ] "])),
    "bytea": st.binary(max_size=60).map(lambda data: "\\x" + data.hex()),
    "timestamp with time zone": st.one_of(moments(), st.sampled_from(["infinity", "-infinity"])),
    "timestamp without time zone": st.one_of(moments(), st.sampled_from(["infinity", "-infinity"])),
    "double precision": FLOATS,
    "integer": integers(32),
    "bigint": integers(64),
    "boolean": st.booleans().map(str),
}

POOLS = st.fixed_dictionaries(
    {kind: st.lists(st.none() | values, min_size=12, max_size=ROWS) for kind, values in BY_TYPE.items()}
)

KEYS: dict[str, Any] = {
    "dag_run": lambda n: {"dag_id": "d", "run_id": f"r{n}", "state": "success", "execution_date": f"2026-01-01 00:{n}"},
    "task_instance": lambda n: {
        "dag_id": "d",
        "run_id": f"r{n}",
        "task_id": "t",
        "map_index": "-1",
        "state": "success",
    },
    "xcom": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1", "dag_run_id": str(n + 1)},
    "rendered_task_instance_fields": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1"},
    "task_fail": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1"},
    "task_reschedule": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1"},
    "task_instance_note": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1"},
    "task_instance_history": lambda n: {"dag_id": "d", "run_id": f"r{n}", "task_id": "t", "map_index": "-1"},
    "dag_run_note": lambda n: {"dag_run_id": str(n + 1)},
    "log": lambda n: {},
    "job": lambda n: {"state": "success", "hostname": f"host{n}"},
    "dataset": lambda n: {"uri": f"s3://{n}"},
    "dataset_event": lambda n: {"dataset_id": str(n + 1)},
    "slot_pool": lambda n: {"pool": f"pool{n}"},
    "ab_user": lambda n: {"username": f"user{n}", "email": f"{n}@x"},
    "sla_miss": lambda n: {"dag_id": "d", "task_id": "t", "execution_date": f"2026-01-01 00:{n}"},
}
"""Tables in the order of filling, with what must be set in the n-th row; all else is any value."""
EMPTY = {"trigger_id", "job_id", "queued_by_job_id", "creating_job_id", "log_template_id", "user_id"} | {
    "created_by_fk",
    "changed_by_fk",
}
"""References: what becomes of those has tests of its own."""


def fill(db: Metadata, pools: Pools) -> None:
    """A row for each value of a pool, in each column of that type."""
    db.run_sql(f"TRUNCATE {', '.join(KEYS)} RESTART IDENTITY CASCADE")
    for table, keys in KEYS.items():
        columns = db.rows(
            "SELECT column_name, data_type, character_maximum_length, is_nullable = 'YES'"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY 1",
            table,
        )
        for number in range(ROWS):
            fixed = {"id": str(number + 1), **dict.fromkeys(EMPTY), **keys(number)}
            row = {name: fixed[name] if name in fixed else any_value(pools, number, *c) for name, *c in columns}
            insert(db, table, row, {name: kind for name, kind, *_ in columns})


def any_value(pools: Pools, number: int, kind: str, limit: int | None, nullable: bool) -> str | None:
    pool = [value for value in pools["text" if kind.startswith("character") else kind] if nullable or value is not None]
    if not pool:
        pool = [{"text": "", "character varying": "", "json": "1", "bytea": "", "boolean": "f"}.get(kind, "0")]
        pool = ["2026-01-01"] if kind.startswith("time") else pool
    value = pool[number % len(pool)]
    return value[:limit] if value and limit else value


def insert(db: Metadata, table: str, row: dict[str, str | None], kinds: dict[str, str]) -> None:
    values = [sql.SQL("%s::{}").format(sql.SQL(kinds[name])) for name in row]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(values)
    )
    with db.connection.cursor() as cursor:
        cursor.execute(statement, list(row.values()))


def held(db: Metadata, tables: dict[str, Table]) -> dict[str, list[tuple[Any, ...]]]:
    db.run_sql("SET extra_float_digits = 3; SET TIME ZONE 'UTC'")
    return {name: db.content(name, without=list(table.fixed)) for name, table in tables.items()}


@pytest.mark.parametrize(("source", "target"), [("2.10.3", "2.10.3"), ("2.10.3", UPGRADED), (UPGRADED, "2.10.3")])
def test_every_value_of_every_type_comes_back(source: str, target: str, database: Database, tmp_path: Path) -> None:
    primary, secondary = Metadata(database(source)), Metadata(database(target))
    chosen = TABLES.only(KEYS)
    checked = {table.name: table for table in chosen}

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POOLS)
    def round_trip(pools: Pools) -> None:
        fill(primary, pools)
        secondary.run_sql(f"TRUNCATE {', '.join(KEYS)} RESTART IDENTITY CASCADE")
        backup(primary.url, tmp_path, tables=chosen)
        restore(secondary.url, tmp_path, tables=chosen)
        assert held(secondary, checked) == held(primary, checked)
        restore(secondary.url, tmp_path, tables=chosen)
        assert held(secondary, checked) == held(primary, checked)

    round_trip()


def test_a_variable_that_was_set_to_nothing_can_still_be_decrypted(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.insert("variable", key="empty", val=encrypted(FERNET, ""), is_encrypted=True)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    val, is_encrypted = secondary.rows("SELECT val, is_encrypted FROM variable")[0]
    assert is_encrypted
    assert decrypted(OTHER_FERNET, val) == ""


SECRETS = TEXTS.filter(lambda text: text.strip() != "***")


def test_every_variable_and_connection_comes_back(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    chosen = TABLES.only(["variable", "connection"])

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(SECRETS, st.booleans(), st.none() | TEXTS), min_size=10, max_size=30))
    def round_trip(rows: list[tuple[str, bool, str | None]]) -> None:
        for db in (primary, secondary):
            db.run_sql("TRUNCATE variable, connection")
        for number, (value, is_encrypted, words) in enumerate(rows):
            kept = encrypted(FERNET, value) if is_encrypted else value
            name = f"{number} {words or ''}"[:250]
            primary.insert("variable", key=name, val=kept, is_encrypted=is_encrypted, description=words)
            primary.insert(
                "connection",
                conn_id=name,
                conn_type="t",
                password=kept,
                is_encrypted=is_encrypted,
                extra=kept,
                is_extra_encrypted=is_encrypted,
                host=words,
                login=words,
                description=words,
            )
        backup(primary.url, tmp_path, tables=chosen, shrink_guard_percent=100)
        restore(secondary.url, tmp_path, tables=chosen)
        for table, columns in (("variable", ["val"]), ("connection", ["password", "extra"])):
            assert secondary.content(table, without=columns) == primary.content(table, without=columns)
        found = dict(secondary.rows("SELECT split_part(key, ' ', 1)::int, val FROM variable"))
        passwords = dict(secondary.rows("SELECT split_part(conn_id, ' ', 1)::int, password FROM connection"))
        for number, (value, is_encrypted, _) in enumerate(rows):
            for kept in (found[number], passwords[number]):
                assert (decrypted(OTHER_FERNET, kept) if is_encrypted else kept) == value

    round_trip()
