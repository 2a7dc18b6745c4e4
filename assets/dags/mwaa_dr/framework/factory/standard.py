"""The factory of the Airflow that runs here, for the three DAG files; one that refuses where it is not served."""

from __future__ import annotations

from mwaa_dr.framework.errors import UnservedVersionError
from mwaa_dr.framework.factory.run import Factory
from mwaa_dr.framework.model.tables import Tables

PATH_PREFIX = "data"
STORAGE_TYPE = "S3"


class RefusingFactory:
    """Makes DAGs whose task fails with the refusal in words: a broken DAG file would only be missed."""

    path_prefix = PATH_PREFIX
    storage_type = STORAGE_TYPE

    def __init__(self, dag_id: str, refusal: UnservedVersionError) -> None:
        self.dag_id = dag_id
        self._words = (refusal.message, refusal.hint)

    def chosen_tables(self) -> Tables:
        """Refuse."""
        raise UnservedVersionError(*self._words)


def standard_factory(dag_id: str, airflow_version: str) -> Factory:
    """The factory for an Airflow version, with the package's own defaults."""
    from mwaa_dr.versions import factory_for

    try:
        return factory_for(airflow_version)(dag_id, path_prefix=PATH_PREFIX, storage_type=STORAGE_TYPE)
    except UnservedVersionError as refusal:
        return RefusingFactory(dag_id, refusal)
