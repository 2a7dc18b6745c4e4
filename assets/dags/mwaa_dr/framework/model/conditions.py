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
    FINISHED_JOBS: "finished jobs",
    USED_BY_RUNS: "those that a DAG run refers to",
}
