"""What the primary environment holds beside the history of its DAGs, and what the second one already has."""

from __future__ import annotations

from typing import Any

from drill.airflow import Airflow

NASTY = "é 漢字 🙂 | \\N \\. 'single' \"double\"\r\nnew\rlines\n\ttab , ; %s {{ x }}"

PRIMARY_SETTINGS = {
    "AIRFLOW__LOGGING__LOG_FILENAME_TEMPLATE": "own/{{ ti.dag_id }}/{{ run_id }}/{{ ti.task_id }}/{{ ti.map_index }}"
    "/{{ try_number }}.log"
}
"""A log template that the second environment does not know."""

VARIABLES: list[dict[str, Any]] = [
    {"key": "plain", "val": "value", "description": "a plain one"},
    {"key": "empty", "val": "", "description": ""},
    {"key": "key with 'quotes' | é", "val": NASTY, "description": NASTY},
    {"key": "json", "val": '{"a": [1, null, "\\u00e9"], "b": {"c": "***not masked"}}'},
    {"key": "large", "val": "x" * 300_000},
    {"key": "in_both", "val": "of the primary"},
    {"key": "DR_SHRINK_GUARD_PERCENT", "val": "60"},
]

CONNECTIONS: list[dict[str, Any]] = [
    {
        "conn_id": "everything",
        "conn_type": "postgres",
        "description": NASTY,
        "host": "db.example.com",
        "schema": "sch|ema",
        "login": "us'er",
        "password": NASTY,
        "port": 5432,
        "extra": '{"sslmode": "require", "é": "\\n", "nested": {"a": [1, 2]}}',
    },
    {"conn_id": "bare", "conn_type": "http"},
    {"conn_id": "zero", "conn_type": "generic", "host": "", "login": "", "password": "", "port": 0},
    {"conn_id": "in_both", "conn_type": "generic", "host": "primary", "password": "of the primary"},
]

POOLS: list[dict[str, Any]] = [
    {"pool": "drill_pool", "slots": 3, "description": ""},
    {"pool": "pool | 'é'", "slots": -1, "description": NASTY},
]

VARIABLES_THERE: list[dict[str, Any]] = [
    {"key": "in_both", "val": "of the second", "description": "was there"},
    {"key": "only_there", "val": NASTY},
]

CONNECTIONS_THERE: list[dict[str, Any]] = [
    {"conn_id": "in_both", "conn_type": "generic", "host": "second", "password": "of the second"},
    {"conn_id": "only_there", "conn_type": "generic", "password": "secret"},
]

CONF = {"number": 1, "text": NASTY, "list": [None, True, {"é": 1.5}], "": "empty key"}


def before_the_runs(primary: Airflow) -> None:
    """Rows without encryption, and sequences that do not begin at 1, as after `airflow db clean`."""
    primary.query("UPDATE slot_pool SET slots = 77 WHERE pool = 'default_pool'")
    primary.query("INSERT INTO variable (key, val, is_encrypted) VALUES ('unencrypted', %s, false)", NASTY)
    primary.query(
        "INSERT INTO connection (conn_id, conn_type, password, extra, is_encrypted, is_extra_encrypted)"
        " VALUES ('unencrypted', 'generic', 'open', '{}', false, false)"
    )
    primary.query("SELECT setval('dag_run_id_seq', 2), setval('job_id_seq', 4), setval('log_id_seq', 1000)")


def after_the_runs(primary: Airflow) -> None:
    """What people add while looking at runs: a role, notes, a paused DAG, a missed SLA, entries in the audit log."""
    primary.query("UPDATE dag SET is_paused = true WHERE dag_id = 'drill_resting'")
    _add_entries(primary)
    if primary.version >= (3,):
        _add_what_fab_has(primary)
        _add_notes(primary, by="ti_id", columns="id")
        return
    primary.query(
        "INSERT INTO sla_miss (task_id, dag_id, execution_date, email_sent, notification_sent, timestamp, description)"
        " SELECT 'give', dag_id, execution_date, false, false, now(), %s FROM dag_run WHERE dag_id = 'drill_yearly'",
        NASTY,
    )
    _add_role(primary)
    if primary.version >= (2, 5):
        _add_notes(primary, by="task_id, dag_id, run_id, map_index", columns="task_id, dag_id, run_id, map_index")


def _add_entries(primary: Airflow) -> None:
    primary.query(
        "INSERT INTO log (dttm, event, owner, extra) VALUES (now(), 'nasty', 'drill', %s), (now(), 'empty', '', ''),"
        " (now(), 'null', NULL, NULL), (NULL, 'twin', 'drill', 'x'), (NULL, 'twin', 'drill', 'x')",
        NASTY,
    )


def _add_what_fab_has(primary: Airflow) -> None:
    """What an Airflow 3 with the FAB auth manager has and an upgraded one has not brought along."""
    if not primary.query("SELECT 1 FROM pg_tables WHERE tablename = 'ab_group'"):
        return
    if not primary.query("SELECT 1 FROM ab_role WHERE name LIKE 'drill%%'"):
        _add_role(primary)
    primary.query(
        "WITH new AS (INSERT INTO ab_group (id, name, label)"
        " VALUES (nextval('ab_group_id_seq'), 'drill group', 'é') RETURNING id),"
        " person AS (INSERT INTO ab_user_group (id, user_id, group_id)"
        " SELECT nextval('ab_user_group_id_seq'), ab_user.id, new.id FROM ab_user, new WHERE username = 'drill')"
        " INSERT INTO ab_group_role (id, group_id, role_id)"
        " SELECT nextval('ab_group_role_id_seq'), new.id, ab_role.id FROM ab_role, new"
        " WHERE ab_role.name = 'drill role é'"
    )


def _add_role(primary: Airflow) -> None:
    primary.query(
        "WITH role AS (INSERT INTO ab_role (id, name) VALUES (nextval('ab_role_id_seq'), 'drill role é') RETURNING id),"
        " chosen AS (SELECT id FROM ab_permission_view ORDER BY id LIMIT 7)"
        " INSERT INTO ab_permission_view_role (id, permission_view_id, role_id)"
        " SELECT nextval('ab_permission_view_role_id_seq'), chosen.id, role.id FROM chosen, role"
    )
    primary.query(
        "WITH person AS (INSERT INTO ab_user (id, first_name, last_name, username, email, active)"
        " VALUES (nextval('ab_user_id_seq'), 'Drill', 'Person', 'drill', 'drill@example.com', true) RETURNING id)"
        " INSERT INTO ab_user_role (id, user_id, role_id)"
        " SELECT nextval('ab_user_role_id_seq'), person.id, ab_role.id FROM person, ab_role WHERE name = 'drill role é'"
    )


def _add_notes(primary: Airflow, by: str, columns: str) -> None:
    author = "(SELECT id FROM ab_user WHERE username = 'drill')" if primary.version < (3,) else "'drill'"
    primary.query(
        "INSERT INTO dag_run_note (user_id, dag_run_id, content, created_at, updated_at)"
        f" SELECT {author}, id, %s, now(), now() FROM dag_run"
        " WHERE dag_id IN ('drill_mapped', 'drill_yearly') ON CONFLICT DO NOTHING",
        NASTY,
    )
    primary.query(
        f"INSERT INTO task_instance_note (user_id, {by}, content, created_at, updated_at)"
        f" SELECT NULL, {columns}, %s, now(), now() FROM task_instance"
        " WHERE dag_id = 'drill_mapped' ON CONFLICT DO NOTHING",
        NASTY,
    )
