"""Datasets, what updated them, and the DAGs that wait for more of them."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import ALL, ANSWERED_SINCE
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

TO_DATASET = Reference("dataset_id", "dataset", Missing.DROP)

DATASET = Table("dataset", Merge.MATCH, key=("uri",), surrogate="id")

DATASET_EVENT = Table(
    "dataset_event",
    Merge.MATCH,
    surrogate="id",
    within="timestamp",
    references=(TO_DATASET,),
    emptied=ALL,
)

DATASET_DAG_RUN_QUEUE = Table(
    "dataset_dag_run_queue",
    Merge.MATCH,
    key=("dataset_id", "target_dag_id"),
    references=(TO_DATASET, Reference("target_dag_id", "dag", Missing.DROP)),
    emptied=ALL,
    superseded=ANSWERED_SINCE,  # or the event would be answered twice
)

DATASETS = (DATASET, DATASET_EVENT, DATASET_DAG_RUN_QUEUE)
