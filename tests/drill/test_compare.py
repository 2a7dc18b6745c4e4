"""The comparison of a drill finds what it is for: a drill that cannot fail proves nothing."""

from __future__ import annotations

from drill.compare import compare
from drill.snapshot import Row, Rows


def xcom(key: str = "return_value", value: str | None = "1", **more: str | None) -> Row:
    return {"dag_run_id": "dag_run(d, r)", "task_id": "t", "map_index": "-1", "key": key, "value": value, **more}


def kinds(expected: Rows, actual: Rows) -> list[str]:
    return [difference.kind for difference in compare(expected, actual, lambda table, row: False)]


def test_equal_rows_in_another_order_do_not_differ() -> None:
    assert kinds({"xcom": [xcom("a"), xcom("b")]}, {"xcom": [xcom("b"), xcom("a")]}) == []


def test_a_row_that_is_not_there_is_missing() -> None:
    assert kinds({"xcom": [xcom("a"), xcom("b")]}, {"xcom": [xcom("a")]}) == ["missing"]


def test_a_table_that_is_not_there_is_missing_row_by_row() -> None:
    assert kinds({"xcom": [xcom("a"), xcom("b")]}, {}) == ["missing", "missing"]


def test_a_row_that_came_twice_is_unexpected() -> None:
    assert kinds({"log": [xcom()]}, {"log": [xcom(), xcom()]}) == ["unexpected"]


def test_a_row_that_was_twice_there_and_came_once_is_missing() -> None:
    assert kinds({"log": [xcom(), xcom()]}, {"log": [xcom()]}) == ["missing"]


def test_an_empty_text_is_not_null() -> None:
    assert kinds({"xcom": [xcom(value="")]}, {"xcom": [xcom(value=None)]}) == ["changed"]


def test_a_changed_value_is_told_with_its_column() -> None:
    found = compare({"xcom": [xcom(value="1")]}, {"xcom": [xcom(value="2")]}, lambda table, row: False)
    assert str(found[0]).startswith("xcom: changed: value is '2' and not '1', in {")


def test_rows_beyond_the_expected_ones_can_be_allowed_but_never_make_up_for_missing_ones() -> None:
    actual: Rows = {"xcom": [xcom(dag_id="restore_metadata")]}
    found = compare({"xcom": [xcom("a", dag_id="mine")]}, actual, lambda t, row: row["dag_id"] == "restore_metadata")
    assert [difference.kind for difference in found] == ["missing"]
