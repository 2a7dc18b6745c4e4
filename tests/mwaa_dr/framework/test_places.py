"""Where rows lie: which of them are not there any more."""

from __future__ import annotations

from array import array

from hypothesis import example, given
from hypothesis import strategies as st

from mwaa_dr.framework.places import missing

PLACES = st.sets(st.integers(0, 300)).map(sorted)


@given(PLACES, PLACES)
@example(list(range(5000)), [*range(17), *range(18, 4000), *range(4001, 4999)])
@example(list(range(5000)), [])
@example([], [1])
@example(list(range(0, 5000, 2)), list(range(5000)))
@example(list(range(5000)), list(range(1, 5000, 2)))
def test_those_are_missing_that_are_in_one_and_not_in_the_other(was: list[int], there: list[int]) -> None:
    found = list(missing(array("q", was), array("q", there)))
    assert found == [index for index, place in enumerate(was) if place not in {*there}]
