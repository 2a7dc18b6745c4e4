"""The whole comparison of a drill, on real databases: each single wrong row is found."""

from __future__ import annotations

import psycopg2
import pytest

from drill import rules
from drill.compare import compare
from drill.snapshot import read, resolve
from tests.conftest import Database

CONTENT = """
INSERT INTO dag (dag_id, is_paused, max_active_tasks, has_task_concurrency_limits, max_consecutive_failed_dag_runs)
    VALUES ('d', false, 16, false, 0);
INSERT INTO job (id, dag_id, state, job_type, start_date, end_date) VALUES (5, 'd', 'success', 'LocalTaskJob',
    '2026-01-01', '2026-01-02');
INSERT INTO log_template (id, filename, elasticsearch_id, created_at) VALUES (3, 'f', 'e', '2026-01-01');
INSERT INTO dag_run (id, dag_id, run_id, run_type, execution_date, state, log_template_id, conf, clear_number)
    VALUES (8, 'd', 'r', 'manual', '2026-01-01', 'success', 3, 'x', 0);
INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, pool, pool_slots, job_id)
    VALUES ('d', 't', 'r', -1, 'success', 'default_pool', 1, 5);
INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
    VALUES (8, 't', -1, 'k', 'd', 'r', 'value', '2026-01-01');
INSERT INTO task_instance_note (task_id, dag_id, run_id, map_index, content, created_at, updated_at)
    VALUES ('t', 'd', 'r', -1, '', '2026-01-01', '2026-01-01');
INSERT INTO log (id, dttm, event, extra) VALUES (1, '2026-01-01', 'e', ''), (2, '2026-01-01', 'e', '');
INSERT INTO slot_pool (id, pool, slots, include_deferred) VALUES (2, 'p', 1, false);
INSERT INTO variable (id, key, val, is_encrypted) VALUES (1, 'v', 'secret', false);
"""

RENUMBERED = """
ALTER TABLE xcom DROP CONSTRAINT xcom_task_instance_fkey;
UPDATE dag_run SET id = 108; UPDATE xcom SET dag_run_id = 108;
UPDATE job SET id = 105; UPDATE task_instance SET job_id = 105;
ALTER TABLE dag_run DROP CONSTRAINT task_instance_log_template_id_fkey;
UPDATE log_template SET id = 4; UPDATE dag_run SET log_template_id = 4; UPDATE log SET id = id + 100;
"""

WRONG = {
    "an empty text became NULL": "UPDATE log SET extra = NULL WHERE id = 1",
    "a note is empty no more": "UPDATE task_instance_note SET content = ' '",
    "a byte changed": "UPDATE xcom SET value = 'valuE'",
    "an XCom is lost": "DELETE FROM xcom",
    "an XCom of another run": "UPDATE xcom SET dag_run_id = 9",
    "a task without its job": "UPDATE task_instance SET job_id = NULL",
    "one of two equal log rows is lost": "DELETE FROM log WHERE id = 2",
    "a log row was doubled": "INSERT INTO log (id, dttm, event, extra) VALUES (9, '2026-01-01', 'e', '')",
    "a time moved": "UPDATE dag_run SET execution_date = execution_date + interval '1 microsecond'",
    "a run lost its conf": "UPDATE dag_run SET conf = NULL",
    "a run lost its log template": "UPDATE dag_run SET log_template_id = NULL",
    "a pool lost a slot": "UPDATE slot_pool SET slots = 0",
    "a DAG was paused": "UPDATE dag SET is_paused = true",
    "a DAG is not known": "DELETE FROM dag",
    "a variable lost its description": "UPDATE variable SET description = ''",
    "a run too many": "INSERT INTO dag_run (dag_id, run_id, run_type, execution_date, clear_number)"
    " VALUES ('d', 'again', 'scheduled', now(), 0)",
}


def database_with(database: Database, *scripts: str) -> str:
    url = database("2.10.3")
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for script in scripts:
            cursor.execute(script)
    connection.close()
    return url


def differing_tables(primary: str, second: str, empty: str) -> list[str]:
    expected = rules.expected(resolve(read(primary)), resolve(read(empty)), "2026-01-03 00:00:00+00")
    found = compare(expected, rules.seen(resolve(read(second)), expected), rules.is_own_activity)
    return [difference.table for difference in found]


def test_a_whole_restore_with_other_keys_does_not_differ(database: Database) -> None:
    primary, second = database_with(database, CONTENT), database_with(database, CONTENT, RENUMBERED)
    assert differing_tables(primary, second, database("2.10.3")) == []


@pytest.mark.parametrize("wrong", WRONG)
def test_one_wrong_row_is_found(database: Database, wrong: str) -> None:
    primary, second = database_with(database, CONTENT), database_with(database, CONTENT, WRONG[wrong])
    assert differing_tables(primary, second, database("2.10.3")) != []
