"""A file is read without the rows that are gone from it, whatever its values hold and however it is cut."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from mwaa_dr.framework.csv_rows import encode, records
from mwaa_dr.framework.dropped_rows import KeptRows, Runs

VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", "a", 'a"b', '""', "\n", "a\r\nb", ",", '"\n"', "\\.", "x" * 700, '\n"' * 300]),
    st.text("ab,\"\n\r'", max_size=9),
)
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=60)


class Cut:
    """Gives what it has in pieces of given sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._stream, self._sizes = io.BytesIO(data), sizes

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(min(self._sizes.pop(0), size) if self._sizes else size)


@given(ROWS, st.sets(st.integers(0, 59)), st.lists(st.integers(1, 900), max_size=40), st.integers(1, 2000))
def test_the_others_are_left_as_they_are(
    rows: list[tuple[str | None, str | None]], gone: set[int], sizes: list[int], size: int
) -> None:
    header = encode(("one", "two"))
    stream = Cut(header + b"".join(map(encode, rows)), sizes)
    source = KeptRows(stream, Runs(sorted(gone)))
    read = []
    while data := source.read(size):
        assert len(data) <= size
        read.append(data)
    kept = [row for number, row in enumerate(rows) if number not in gone]
    assert b"".join(read) == header + b"".join(map(encode, kept))
    assert list(records(io.BytesIO(b"".join(read))))[1:] == kept


NUMBERS = st.sets(st.integers(0, 80)).map(sorted)


@given(NUMBERS, NUMBERS, st.integers(0, 80), st.integers(0, 80))
def test_runs_are_sets_of_numbers(one: list[int], other: list[int], first: int, end: int) -> None:
    runs, rest = Runs(one), [number for number in other if number not in one]
    assert len(runs) == len(one)
    assert [n for low, high in runs for n in range(low, high)] == one
    others = [n for low, high in runs.others(first, end) for n in range(low, high)]
    assert others == [number for number in range(first, end) if number not in one]
    both = runs.union(Runs(rest))
    assert [n for low, high in both for n in range(low, high)] == sorted({*one, *rest})
    assert all(high < low for (_, high), (low, _) in zip(both, list(both)[1:], strict=False))
