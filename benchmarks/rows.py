"""The rows that all competitors back up and restore: made by the server, the same ones every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

TASKS = 10
TABLES = ("dag", "dag_run", "task_instance", "xcom", "log", "job", "task_fail", "variable", "connection")
"""The tables that are filled beside those of OWN; all others of the schema are empty."""
HISTORY = ("dag_run", "task_instance", "xcom", "log", "job", "task_fail")
"""Those that must be whole after a restore into an environment without rows."""

OWN = (
    "INSERT INTO log_template (id, filename, elasticsearch_id, created_at) VALUES (1, 'dag_id={{ ti.dag_id }}/"
    "run_id={{ ti.run_id }}/task_id={{ ti.task_id }}/attempt={{ try_number }}.log', 'e', '2024-01-01 00:00+00')",
    "INSERT INTO slot_pool (id, pool, slots, description, include_deferred)"
    " VALUES (1, 'default_pool', 128, 'Default pool', false)",
    "SELECT setval('log_template_id_seq', 1), setval('slot_pool_id_seq', 1)",
)
"""What a fresh environment writes itself."""


@dataclass(frozen=True)
class Size:
    """How much history there is."""

    name: str
    dags: int
    runs: int
    """Of each DAG."""
    wide: int = 0
    """kB of each XCom; 0: short JSON."""
    first_dag: int = 0

    @property
    def rows(self) -> int:
        """In the tables of the history."""
        tasks = self.dags * self.runs * TASKS
        xcoms = tasks // TASKS if self.wide else tasks
        return self.dags * self.runs + tasks * 4 + xcoms + tasks // 100

    @property
    def beside(self) -> Size:
        """What another environment holds: a tenth, of other DAGs but for a few; its keys are the same ones."""
        return replace(self, name=f"beside-{self.name}", runs=self.runs // 10, first_dag=self.dags - self.dags // 10)


SIZES = {
    size.name: size
    for size in (
        Size("S", dags=51, runs=200),
        Size("L", dags=51, runs=2000),
        Size("wide", dags=10, runs=994, wide=50),
    )
}

_RUNS = (
    "SELECT g.dag, g.number, (g.number - 1) * {dags} + g.dag - {first_dag} + 1 AS n,"
    " 'team_' || g.dag % 7 || '.pipeline_' || g.dag AS dag_id,"
    " timestamptz '2024-01-01 00:00+00' + g.number * interval '1 hour' + g.dag * interval '7 s' AS day"
    " FROM (SELECT dag, number FROM generate_series({first_dag}, {first_dag} + {dags} - 1) dag,"
    " generate_series(1, {runs}) number) g"
)
_TASKS = (
    "SELECT r.*, t.task, (r.n - 1) * {tasks} + t.task AS m, r.day + t.task * interval '37.251113 s' AS at,"
    " 'scheduled__' || to_char(r.day AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00' AS run_id,"
    " (ARRAY['extract', 'transform', 'load', 'check_quality', 'publish'])[1 + t.task % 5] || '_' || t.task AS task_id,"
    " 'ip-10-0-' || r.n % 64 || '-' || t.task || '.eu-west-1.compute.internal' AS host"
    " FROM runs r, generate_series(1, {tasks}) t(task) ORDER BY m"
)
_INSERTS = {
    "dag": (
        "dag_id, is_paused, is_subdag, is_active, last_parsed_time, fileloc, owners, default_view, max_active_tasks,"
        " max_active_runs, max_consecutive_failed_dag_runs, has_task_concurrency_limits, has_import_errors",
        "SELECT dag_id, dag % 5 = 0, false, true, day, '/usr/local/airflow/dags/' || dag_id || '.py', 'airflow',"
        " 'grid', 16, 16, 0, false, false FROM runs WHERE number = 1",
    ),
    "dag_run": (
        "id, dag_id, queued_at, execution_date, start_date, end_date, state, run_id, creating_job_id, external_trigger,"
        " run_type, conf, data_interval_start, data_interval_end, last_scheduling_decision, dag_hash, log_template_id,"
        " updated_at",
        "SELECT n, dag_id, at, day, at, day + interval '402.118 s',"
        " CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'success' END,"
        " run_id, 1, false, 'scheduled', '\\x80047d942e', day - interval '1 hour', day, day + interval '402 s',"
        " md5(dag_id), 1, day + interval '402.2 s' FROM tasks WHERE task = 1",
    ),
    "task_instance": (
        "task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, hostname,"
        " unixname, job_id, pool, pool_slots, queue, priority_weight, operator, queued_dttm, queued_by_job_id, pid,"
        " executor_config, updated_at, external_executor_id, task_display_name",
        "SELECT task_id, dag_id, run_id, -1, at, at + interval '31.4 s', 20 + (m % 9973) / 7.0,"
        " CASE WHEN n % 50 = 0 AND task = {tasks} THEN 'failed' ELSE 'success' END, 1, 2, host, 'airflow', m,"
        " 'default_pool', 1, 'default', task, (ARRAY['PythonOperator', 'BashOperator', 'S3KeySensor'])[1 + task % 3],"
        " at - interval '2 s', 1, 1000 + m % 30000, '\\x80047d942e', at + interval '31.5 s', md5(m::text)::uuid::text,"
        " task_id FROM tasks",
    ),
    "xcom": (
        "dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp",
        "SELECT n, task_id, -1, 'return_value', dag_id, run_id, {value}, at + interval '31 s' FROM tasks {xcoms}",
    ),
    "log": (
        "id, dttm, dag_id, task_id, map_index, event, execution_date, run_id, owner, owner_display_name, extra,"
        " try_number",
        "SELECT 2 * m - 1 + e, at + e * interval '31.1 s', dag_id, task_id, -1,"
        " (ARRAY['cli_task_run', 'success'])[1 + e], day, run_id, 'airflow', 'airflow',"
        " '{{\"host_name\": \"' || host || '\", \"full_command\": \"[''/usr/local/bin/airflow'', ''tasks'', ''run'',"
        " ''' || dag_id || ''', ''' || task_id || ''', ''' || run_id || ''', ''--local'']\"}}', 1"
        " FROM tasks, generate_series(0, 1) e",
    ),
    "job": (
        "id, dag_id, state, job_type, start_date, end_date, latest_heartbeat, executor_class, hostname, unixname",
        "SELECT m, dag_id, 'success', 'LocalTaskJob', at, at + interval '31.4 s', at + interval '30 s',"
        " 'CeleryExecutor', host, 'airflow' FROM tasks",
    ),
    "task_fail": (
        "id, task_id, dag_id, run_id, map_index, start_date, end_date, duration",
        "SELECT m / 100, task_id, dag_id, run_id, -1, at, at + interval '9 s', 9 FROM tasks WHERE m % 100 = 0",
    ),
    "variable": (
        "id, key, val, is_encrypted",
        "SELECT n, 'setting_' || n, '{{\"number\": ' || n || '}}', false FROM runs WHERE n <= 200",
    ),
    "connection": (
        "id, conn_id, conn_type, host, login, port, is_encrypted, is_extra_encrypted",
        "SELECT n, 'source_' || n, 'postgres', 'db-' || n || '.example.com', 'etl', 5432, false, false FROM runs"
        " WHERE n <= 100",
    ),
}
_NARROW = (
    'convert_to(\'{{"rows": \' || m * 17 % 100003 || \', "path": "s3://lake/\''
    " || dag_id || '/' || m || '\"}}', 'UTF8')"
)
_WIDE = (
    "(SELECT convert_to(string_agg(md5(m || ' ' || i), '' ORDER BY i), 'UTF8')"
    " FROM generate_series(1, {wide} * 125 / 4 + 1) i)"
)


def statements(size: Size) -> Iterator[str]:
    """What fills an environment that OWN has begun."""
    shape = {**vars(size), "tasks": TASKS}
    yield "SET session_replication_role = replica"  # what is made here needs no look at each foreign key
    value = (_WIDE if size.wide else _NARROW).format(**shape)
    xcoms = "WHERE task = 1" if size.wide else ""
    runs = _RUNS.format(**shape)
    tasks = _TASKS.format(**shape)
    for table, (columns, query) in _INSERTS.items():
        rows = query.format(**shape, value=value, xcoms=xcoms)
        yield f"WITH runs AS ({runs}), tasks AS ({tasks}) INSERT INTO {table} ({columns}) {rows}"
        if columns.startswith("id,"):
            yield f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"
    yield "ANALYZE"
