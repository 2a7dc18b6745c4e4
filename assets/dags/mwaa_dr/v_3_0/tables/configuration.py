"""Which DAGs are active, and the bundles that their files come from."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import OURS
from mwaa_dr.framework.model.connection_table import CONNECTION
from mwaa_dr.framework.model.table import Merge, Reference, Table
from mwaa_dr.framework.model.variable_table import VARIABLE
from mwaa_dr.v_2_4.tables.configuration import SLOT_POOL

# The row of a DAG that the target has not parsed yet. Its file is named, unlike in Airflow 2: the REST API of
# Airflow 3 fails on a list in which one DAG has none.
NOT_PARSED_YET = {
    "is_stale": "true",
    "has_import_errors": "false",
    "bundle_version": "NULL",
    "last_parsed_time": "NULL",
    "next_dagrun": "NULL",
    "next_dagrun_data_interval_start": "NULL",
    "next_dagrun_data_interval_end": "NULL",
    "next_dagrun_create_after": "NULL",
}

# The configuration of the target says which bundles are active there; those of the primary only keep DAG rows whole.
DAG_BUNDLE = Table(
    "dag_bundle", Merge.MATCH, key=("name",), fixed={"active": "false", "version": "NULL", "last_refreshed": "NULL"}
)

DAG = Table(
    "dag",
    Merge.DAGS,
    key=("dag_id",),
    references=(Reference("bundle_name", "dag_bundle"),),
    fixed=NOT_PARSED_YET,
    environment_bound=OURS,
)

CONFIGURATION = (DAG_BUNDLE, DAG, SLOT_POOL, VARIABLE, CONNECTION)
