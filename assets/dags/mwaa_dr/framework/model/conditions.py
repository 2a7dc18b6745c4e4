"""Which rows are meant, as SQL on the bare columns of a table, each with its words for people.

A condition of rows is true or false, never NULL, so that its negation means all other rows. None holds a
percent sign but in `%(ours)s`: the client library would take it for a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping

OURS = "dag_id = ANY(%(ours)s)"
NOT_OURS = "dag_id <> ALL(%(ours)s)"
OURS_OR_STEP_FUNCTIONS = "coalesce(dag_id, '') = ANY(%(ours)s) OR strpos(coalesce(extra, ''), 'task_token') > 0"
OUR_SETTINGS = "key IS NOT NULL AND left(key, 3) = 'DR_'"

ALL = "true"
NOT_DEFAULT_POOL = "pool <> 'default_pool'"
ANSWERED_SINCE = (
    "EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = s.target_dag_id"
    " AND r.run_type = 'dataset_triggered' AND r.queued_at > s.created_at)"
)
ASSETS_ANSWERED_SINCE = ANSWERED_SINCE.replace("dataset_triggered", "asset_triggered")
NOT_STARTED = "created_dag_run_id IS NULL"
OF_NOT_STARTED = f"asset_partition_dag_run_id IN (SELECT id FROM asset_partition_dag_run WHERE {NOT_STARTED})"
PARTITION_STARTED_SINCE = (
    "EXISTS (SELECT 1 FROM dag_run r WHERE r.dag_id = s.target_dag_id"
    " AND r.partition_key = s.partition_key AND r.queued_at > s.created_at)"
)

WITH_RUN = "dag_run_id IS NOT NULL"
_IN_FLIGHT = "r.state IN ('queued', 'running')"
OF_RUNS_IN_FLIGHT = f"EXISTS (SELECT 1 FROM dag_run r WHERE r.id = dagrun_id AND {_IN_FLIGHT})"
OF_DEADLINES = f"id IN (SELECT d.callback_id FROM deadline d JOIN dag_run r ON r.id = d.dagrun_id WHERE {_IN_FLIGHT})"
_USED = (
    "(SELECT t.dag_version_id FROM task_instance t WHERE t.dag_version_id IS NOT NULL"
    " UNION SELECT h.dag_version_id FROM task_instance_history h WHERE h.dag_version_id IS NOT NULL"
    " UNION SELECT r.created_dag_version_id FROM dag_run r WHERE r.created_dag_version_id IS NOT NULL)"
)
USED_VERSIONS = f"id IN {_USED}"
OF_USED_VERSIONS = f"dag_version_id IN {_USED}"

# A scheduler that died is marked as failed by another one, and then has no end.
FINISHED_JOBS = "end_date IS NOT NULL OR coalesce(state, '') IN ('success', 'failed')"
USED_BY_RUNS = "id IN (SELECT log_template_id FROM dag_run WHERE log_template_id IS NOT NULL)"

WORDS: Mapping[str, str] = {
    OURS: "those of this package's own DAGs",
    NOT_OURS: "all but those of this package's own DAGs",
    OURS_OR_STEP_FUNCTIONS: "those of this package's own DAGs, or with a Step Functions task token",
    OUR_SETTINGS: "those whose key starts with `DR_`",
    ALL: "all",
    NOT_DEFAULT_POOL: "all but `default_pool`",
    ANSWERED_SINCE: "those that a run of the target has answered since",
    ASSETS_ANSWERED_SINCE: "those that a run of the target has answered since",
    NOT_STARTED: "those that wait for more of their partition",
    OF_NOT_STARTED: "those of partitions that wait for more",
    PARTITION_STARTED_SINCE: "those whose partition the target has started since",
    WITH_RUN: "those with a run",
    OF_RUNS_IN_FLIGHT: "those of runs in flight, and only where these are resumed; past ones as missed",
    OF_DEADLINES: "those of deadlines of runs in flight",
    USED_VERSIONS: "those that a run or a try of a task refers to",
    OF_USED_VERSIONS: "those of versions that a run or a try of a task refers to",
    FINISHED_JOBS: "finished jobs",
    USED_BY_RUNS: "those that a DAG run refers to",
}
