"""Versions of DAGs, with what they say and their code, as far as runs and task instances refer to them."""

from __future__ import annotations

from mwaa_dr.framework.model.conditions import OF_USED_VERSIONS, USED_VERSIONS
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table

TO_VERSION = Reference("dag_version_id", "dag_version")

DAG_VERSION = Table(
    "dag_version",
    Merge.VERSION,
    surrogate="id",
    is_uuid=True,
    references=(Reference("dag_id", "dag", Missing.DROP),),
    where=USED_VERSIONS,
)


def of_version(name: str) -> Table:
    """What belongs to a version, and comes along only where the restore inserts it."""
    return Table(
        name,
        Merge.MATCH,
        key=("dag_version_id",),
        surrogate="id",
        is_uuid=True,
        references=(Reference("dag_version_id", "dag_version", Missing.DROP, inserted_only=True),),
        where=OF_USED_VERSIONS,
    )


DAG_VERSIONS = (DAG_VERSION, of_version("serialized_dag"), of_version("dag_code"))
