"""What happened, beside the runs: audit log, jobs, missed SLAs, and the log templates that runs refer to."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import ALL, FINISHED_JOBS, OURS_OR_STEP_FUNCTIONS, USED_BY_RUNS
from mwaa_dr.framework.model.table import Merge, Table

LOG = Table(
    "log",
    Merge.MATCH,
    surrogate="id",
    within="dttm",
    redact={"extra": OURS_OR_STEP_FUNCTIONS},
    emptied=ALL,
)

JOB = Table(
    "job",
    Merge.MATCH,
    key=("job_type", "hostname", "unixname", "start_date", "dag_id"),
    surrogate="id",
    within="start_date",
    where=FINISHED_JOBS,
    emptied=FINISHED_JOBS,
)

# A new DAG run takes the template with the highest id as the current one.
LOG_TEMPLATE = Table(
    "log_template",
    Merge.MATCH,
    key=("filename", "elasticsearch_id"),
    surrogate="id",
    where=USED_BY_RUNS,
    below_highest=True,
)

# An SLA that was missed long ago must send no mail now.
SLA_MISS = Table(
    "sla_miss",
    Merge.MATCH,
    key=("task_id", "dag_id", "execution_date"),
    fixed={"email_sent": "true", "notification_sent": "true"},
    emptied=ALL,
)

HISTORY = (LOG, JOB, LOG_TEMPLATE, SLA_MISS)
