"""How long tables will be locked is told from rows and bytes, each for what it costs."""

from __future__ import annotations

import pytest

from mwaa_dr.framework.database.expected_locks import LOCKED_TO_STAGED, ExpectedLocks

MANY, MORE = 1_000_000, 50 << 20
"""Rows, and bytes of them."""


def seconds_with(rows: int, size: int) -> float:
    """What a table in place adds, beside one that took 10 seconds to stage."""
    expected = ExpectedLocks()
    expected.staged(MANY, MORE, 10)
    before = expected.seconds
    expected.in_place(rows, size)
    return expected.seconds - before


def test_what_is_staged_is_written_once_more_and_indexed() -> None:
    expected = ExpectedLocks()
    expected.staged(MANY, MORE, 10)
    assert expected.seconds == 10 * LOCKED_TO_STAGED


def test_rows_in_place_cost_what_those_that_are_staged_cost() -> None:
    assert seconds_with(MANY, MORE) == pytest.approx(10 * LOCKED_TO_STAGED)
    assert seconds_with(MANY * 2, MORE) == pytest.approx(20 * LOCKED_TO_STAGED)


def test_bytes_in_place_are_written_once() -> None:
    assert seconds_with(MANY // 100, MORE * 4) == pytest.approx(40 + 0.1 * (LOCKED_TO_STAGED - 1))


def test_the_largest_table_tells_the_pace() -> None:
    expected = ExpectedLocks()
    expected.staged(MANY, MORE, 10)
    expected.staged(10, 1 << 20, 5)
    before = expected.seconds
    expected.in_place(MANY, 0)
    assert expected.seconds - before == pytest.approx(10 * LOCKED_TO_STAGED)


def test_a_table_of_few_rows_tells_no_pace() -> None:
    expected = ExpectedLocks()
    expected.staged(10, 100, 5)
    before = expected.seconds
    expected.in_place(MANY, MORE)
    assert expected.seconds == before
