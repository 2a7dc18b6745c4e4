"""Airflow 2.10: every try of a task, and aliases of datasets."""

from __future__ import annotations

from typing import ClassVar

from mwaa_dr.framework.model.conditions import ALL
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_4.tables.datasets import TO_DATASET
from mwaa_dr.v_2_4.tables.runs import JOBS, NO_TRIGGER, RUN
from mwaa_dr.v_2_4.tables.skipped import PARSED_AGAIN
from mwaa_dr.v_2_9.dr_factory import DRFactory_2_9

TASK_INSTANCE_HISTORY = Table(
    "task_instance_history",
    Merge.RUN_CHILD,
    run=RUN,
    parent="task_instance",
    surrogate="id",
    references=JOBS,
    fixed=NO_TRIGGER,
)

TO_ALIAS = Reference("alias_id", "dataset_alias", Missing.DROP)
DATASET_ALIAS = Table("dataset_alias", Merge.MATCH, key=("name",), surrogate="id")
DATASET_ALIAS_DATASET = Table(
    "dataset_alias_dataset",
    Merge.MATCH,
    key=("alias_id", "dataset_id"),
    references=(TO_ALIAS, TO_DATASET),
    emptied=ALL,
)
DATASET_ALIAS_DATASET_EVENT = Table(
    "dataset_alias_dataset_event",
    Merge.MATCH,
    key=("alias_id", "event_id"),
    references=(TO_ALIAS, Reference("event_id", "dataset_event", Missing.DROP)),
    emptied=ALL,
)


class DRFactory_2_10(DRFactory_2_9):
    """Airflow 2.10 keeps every try of a task (migration d482b7261ff9) and names datasets at run time."""

    tables: ClassVar[Tables] = DRFactory_2_9.tables.add(
        TASK_INSTANCE_HISTORY, DATASET_ALIAS, DATASET_ALIAS_DATASET, DATASET_ALIAS_DATASET_EVENT
    ).skip(
        dag_priority_parsing_request="asks the old environment to parse a file soon",
        dag_schedule_dataset_alias_reference=PARSED_AGAIN,
    )
