"""What the factories of all Airflow versions share: a choice of tables, made into DAGs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from mwaa_dr.framework.errors import TableError
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.model.tables import Tables

if TYPE_CHECKING:
    from airflow.models.dag import DAG


class BaseDRFactory:
    """The tables of one Airflow version, and the DAGs that back them up, restore them and clean them up.

    A version declares `tables`. To carry fewer, more or others, override `setup_tables()`:

        class MyFactory(DRFactory_2_8):
            def setup_tables(self):
                return ["variable", "connection", "slot_pool"]
    """

    tables: ClassVar[Tables] = Tables()

    def __init__(self, dag_id: str, path_prefix: str = "data", storage_type: str = "S3") -> None:
        self.dag_id = dag_id
        self.path_prefix = path_prefix
        self.storage_type = storage_type

    def setup_tables(self) -> Tables | Iterable[str | Table]:
        """The tables to carry: a `Tables`, or names of this version's tables and tables of your own."""
        return self.tables

    def chosen_tables(self) -> Tables:
        """The tables of `setup_tables()`, resolved; what needs one that was left out is dropped when they are used.

        Raises TableError for a name that this version does not carry, and where nothing would be left.
        """
        tables = self._named(self.setup_tables())
        usable, notes = tables.closed()
        if not usable:
            raise TableError("; ".join(["no table is chosen", *notes]))
        return tables

    def _named(self, choice: object) -> Tables:
        if isinstance(choice, Tables):
            return choice
        items: list[object] = [choice]
        if isinstance(choice, Iterable) and not isinstance(choice, str):
            items = list(choice)
        own = {item.name: item for item in items if isinstance(item, Table)}
        names = [item for item in items if isinstance(item, str)]
        if not all(isinstance(item, (str, Table)) for item in items):
            raise TableError(
                f"setup_tables() returned {choice!r}",
                "Return a Tables, or a list of table names and Table objects.",
            )
        return self.tables.add(*own.values()).only([*names, *own])

    def create_backup_dag(self) -> DAG:
        """The DAG that backs up the metadata database."""
        from mwaa_dr.framework.factory.dags import backup_dag

        return backup_dag(self)

    def create_restore_dag(self) -> DAG:
        """The DAG that restores a backup into the metadata database."""
        from mwaa_dr.framework.factory.dags import restore_dag

        return restore_dag(self)

    def create_cleanup_dag(self) -> DAG:
        """The DAG that empties what a restore fills."""
        from mwaa_dr.framework.factory.dags import cleanup_dag

        return cleanup_dag(self)
