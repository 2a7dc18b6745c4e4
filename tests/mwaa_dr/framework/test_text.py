"""Numbers as people read them."""

from __future__ import annotations

import pytest

from mwaa_dr.framework import text


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (17_900_000, "17.9 MB"),
        (999_600, "1.0 MB"),
        (185e9, "185 GB"),
    ],
)
def test_a_size_has_three_digits_and_a_unit(count: float, shown: str) -> None:
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
    ],
)
def test_a_duration_is_as_long_as_it_needs_to_be(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_one_is_not_many() -> None:
    assert (text.counted(1, "table"), text.counted(1200, "row")) == ("1 table", "1,200 rows")
