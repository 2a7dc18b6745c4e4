"""A small environment with rows in every carried table, whatever the Airflow version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.support.fernet import encrypted
from tests.support.metadata import FERNET, START, Metadata

STATES = ("success", "failed", "running")


def fill(db: Metadata, name: str = "sales", *, runs: int = 6, logs: int = 50, key: str = FERNET) -> None:
    """Fill the database with the history of two DAGs, `name` and `name`_paused, and what is set around them."""
    _configuration(db, name, key)
    template = db.insert("log_template", filename=f"{name}/{{{{ ti.task_id }}}}", elasticsearch_id="e")
    datasets = _datasets(db, name)
    for number in range(runs):
        _run(db, name, number, template=template, event=datasets[number % len(datasets)])
    db.dag_run(f"{name}_paused", "by_hand", state="success", run_type="manual", **at(START), end_date=START)
    db.insert("sla_miss", task_id="t0", dag_id=name, execution_date=START, timestamp=START)
    db.insert("job", job_type="SchedulerJob", state="running", start_date=START, hostname=name)
    db.run_sql(
        "INSERT INTO log (dttm, dag_id, task_id, event, extra) SELECT %s + n * interval '1 s', %s, 't0', 'ran',"
        " nullif(repeat('x', n %% 3), 'x') FROM generate_series(1, %s) n",
        START,
        name,
        logs,
    )


def at(day: datetime) -> dict[str, datetime]:
    """The times of a run."""
    names = ("execution_date", "data_interval_start", "data_interval_end", "queued_at", "start_date")
    return dict.fromkeys(names, day)


def _configuration(db: Metadata, name: str, key: str) -> None:
    db.dag(name)
    db.dag(f"{name}_paused", paused=True)
    db.insert("slot_pool", pool=name, slots=7, include_deferred=True)
    db.insert("variable", key=f"{name}_secret", val=encrypted(key, f"{name} v"), is_encrypted=True)
    db.insert("variable", key=f"{name}_plain", val="", is_encrypted=False)
    db.insert(
        "connection",
        conn_id=name,
        conn_type="http",
        password=encrypted(key, f"{name} p"),
        is_encrypted=True,
        extra=encrypted(key, "{}"),
        is_extra_encrypted=True,
    )
    user = db.insert("ab_user", id=_next(db, "ab_user"), username=name, email=f"{name}@x", first_name="F")
    role = db.insert("ab_role", id=_next(db, "ab_role"), name=name)
    view = db.insert("ab_view_menu", id=_next(db, "ab_view_menu"), name=f"DAG:{name}")
    permission = db.insert("ab_permission", id=_next(db, "ab_permission"), name=f"can_{name}")
    pair = db.insert(
        "ab_permission_view", id=_next(db, "ab_permission_view"), permission_id=permission, view_menu_id=view
    )
    db.insert("ab_permission_view_role", id=_next(db, "ab_permission_view_role"), permission_view_id=pair, role_id=role)
    db.insert("ab_user_role", id=_next(db, "ab_user_role"), user_id=user, role_id=role)


def _datasets(db: Metadata, name: str) -> list[int]:
    """Two datasets with an event each, one waited for; returns the events."""
    events = []
    for number in range(2):
        dataset = db.insert("dataset", uri=f"s3://{name}/{number}", extra="{}")
        event = db.insert("dataset_event", dataset_id=dataset, extra='{"a":  1}', source_dag_id=name, timestamp=START)
        events.append(int(event))
        _insert(db, "dataset_alias", name=f"{name}{number}")
        alias = number + 1
        if db.columns("dataset_alias"):
            alias = db.one("SELECT max(id) FROM dataset_alias")
        _insert(db, "dataset_alias_dataset", alias_id=alias, dataset_id=dataset)
        _insert(db, "dataset_alias_dataset_event", alias_id=alias, event_id=event)
        db.insert("dataset_dag_run_queue", dataset_id=dataset, target_dag_id=f"{name}_paused", created_at=START)
    return events


def _run(db: Metadata, name: str, number: int, *, template: int, event: int) -> None:
    """A run with three tasks; every third run is still running with one of them at work."""
    state, run_id = STATES[number % 3], f"r{number}"
    day = START + timedelta(days=number)
    job = db.insert("job", job_type="LocalTaskJob", state="success", dag_id=name, start_date=day, end_date=day)
    run = db.dag_run(
        name,
        run_id,
        state=state,
        **at(day),
        end_date=None if state == "running" else day,
        creating_job_id=job,
        log_template_id=template,
        conf=b"\x80\x04}.",
    )
    for task in range(3):
        its = state if task == 2 else "success"
        db.task(name, run_id, f"t{task}", state=its, job_id=job, queued_by_job_id=job, start_date=day, pool=name)
        db.xcom(name, run_id, f"t{task}", value=f'"{number} {task}"'.encode())
    ti = {"dag_id": name, "run_id": run_id, "task_id": "t0", "map_index": -1}
    db.insert("task_fail", **ti, start_date=day)
    db.insert("task_reschedule", **ti, try_number=1, start_date=day)
    db.insert("task_map", **ti, length=2, keys="[1]")
    db.insert("rendered_task_instance_fields", **ti, rendered_fields='{"a": 1}')
    _insert(db, "task_instance_history", **ti, try_number=1, pool=name, pool_slots=1, job_id=job)
    _insert(db, "task_instance_note", **ti, content="look", user_id=db.one("SELECT max(id) FROM ab_user"))
    _insert(db, "dag_run_note", dag_run_id=run, content="why", user_id=db.one("SELECT max(id) FROM ab_user"))
    db.insert("dagrun_dataset_event", dag_run_id=run, event_id=event)


def _insert(db: Metadata, table: str, **values: Any) -> None:
    """Insert a row where this Airflow has the table."""
    if db.columns(table):
        db.insert(table, **values)


def _next(db: Metadata, table: str) -> int:
    return int(db.one(f"SELECT COALESCE(max(id), 0) + 1 FROM {table}"))
