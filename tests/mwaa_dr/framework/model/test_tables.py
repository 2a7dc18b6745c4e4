"""A version's tables: changed without touching what they came from, in order, and closed."""

from __future__ import annotations

import pytest

from mwaa_dr.framework.errors import TableError
from mwaa_dr.framework.model.table import Merge, Missing, Reference, Table
from mwaa_dr.framework.model.tables import Tables

PARENT = Table("parent", Merge.MATCH, key=("name",), surrogate="id")


def child(name: str = "child", of: str = "parent", missing: Missing = Missing.DROP) -> Table:
    return Table(name, Merge.MATCH, references=(Reference(f"{of}_id", of, missing),))


def run_child(name: str, parent: str = "dag_run") -> Table:
    return Table(name, Merge.RUN_CHILD, run=("dag_id", "run_id"), parent=parent)


RUNS = Tables().add(
    run_child("xcom", "task_instance"),
    run_child("task_instance"),
    Table("dag_run", Merge.RUN, surrogate="id"),
)


def test_a_table_comes_after_all_that_it_depends_on() -> None:
    tables = Tables().add(child("c", of="b"), child("b", of="a"), Table("a", Merge.MATCH))
    assert [table.name for table in tables] == ["a", "b", "c"]
    assert [table.name for table in RUNS] == ["dag_run", "task_instance", "xcom"]


def test_a_table_that_points_at_itself_is_in_order() -> None:
    assert [table.name for table in Tables().add(child("users", of="users"))] == ["users"]


def test_tables_in_a_circle_are_refused() -> None:
    with pytest.raises(TableError, match="circle: a, b"):
        list(Tables().add(child("a", of="b"), child("b", of="a")))


def test_a_change_leaves_the_older_version_as_it_was() -> None:
    older = Tables().add(Table("pool", Merge.MATCH, added={"a": "1"}))
    newer = older.change("pool", added={"b": "2"}, within="at")
    assert newer["pool"].added == {"a": "1", "b": "2"}
    assert newer["pool"].within == "at"
    assert older["pool"] == Table("pool", Merge.MATCH, added={"a": "1"})


def test_a_skipped_table_that_is_added_is_carried() -> None:
    tables = Tables().skip(parent="a reason")
    assert "parent" not in tables
    assert tables.add(PARENT).names == {"parent"}
    assert tables.add(PARENT).skipped == {}


def test_only_the_named_tables_are_carried() -> None:
    tables = Tables().add(PARENT, child()).only(["parent"])
    assert tables.names == {"parent"}
    assert tables.skipped == {"child": "left out by choice"}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TableError, match=r"unknown table 'perent'\nHINT: This version carries child, parent."):
        Tables().add(PARENT, child()).only(["perent"])


def test_a_name_that_cannot_be_carried_is_refused_with_the_reason() -> None:
    with pytest.raises(TableError, match="table 'trigger' cannot be carried: it is encrypted"):
        Tables().skip(trigger="it is encrypted").only(["trigger"])


def test_what_needs_a_missing_table_goes_with_it_and_what_needs_that() -> None:
    tables, notes = RUNS.skip(task_instance="left out by choice").closed()
    assert tables.names == {"dag_run"}
    assert notes == ["table 'xcom' is left out, since it needs task_instance"]

    tables, notes = RUNS.skip(dag_run="left out by choice").closed()
    assert tables.names == set()
    assert notes == [
        "table 'task_instance' is left out, since it needs dag_run",
        "table 'xcom' is left out, since it needs dag_run",
    ]


def test_a_chain_of_needs_is_followed_to_its_end() -> None:
    tables, notes = Tables().add(child("c", of="b"), child("b", of="a")).closed()
    assert tables.names == set()
    assert notes == [
        "table 'b' is left out, since it needs a",
        "table 'c' is left out, since it needs b",
    ]
    assert tables.skipped == {"b": "needs a", "c": "needs b"}


def test_what_can_do_without_a_missing_table_stays() -> None:
    tables, notes = Tables().add(child(missing=Missing.NULL)).closed()
    assert tables.names == {"child"}
    assert notes == []


def test_what_a_version_has_no_more_is_neither_carried_nor_skipped() -> None:
    tables = Tables().add(Table("a", Merge.MATCH), Table("b", Merge.MATCH)).skip(c="why").forget("a", "c")
    assert (tables.names, dict(tables.skipped)) == (frozenset({"b"}), {})


def test_an_optional_table_is_left_out_where_it_is_not_there() -> None:
    tables = Tables().add(Table("a", Merge.MATCH), Table("b", Merge.MATCH, optional=True))
    assert tables.present({"a", "b"}).names == frozenset({"a", "b"})
    assert tables.present({"b"}).names == frozenset({"a", "b"})
    assert tables.present({"a"}).names == frozenset({"a"})
