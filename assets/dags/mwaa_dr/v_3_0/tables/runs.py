"""DAG runs and everything that belongs to one run; task instances have a UUID, which is the same everywhere."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import ALL, OURS, WITH_RUN
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.v_2_4.tables.runs import NO_TRIGGER, RENDERED_FIELDS, RUN, TASK_MAP, XCOM
from mwaa_dr.v_3_0.tables.dag_versions import TO_VERSION

BACKFILL = Table("backfill", Merge.MATCH, key=("dag_id", "created_at"), surrogate="id", emptied=ALL)

# An interval that its backfill passed over has no run, and is not carried.
BACKFILL_DAG_RUN = Table(
    "backfill_dag_run",
    Merge.RUN_CHILD,
    run=("dag_run_id",),
    surrogate="id",
    references=(Reference("backfill_id", "backfill", Missing.DROP),),
    where=WITH_RUN,
)

DAG_RUN = Table(
    "dag_run",
    Merge.RUN,
    key=RUN,
    other_keys=(("dag_id", "logical_date"),),
    surrogate="id",
    references=(
        Reference("creating_job_id", "job"),
        Reference("scheduled_by_job_id", "job"),
        Reference("log_template_id", "log_template"),
        Reference("backfill_id", "backfill"),
        Reference("created_dag_version_id", "dag_version"),
    ),
    redact={"conf": OURS},  # holds the task token of a Step Functions execution
)

OF_A_TRY = (Reference("queued_by_job_id", "job"), TO_VERSION)

TASK_INSTANCE = Table("task_instance", Merge.RUN_CHILD, run=RUN, references=OF_A_TRY, fixed=NO_TRIGGER)

TASK_INSTANCE_HISTORY = Table(
    "task_instance_history",
    Merge.RUN_CHILD,
    run=RUN,
    parent="task_instance",
    references=OF_A_TRY,
    fixed=NO_TRIGGER,
)


def of_task_instance(name: str, surrogate: str = "", references: tuple[Reference, ...] = ()) -> Table:
    """A table whose rows name their task instance by its UUID alone."""
    return Table(
        name,
        Merge.RUN_CHILD,
        run=("ti_id",),
        parent="task_instance",
        parent_key="id",
        surrogate=surrogate,
        references=references,
    )


# What the auth manager calls its users; the FAB auth manager does by the key of their rows.
AUTHOR = (Reference("user_id", "ab_user", is_text=True),)

DAG_RUN_NOTE = Table("dag_run_note", Merge.RUN_CHILD, run=("dag_run_id",), references=AUTHOR)

DAGRUN_ASSET_EVENT = Table(
    "dagrun_asset_event",
    Merge.RUN_CHILD,
    run=("dag_run_id",),
    references=(Reference("event_id", "asset_event", Missing.DROP),),
)

RUNS = (
    BACKFILL,
    BACKFILL_DAG_RUN,
    DAG_RUN,
    TASK_INSTANCE,
    TASK_INSTANCE_HISTORY,
    of_task_instance("task_instance_note", references=AUTHOR),
    of_task_instance("task_reschedule", surrogate="id"),
    TASK_MAP,
    XCOM,
    RENDERED_FIELDS,
    DAG_RUN_NOTE,
    DAGRUN_ASSET_EVENT,
)
