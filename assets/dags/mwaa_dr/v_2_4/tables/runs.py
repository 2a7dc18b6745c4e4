"""DAG runs and everything that belongs to one run."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.framework.model.conditions import NOT_OURS, OURS
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

RUN = ("dag_id", "run_id")
JOBS = (Reference("job_id", "job"), Reference("queued_by_job_id", "job"))
NO_TRIGGER: Mapping[str, str] = {"trigger_id": "NULL"}

DAG_RUN = Table(
    "dag_run",
    Merge.RUN,
    key=RUN,
    other_keys=(("dag_id", "execution_date"),),
    surrogate="id",
    references=(Reference("creating_job_id", "job"), Reference("log_template_id", "log_template")),
    redact={"conf": OURS},  # holds the task token of a Step Functions execution
)

TASK_INSTANCE = Table("task_instance", Merge.RUN_CHILD, run=RUN, references=JOBS, fixed=NO_TRIGGER)

TASK_FAIL = Table("task_fail", Merge.RUN_CHILD, run=RUN, parent="task_instance", surrogate="id")

TASK_RESCHEDULE = Table("task_reschedule", Merge.RUN_CHILD, run=RUN, parent="task_instance", surrogate="id")

TASK_MAP = Table("task_map", Merge.RUN_CHILD, run=RUN, parent="task_instance")

XCOM = Table("xcom", Merge.RUN_CHILD, run=RUN, parent="task_instance", run_surrogate="dag_run_id")

RENDERED_FIELDS = Table(
    "rendered_task_instance_fields",
    Merge.RUN_CHILD,
    run=RUN,
    parent="task_instance",
    where=NOT_OURS,  # rendered from the conf, which holds a task token
)

DAGRUN_DATASET_EVENT = Table(
    "dagrun_dataset_event",
    Merge.RUN_CHILD,
    run=("dag_run_id",),
    references=(Reference("event_id", "dataset_event", Missing.DROP),),
)

RUNS = (
    DAG_RUN,
    TASK_INSTANCE,
    TASK_FAIL,
    TASK_RESCHEDULE,
    TASK_MAP,
    XCOM,
    RENDERED_FIELDS,
    DAGRUN_DATASET_EVENT,
)
