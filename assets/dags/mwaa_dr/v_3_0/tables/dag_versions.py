"""Versions of DAGs, with what they say and their code, as far as runs and task instances refer to them."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import OF_USED_VERSIONS, USED_VERSIONS
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

TO_VERSION = Reference("dag_version_id", "dag_version")
OF_NEW_VERSION = (Reference("dag_version_id", "dag_version", Missing.DROP, inserted_only=True),)

DAG_VERSION = Table(
    "dag_version",
    Merge.VERSION,
    surrogate="id",
    is_uuid=True,
    references=(Reference("dag_id", "dag", Missing.DROP),),
    where=USED_VERSIONS,
)

SERIALIZED_DAG = Table(
    "serialized_dag",
    Merge.MATCH,
    key=("dag_version_id",),
    surrogate="id",
    is_uuid=True,
    references=OF_NEW_VERSION,
    where=OF_USED_VERSIONS,
)

DAG_CODE = Table(
    "dag_code",
    Merge.MATCH,
    key=("dag_version_id",),
    surrogate="id",
    is_uuid=True,
    references=OF_NEW_VERSION,
    where=OF_USED_VERSIONS,
)

DAG_VERSIONS = (DAG_VERSION, SERIALIZED_DAG, DAG_CODE)
