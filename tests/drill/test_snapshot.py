"""What is read of a database is all of it, and every surrogate key is known as one."""

from __future__ import annotations

import psycopg2
import pytest

from drill.snapshot import POINTERS, SURROGATE, read, resolve, sequences_behind
from drill.tables import ADDED, KEPT_BY, NOT_CARRIED, OF_RUNS, REPLACED_BY
from tests.conftest import Database
from tests.support import schemas

DRILLED = schemas.versions()
THE_SAME = {"task_instance_id", "ti_history_id"}
"""Columns with a UUID that a row keeps wherever it is restored."""


def run_sql(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.mark.parametrize("version", DRILLED)
def test_every_number_that_names_another_row_is_known(version: str) -> None:
    unknown = {
        f"{table}.{column}"
        for table, described in schemas.schema(version)["tables"].items()
        for column, shape in described["columns"].items()
        if shape["type"] in ("integer", "bigint", "uuid") and column.endswith(("_id", "_fk"))
        if table not in (*NOT_CARRIED, "dag")  # of a DAG only its id and its activity are compared
    }
    assert {name for name in unknown if name.partition(".")[2] not in {*POINTERS, *THE_SAME}} == set()


@pytest.mark.parametrize("version", DRILLED)
def test_every_sequence_feeds_a_surrogate_key(version: str) -> None:
    fed = {
        column
        for described in schemas.schema(version)["tables"].values()
        for column, shape in described["columns"].items()
        if "nextval" in str(shape["default"])
    }
    assert fed == {SURROGATE}


@pytest.mark.parametrize("version", DRILLED)
def test_every_table_has_one_rule(version: str) -> None:
    ruled = [NOT_CARRIED, OF_RUNS, frozenset(KEPT_BY), frozenset(REPLACED_BY), ADDED]
    for table in schemas.schema(version)["tables"]:
        assert sum(table in rule for rule in ruled) == 1, table


def test_every_row_of_every_table_is_read_and_keys_become_what_they_stand_for(database: Database) -> None:
    url = database("2.10.3")
    run_sql(
        url,
        "INSERT INTO log_template (id, filename, elasticsearch_id, created_at) VALUES (4, 'f', 'e', now())",
        "INSERT INTO dag_run (id, dag_id, run_id, run_type, execution_date, log_template_id, clear_number)"
        " VALUES (9, 'd', 'r', 'manual', now(), 4, 0)",
        "INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at) VALUES (9, '', now(), now())",
    )
    rows = resolve(read(url))
    assert set(rows) == set(schemas.schema("2.10.3")["tables"])
    assert rows["dag_run"][0]["log_template_id"] == "log_template(f, e)"
    assert (rows["dag_run_note"][0]["dag_run_id"], rows["dag_run_note"][0]["content"]) == ("dag_run(d, r)", "")


def test_a_key_that_stands_for_nothing_is_told(database: Database) -> None:
    url = database("2.10.3")
    run_sql(
        url,
        "INSERT INTO dag_run (id, dag_id, run_id, run_type, execution_date, creating_job_id, clear_number)"
        " VALUES (9, 'd', 'r', 'manual', now(), 5, 0)",
    )
    assert resolve(read(url))["dag_run"][0]["creating_job_id"] == "nothing: job 5"


def test_a_sequence_below_its_highest_key_is_found(database: Database) -> None:
    url = database("2.10.3")
    assert sequences_behind(url) == []
    run_sql(url, "INSERT INTO slot_pool (id, pool, slots, include_deferred) VALUES (1, 'p', 1, false)")
    assert sequences_behind(url) == ["slot_pool.id"]
    run_sql(url, "SELECT nextval('slot_pool_id_seq')")
    assert sequences_behind(url) == []


def test_only_a_row_that_names_a_task_instance_belongs_to_its_run() -> None:
    task: dict[str, str | None] = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": "-1"}
    note: dict[str, str | None] = {"ti_id": "u", "content": "c"}
    two = resolve({"task_instance": [task], "ab_role": [{"id": "1", "name": "n"}]})
    assert two["ab_role"] == [{"name": "n"}]
    three = resolve({"task_instance": [{**task, "id": "u"}], "task_instance_note": [note]})
    named = {"dag_id": "d", "run_id": "r", "ti_id": "task_instance(d, t, r, -1)", "content": "c"}
    assert three["task_instance_note"] == [named]
