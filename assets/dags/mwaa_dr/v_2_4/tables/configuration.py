"""What people set in the environment: which DAGs are active, pools, variables, connections."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import NOT_DEFAULT_POOL, OURS
from mwaa_dr.framework.model.connection_table import CONNECTION
from mwaa_dr.framework.model.table import Existing, Merge, Table
from mwaa_dr.framework.model.variable_table import VARIABLE

# The row of a DAG that the target has not parsed yet: the parser completes it, and computes the next run
# from the history. A row that is there keeps its own values, but is paused as in the backup.
NOT_PARSED_YET = {
    "is_active": "false",
    "has_import_errors": "false",
    "fileloc": "NULL",
    "processor_subdir": "NULL",
    "last_parsed_time": "NULL",
    "pickle_id": "NULL",
    "next_dagrun": "NULL",
    "next_dagrun_data_interval_start": "NULL",
    "next_dagrun_data_interval_end": "NULL",
    "next_dagrun_create_after": "NULL",
}

DAG = Table("dag", Merge.DAGS, key=("dag_id",), fixed=NOT_PARSED_YET, environment_bound=OURS)

SLOT_POOL = Table(
    "slot_pool", Merge.MATCH, key=("pool",), surrogate="id", existing=Existing.REPLACE, emptied=NOT_DEFAULT_POOL
)

CONFIGURATION = (DAG, SLOT_POOL, VARIABLE, CONNECTION)
