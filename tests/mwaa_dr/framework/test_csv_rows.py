"""Postgres' CSV, against a real Postgres in both directions."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mwaa_dr.framework.csv_rows import CHUNK, Row, encode, records
from mwaa_dr.framework.errors import DamagedBackupError
from tests.conftest import Database

AWKWARD = [
    '"',
    '""',
    ",",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "\\.",
    "\\N",
    " ",
    "'",
    "|",
    "\t",
    "é",
    "😀",
    "\x01",
    "\ufeff",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
AWKWARD_TEXT = st.lists(st.one_of(st.sampled_from(AWKWARD), st.characters(exclude_categories=["Cs"]))).map(
    lambda pieces: "".join(pieces).replace("\0", "")
)
VALUE = st.one_of(st.none(), st.just(""), TEXT, AWKWARD_TEXT)
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=8)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


class Dribble(io.BytesIO):
    """A stream that gives a few bytes at a time, as networks do."""

    def __init__(self, data: bytes, size: int = 1) -> None:
        super().__init__(data)
        self.chunk = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.chunk)


def parsed(data: bytes, delimiter: str = ",") -> list[Row]:
    return list(records(io.BytesIO(data), delimiter=delimiter))


@pytest.fixture
def cursor(database: Database) -> Iterator[psycopg2.extensions.cursor]:
    connection = psycopg2.connect(database())
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE one (a text)")
        cursor.execute("CREATE TABLE three (n serial, a text, b text, c text)")
        yield cursor
    connection.close()


@MANY
@given(rows=ROWS)
def test_what_postgres_writes_is_read_as_it_was(cursor: psycopg2.extensions.cursor, rows: list[Row]) -> None:
    cursor.execute("TRUNCATE three")
    for row in rows:
        cursor.execute("INSERT INTO three (a, b, c) VALUES (%s, %s, %s)", row)
    written = io.BytesIO()
    cursor.copy_expert("COPY (SELECT a, b, c FROM three ORDER BY n) TO STDOUT (FORMAT csv, HEADER)", written)

    assert parsed(written.getvalue()) == [("a", "b", "c"), *rows]
    assert list(records(Dribble(written.getvalue()))) == [("a", "b", "c"), *rows]


@MANY
@given(rows=ROWS)
def test_what_is_encoded_is_read_by_postgres_as_it_was(cursor: psycopg2.extensions.cursor, rows: list[Row]) -> None:
    cursor.execute("TRUNCATE three")
    data = b"".join(map(encode, [("a", "b", "c"), *rows]))
    cursor.copy_expert("COPY three (a, b, c) FROM STDIN (FORMAT csv, HEADER)", io.BytesIO(data))
    cursor.execute("SELECT a, b, c FROM three ORDER BY n")

    assert cursor.fetchall() == rows


@MANY
@given(values=st.lists(VALUE, max_size=8))
def test_a_table_of_one_column_makes_the_round_trip(
    cursor: psycopg2.extensions.cursor, values: list[str | None]
) -> None:
    cursor.execute("TRUNCATE one")
    data = b"".join(encode([value]) for value in values)
    cursor.copy_expert("COPY one FROM STDIN (FORMAT csv)", io.BytesIO(data))
    written = io.BytesIO()
    cursor.copy_expert("COPY one TO STDOUT (FORMAT csv)", written)

    assert parsed(written.getvalue()) == [(value,) for value in values]
    assert parsed(data) == [(value,) for value in values]


@given(rows=ROWS, size=st.integers(1, 7))
def test_it_does_not_matter_where_a_chunk_ends(rows: list[Row], size: int) -> None:
    data = b"".join(map(encode, rows))

    assert list(records(Dribble(data, size))) == rows


def test_null_and_the_empty_string_stay_different() -> None:
    assert parsed(b'a,b\n,""\n"",\n') == [("a", "b"), (None, ""), ("", None)]


def test_another_delimiter_and_windows_line_ends_are_read() -> None:
    assert parsed(b'a|"b|\r\n"\r\n|"""x"\r\n', "|") == [("a", "b|\r\n"), (None, '"x')]


def test_an_empty_stream_has_no_records() -> None:
    assert parsed(b"") == []


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b'a,b\nc,"d\n', "record 2 is cut off"),
        (b"a,b\nc", "record 2 is cut off"),
        (b"a,b\nc,d\ne\n", "record 3 has 1 columns, not 2"),
        (b"a,b\n\nc,d\n", "record 2 has 1 columns, not 2"),
        (b'a,b\nc,"d",e\n', "record 2 has 3 columns, not 2"),
        (b'a,b\nc,"d"e\n', "record 2 has text beside a quoted value"),
        (b'a,b\nc,e"d"\n', "record 2 has text beside a quoted value"),
        (b'a,b\nc,e""\n', "record 2 has a quote inside an unquoted value"),
        (b'a,b\nc,""e\n', "record 2 has a quote inside an unquoted value"),
        (b"a,b\nc,\xff\n", "record 1 or a later one is not UTF-8"),
        (b"a,b\nc,\xc3", "record 2 or a later one is not UTF-8"),
        (b"a,b\nc,\x00\n", "record 1 or a later one holds a NUL"),
        (b"a,b\nc\rd,e\n", "record 2 has a carriage return outside quotes"),
    ],
)
def test_damage_is_refused_by_the_number_of_the_record(data: bytes, complaint: str) -> None:
    with pytest.raises(DamagedBackupError) as refused:
        parsed(data)

    assert refused.value.message == complaint


@given(rows=st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=5), data=st.data())
def test_a_lost_or_added_quote_never_goes_unseen_at_the_end(rows: list[Row], data: st.DataObject) -> None:
    whole = b"".join(map(encode, [("a", "b"), *rows])).replace(b"\r", b"")
    at = data.draw(st.integers(0, len(whole)))

    with pytest.raises(DamagedBackupError):
        parsed(whole[:at] + b'"' + whole[at:])


def test_memory_does_not_grow_with_the_number_of_rows() -> None:
    class Endless(io.RawIOBase):
        left = 400

        def read(self, size: int = -1, /) -> bytes:
            self.left -= 1
            return encode(("x" * 50, None, '"y"\n')) * 1000 if self.left >= 0 else b""

    tracemalloc.start()
    count = sum(1 for _ in records(Endless()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 400_000
    assert peak < 4 << 20


def test_one_value_of_many_chunks_costs_its_size() -> None:
    value = '"x,\n' * (8 << 18)
    data = encode(("a", value, None))
    tracemalloc.start()
    (row,) = parsed(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert row == ("a", value, None)
    assert peak < 2.5 * len(value) + 4 * CHUNK
