"""Every difference between the lost environment and the restored one that is promised, as a rule of its own.

The rules turn the rows of the primary, as they were at the backup, and the rows that the second environment had
before the restore, into the rows that it must have afterwards. They know nothing of how the engine does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from drill.snapshot import IDENTITY, Row, Rows, identity

OWN_DAGS = ("backup_metadata", "restore_metadata", "cleanup_metadata")

NOT_CARRIED = frozenset(
    {
        "ab_register_user",
        "alembic_version",
        "callback_request",
        "dag_code",
        "dag_owner_attributes",
        "dag_pickle",
        "dag_priority_parsing_request",
        "dag_schedule_dataset_alias_reference",
        "dag_schedule_dataset_reference",
        "dag_tag",
        "dag_warning",
        "import_error",
        "serialized_dag",
        "session",
        "task_outlet_dataset_reference",
        "trigger",
    }
)
"""Sessions, triggers, callbacks, and what the target makes itself when it parses its DAG files."""

OF_RUNS = frozenset(
    {
        "dag_run",
        "dag_run_note",
        "dagrun_dataset_event",
        "rendered_task_instance_fields",
        "task_fail",
        "task_instance",
        "task_instance_history",
        "task_instance_note",
        "task_map",
        "task_reschedule",
        "xcom",
    }
)
"""Tables whose rows belong to one DAG run and share its fate."""

KEPT_BY: dict[str, tuple[str, ...]] = {
    **{table: IDENTITY[table] for table in IDENTITY if table not in ("dag_run", "dataset_event", "trigger")},
    "ab_permission_view_role": ("permission_view_id", "role_id"),
    "ab_user_role": ("user_id", "role_id"),
    "connection": ("conn_id",),
    "dataset_alias_dataset": ("alias_id", "dataset_id"),
    "dataset_alias_dataset_event": ("alias_id", "event_id"),
    "dataset_dag_run_queue": ("dataset_id", "target_dag_id"),
    "sla_miss": ("task_id", "dag_id", "execution_date"),
    "variable": ("key",),
}
"""Tables in which a row that is there stays, and the columns that say whether it is there."""

REPLACED_BY = {"slot_pool": ("pool",), "dag": ("dag_id",)}
"""Tables in which the backup's row takes the place of the one that is there."""

ADDED = frozenset({"dataset_event", "log"})
"""Tables without a natural key: rows that are not there yet are added, equal rows as often as they were."""

BEGUN = frozenset({"running", "deferred", "up_for_retry", "up_for_reschedule", "restarting", "shutdown"})
FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed"})
FINAL = FINISHED | {"removed"}
NOTE = "Interrupted at "
LOOKED_AT = ("last_scheduling_decision", "updated_at")
"""Columns that the scheduler writes whenever it looks at an unfinished run, so until the very backup."""
ANY = "<any>"
"""A value that is not compared."""
UNCOMPARED = ("dag_run", "dataset")
"""Tables in which a rule may set such a value."""


@dataclass
class Expectation:
    """What the second environment must hold; begins as what the primary held."""

    rows: Rows
    there: Rows
    """The second environment's rows before the restore."""
    moment: str
    """When the backup was taken, as PostgreSQL writes it."""

    def drop(self, table: str, unwanted: Callable[[Row], bool]) -> None:
        """Expect some rows of a table no more."""
        if table in self.rows:
            self.rows[table] = [row for row in self.rows[table] if not unwanted(row)]

    def drop_runs(self, runs: set[str]) -> None:
        """Expect some runs no more, with all that belongs to them."""
        for table in OF_RUNS:
            self.drop(table, lambda row: run_of(row) in runs)


def run_of(row: Row) -> str:
    """The identity of the run that a row belongs to."""
    return row.get("dag_run_id") or identity("dag_run", row)


def some_tables_are_not_carried(e: Expectation) -> None:
    """What the target's parser, scheduler and web server make themselves stays behind."""
    for rows in (e.rows, e.there):
        for table in NOT_CARRIED:
            rows.pop(table, None)


def own_work_stays_behind(e: Expectation) -> None:
    """The runs of backup, restore and cleanup, and what belongs to one environment: DR_ Variables."""
    for table in (*OF_RUNS, "dag", "job", "log"):
        e.drop(table, is_own)
    e.drop("variable", lambda row: str(row["key"]).startswith("DR_"))


def runs_without_a_finished_task_are_left_out(e: Expectation) -> None:
    """An interrupted run of which nothing was finished is no history: it runs again, or is triggered again."""
    finished = {run_of(row) for row in e.rows["task_instance"] if row["state"] in FINISHED}
    e.drop_runs({identity("dag_run", row) for row in _open_runs(e)} - finished)


def other_interrupted_runs_come_back_as_failed(e: Expectation) -> None:
    """What had begun failed, what had not is upstream_failed, both at the moment of the backup; a note says so."""
    interrupted = _open_runs(e)
    names = {identity("dag_run", row) for row in interrupted}
    for task in e.rows["task_instance"]:
        if task["state"] not in FINAL and (task["state"] is not None or run_of(task) in names):
            task["state"] = "failed" if task["state"] in BEGUN else "upstream_failed"
            task["end_date"] = task["end_date"] or e.moment
            task.update(dict.fromkeys(("trigger_timeout", "next_method", "next_kwargs", "external_executor_id")))
    for run in interrupted:
        run.update(state="failed", end_date=run["end_date"] or e.moment, **{c: ANY for c in LOOKED_AT if c in run})
    if "dag_run_note" in e.rows:
        _note(e, names)


def triggers_are_forgotten(e: Expectation) -> None:
    """No trigger is carried, so that nothing points at one."""
    for table in ("task_instance", "task_instance_history"):
        for row in e.rows.get(table, []):
            row["trigger_id"] = None


def unfinished_jobs_are_forgotten(e: Expectation) -> None:
    """A process that was at work when the primary was lost is no job of the second environment."""
    unfinished = {identity("job", row) for row in e.rows["job"] if _is_unfinished_job(row)}
    e.drop("job", _is_unfinished_job)
    e.there["job"] = [row for row in e.there["job"] if not _is_unfinished_job(row)]
    for rows in e.rows.values():
        for row in rows:
            for column in ("job_id", "queued_by_job_id", "creating_job_id"):
                if row.get(column) in unfinished:
                    row[column] = None


def only_used_log_templates_are_carried(e: Expectation) -> None:
    """A template that no run refers to is of no use."""
    used = {row["log_template_id"] for row in e.rows["dag_run"]}
    e.drop("log_template", lambda row: identity("log_template", row) not in used)


def missed_slas_are_sent(e: Expectation) -> None:
    """Nobody gets a mail about a deadline that was missed in another Region."""
    for row in e.rows.get("sla_miss", []):
        row.update(email_sent="true", notification_sent="true")


def of_a_dag_only_its_activity_is_carried(e: Expectation) -> None:
    """The parser writes the rest of its row."""
    for rows in (e.rows, e.there):
        rows["dag"] = [{"dag_id": row["dag_id"], "is_paused": row["is_paused"]} for row in rows["dag"]]


def the_parser_stamps_datasets(e: Expectation) -> None:
    """The parser writes when it has last seen a dataset, in some versions at every parse, so until the very backup."""
    for rows in (e.rows, e.there):
        for row in rows.get("dataset", []):
            row["updated_at"] = ANY


def known_users_keep_their_roles(e: Expectation) -> None:
    """A restore raises nobody's rights."""
    known = {identity("ab_user", row) for row in e.there["ab_user"]}
    e.drop("ab_user_role", lambda row: row["user_id"] in known)


def the_target_keeps_what_is_its_own(e: Expectation) -> None:
    """Variables, connections, roles, datasets and history that are there stay; pools and DAGs are set."""
    mine = {identity("dag_run", row) for row in e.rows["dag_run"]}
    for table, there in e.there.items():
        ours = e.rows.get(table, [])
        if table in OF_RUNS:
            e.rows[table] = ours + [row for row in there if run_of(row) not in mine]
        elif table in KEPT_BY:
            e.rows[table] = there + _unknown(ours, there, KEPT_BY[table])
        elif table in REPLACED_BY:
            e.rows[table] = ours + _unknown(there, ours, REPLACED_BY[table])
        elif table in ADDED:
            e.rows[table] = [dict(row) for row in (_counted(ours) | _counted(there)).elements()]
        else:
            raise LookupError(f"no rule says how the rows of '{table}' meet those that are there")


RULES: tuple[Callable[[Expectation], None], ...] = (
    some_tables_are_not_carried,
    own_work_stays_behind,
    runs_without_a_finished_task_are_left_out,
    other_interrupted_runs_come_back_as_failed,
    triggers_are_forgotten,
    unfinished_jobs_are_forgotten,
    only_used_log_templates_are_carried,
    missed_slas_are_sent,
    of_a_dag_only_its_activity_is_carried,
    the_parser_stamps_datasets,
    known_users_keep_their_roles,
    the_target_keeps_what_is_its_own,
)
"""In this order: each works on what the ones before it left."""


def expected(primary: Rows, second: Rows, moment: str) -> Rows:
    """The rows that the second environment must have after the restore; both arguments are resolved."""
    expectation = Expectation(_copy(primary), _copy(second), moment)
    for rule in RULES:
        rule(expectation)
    return expectation.rows


def seen(actual: Rows, wanted: Rows) -> Rows:
    """The resolved rows of the restored environment, without what the comparison leaves out on both sides."""
    rows = {table: found for table, found in _copy(actual).items() if table not in NOT_CARRIED}
    rows["dag"] = [{"dag_id": row["dag_id"], "is_paused": row["is_paused"]} for row in rows["dag"]]
    for note in rows.get("dag_run_note", []):
        text, mark, _ = str(note["content"]).partition(NOTE)
        note["content"] = text + mark
    for table in UNCOMPARED:
        like = {identity(table, row): row for row in wanted.get(table, []) if ANY in row.values()}
        for row in rows.get(table, []):
            row.update({c: ANY for c, value in like.get(identity(table, row), {}).items() if value == ANY})
    return rows


def is_own_activity(table: str, row: Row) -> bool:
    """Rows that the restore itself and the living second environment add."""
    if table == "job":
        return is_own(row) or _is_unfinished_job(row)
    return is_own(row)


def is_own(row: Row) -> bool:
    """Whether a row belongs to a DAG, or a run, of this package."""
    pointed = str(row.get("dag_run_id"))
    return row.get("dag_id") in OWN_DAGS or pointed.startswith(tuple(f"dag_run({dag}," for dag in OWN_DAGS))


def _open_runs(e: Expectation) -> list[Row]:
    return [row for row in e.rows["dag_run"] if row["state"] in ("queued", "running")]


def _note(e: Expectation, names: set[str]) -> None:
    notes = {str(row["dag_run_id"]): row for row in e.rows["dag_run_note"]}
    for name in sorted(names):
        if name in notes:
            notes[name]["content"] = f"{notes[name]['content']}\n{NOTE}"
        else:
            e.rows["dag_run_note"].append(
                {"dag_run_id": name, "user_id": None, "content": NOTE, "created_at": e.moment, "updated_at": e.moment}
            )


def _is_unfinished_job(row: Row) -> bool:
    return row["end_date"] is None and row["state"] not in ("success", "failed")


def _unknown(rows: list[Row], known: list[Row], columns: tuple[str, ...]) -> list[Row]:
    keys = {tuple(row[column] for column in columns) for row in known}
    return [row for row in rows if tuple(row[column] for column in columns) not in keys]


def _counted(rows: list[Row]) -> Counter[tuple[tuple[str, str | None], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)


def _copy(rows: Rows) -> Rows:
    return {table: [dict(row) for row in found] for table, found in rows.items()}
