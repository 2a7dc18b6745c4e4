"""A factory's choice of tables."""

from __future__ import annotations

from typing import Any

import pytest

from mwaa_dr.framework.errors import TableError
from mwaa_dr.framework.factory.base_dr_factory import BaseDRFactory
from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.v_2_8.dr_factory import DRFactory_2_8

NO_TABLE_NEEDED = {"dag_run", "variable", "connection", "slot_pool", "log", "job", "dag", "sla_miss"}


def factory(choice: Any) -> BaseDRFactory:
    class Chooser(DRFactory_2_8):
        def setup_tables(self) -> Any:
            return choice

    return Chooser("backup_metadata")


def test_a_factory_is_made_as_the_readme_says() -> None:
    made = DRFactory_2_8(dag_id="backup_metadata", path_prefix="data", storage_type="S3")
    assert (made.dag_id, made.path_prefix, made.storage_type) == ("backup_metadata", "data", "S3")
    assert vars(DRFactory_2_8("backup_metadata")) == vars(made)


def test_without_a_choice_all_tables_of_the_version_are_carried() -> None:
    assert DRFactory_2_8("backup_metadata").chosen_tables() == DRFactory_2_8.tables


def test_names_choose_tables() -> None:
    tables = factory(["variable", "connection"]).chosen_tables()
    assert tables.names == {"variable", "connection"}
    assert tables["variable"] is DRFactory_2_8.tables["variable"]


def test_one_name_chooses_one_table() -> None:
    assert factory("variable").chosen_tables().names == {"variable"}


def test_a_generator_of_names_chooses_tables() -> None:
    assert factory(name for name in ("variable",)).chosen_tables().names == {"variable"}


def test_a_changed_collection_is_taken_as_it_is() -> None:
    choice = DRFactory_2_8.tables.skip(log="too large for us")
    tables = factory(choice).chosen_tables()
    assert tables.names == DRFactory_2_8.tables.names - {"log"}
    assert tables.skipped["log"] == "too large for us"


def test_a_table_of_ones_own_is_carried_beside_named_ones() -> None:
    tags = Table("dag_tag", Merge.MATCH, key=("name", "dag_id"))
    tables = factory(["variable", tags]).chosen_tables()
    assert tables.names == {"variable", "dag_tag"}
    assert "dag_tag" not in tables.skipped


def test_the_class_keeps_its_tables_whatever_an_instance_chooses() -> None:
    before = DRFactory_2_8.tables
    factory(["variable", Table("mine", Merge.MATCH)]).chosen_tables()
    assert DRFactory_2_8.tables == before


@pytest.mark.parametrize("dropped", sorted(DRFactory_2_8.tables.names))
def test_any_table_can_be_left_out(dropped: str) -> None:
    names = DRFactory_2_8.tables.names - {dropped}
    tables, notes = factory(sorted(names)).chosen_tables().closed()
    assert {note.split("'")[1] for note in notes} == names - tables.names
    assert list(tables)
    assert not any(table.needs - tables.names for table in tables)


def test_without_task_instances_their_children_are_dropped_in_words() -> None:
    tables, notes = factory(["dag_run", "xcom", "task_reschedule"]).chosen_tables().closed()
    assert tables.names == {"dag_run"}
    assert notes == [
        "table 'task_reschedule' is left out, since it needs task_instance",
        "table 'xcom' is left out, since it needs task_instance",
    ]


@pytest.mark.parametrize("name", sorted(NO_TABLE_NEEDED))
def test_a_table_that_needs_no_other_can_be_carried_alone(name: str) -> None:
    assert factory([name]).chosen_tables().names == {name}


def test_a_choice_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(TableError, match="no table is chosen; table 'xcom' is left out"):
        factory(["xcom"]).chosen_tables()
    with pytest.raises(TableError, match="no table is chosen"):
        factory([]).chosen_tables()
    with pytest.raises(TableError, match="no table is chosen"):
        factory(Tables()).chosen_tables()


@pytest.mark.parametrize("choice", [None, 7, [("variable",)], ["variable", None]])
def test_a_choice_that_is_none_is_refused_in_words(choice: Any) -> None:
    with pytest.raises(TableError, match=r"setup_tables\(\) returned .*\nHINT: Return a Tables, or a list"):
        factory(choice).chosen_tables()


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(TableError, match="unknown table 'dagrun'"):
        factory(["dagrun"]).chosen_tables()
