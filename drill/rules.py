"""Every difference between the lost environment and the restored one that is promised, as a rule of its own.

The rules turn the rows of the primary, as they were at the backup, and the rows that the second environment had
before the restore, into the rows that it must have afterwards. They know nothing of how the engine does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from drill.snapshot import Row, Rows, identity
from drill.tables import ADDED, BY_HASH, IN_2_BY_THE_PARSER, KEPT_BY, NOT_CARRIED, OF_RUNS, REPLACED_BY

OWN_DAGS = ("backup_metadata", "restore_metadata", "cleanup_metadata")

BEGUN = frozenset({"running", "deferred", "up_for_retry", "up_for_reschedule", "restarting", "shutdown"})
FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed"})
FINAL = FINISHED | {"removed"}
NOTE = "Interrupted at "
LOOKED_AT = ("last_scheduling_decision", "updated_at")
"""Columns that the scheduler writes whenever it looks at an unfinished run, so until the very backup."""
BEATEN = ("last_heartbeat_at", "updated_at")
"""Columns that a task of Airflow 3 writes as long as it runs."""
ANY = "<any>"
"""A value that is not compared."""
UNCOMPARED = ("asset", "dag_run", "dataset", "task_instance")
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
        for table in _not_carried(rows):
            rows.pop(table, None)


def only_used_versions_of_dags_are_carried(e: Expectation) -> None:
    """Each that a run or a try of a task refers to is there, with its code; the numbers are given anew."""
    used = {
        row.get(column)
        for table in ("dag_run", "task_instance", "task_instance_history")
        for row in e.rows.get(table, [])
        for column in ("dag_version_id", "created_dag_version_id")
    }
    e.drop("dag_version", lambda row: identity("dag_version", row) not in used)
    for table in ("serialized_dag", "dag_code"):
        e.drop(table, lambda row: row["dag_version_id"] not in used)
    for rows in (e.rows, e.there):
        _shorten(rows)


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
            task.update(dict.fromkeys(BEATEN, ANY) if "last_heartbeat_at" in task else {})
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
            for column in ("job_id", "queued_by_job_id", "creating_job_id", "scheduled_by_job_id"):
                if row.get(column) in unfinished:
                    row[column] = None


def ends_of_tasks_are_told_late(e: Expectation) -> None:
    """A scheduler of 3.0 and 3.1 writes once more to a task of the target that has ended: when its executor tells."""
    for row in e.there.get("task_instance", []):
        row.update(dict.fromkeys(("span_status", "updated_at"), ANY) if "span_status" in row else {})


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
    """The parser writes when it has last seen a dataset or asset, in some versions at every parse."""
    for rows in (e.rows, e.there):
        for row in (*rows.get("dataset", []), *rows.get("asset", [])):
            row["updated_at"] = ANY


def known_users_and_groups_keep_their_roles(e: Expectation) -> None:
    """A restore raises nobody's rights."""
    known = {identity(table, row) for table in ("ab_user", "ab_group") for row in e.there.get(table, [])}
    for table in ("ab_user_role", "ab_user_group", "ab_group_role"):
        e.drop(table, lambda row: not known.isdisjoint((row.get("user_id"), row.get("group_id"))))


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
    only_used_versions_of_dags_are_carried,
    runs_without_a_finished_task_are_left_out,
    other_interrupted_runs_come_back_as_failed,
    triggers_are_forgotten,
    unfinished_jobs_are_forgotten,
    ends_of_tasks_are_told_late,
    only_used_log_templates_are_carried,
    missed_slas_are_sent,
    of_a_dag_only_its_activity_is_carried,
    the_parser_stamps_datasets,
    known_users_and_groups_keep_their_roles,
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
    rows = {table: found for table, found in _copy(actual).items() if table not in _not_carried(actual)}
    _shorten(rows)
    rows["dag"] = [{"dag_id": row["dag_id"], "is_paused": row["is_paused"]} for row in rows["dag"]]
    for note in rows.get("dag_run_note", []):
        text, mark, _ = str(note["content"]).partition(NOTE)
        note["content"] = text + mark
    for table in UNCOMPARED:
        like = {identity(table, row): row for row in wanted.get(table, []) if ANY in row.values()}
        for row in rows.get(table, []) if like else []:
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


def _not_carried(rows: Rows) -> frozenset[str]:
    return NOT_CARRIED if "dag_version" in rows else NOT_CARRIED | IN_2_BY_THE_PARSER


def _shorten(rows: Rows) -> None:
    for table, columns in {**BY_HASH, "dag_bundle": ("name",)}.items():
        if table in rows:
            rows[table] = [{column: row[column] for column in columns} for row in rows[table]]


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
