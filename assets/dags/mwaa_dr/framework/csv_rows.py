"""Postgres' CSV as COPY writes and reads it; the standard library's csv cannot tell '' from NULL."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import NoReturn

from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.storage.storage import Reader

Row = tuple[str | None, ...]

CHUNK = 1 << 16
# Postgres' text holds no NUL, so it can stand for a doubled quote while a chunk is taken apart.
DOUBLED = "\0"
SPECIAL = ('"', ",", "\n", "\r")


def encode(values: Iterable[str | None]) -> bytes:
    """One record that `COPY FROM` reads back as exactly these values."""
    return (",".join([_encoded(value) for value in values]) + "\n").encode()


def _encoded(value: str | None) -> str:
    if value is None:
        return ""
    # Not a regular expression: that is 30 times slower on a value of a megabyte.
    if not value or value.startswith("\\.") or any(mark in value for mark in SPECIAL):
        return '"' + value.replace('"', '""') + '"'
    return value


def records(stream: Reader, *, delimiter: str = ",") -> Iterator[Row]:
    """Every record of a stream, the header too if there is one; memory grows only with a single value.

    Lines may end with LF or CRLF. Raises DamagedBackupError with the record's number, never with a value.
    """
    parser = _Parser(delimiter)
    for text in _texts(stream, parser):
        yield from parser.feed(text)
    parser.finish()


def _texts(stream: Reader, parser: _Parser) -> Iterator[str]:
    """Decode a stream, chunk by chunk, so that no chunk ends within a doubled quote or a CRLF."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    held, last = "", False
    while not last:
        data = stream.read(CHUNK)
        last = not data
        try:
            text = held + decoder.decode(data, final=last)
        except UnicodeDecodeError as err:
            parser.refuse("or a later one is not UTF-8", err)
        if DOUBLED in text:
            parser.refuse("or a later one holds a NUL")
        held = "" if last else _unpaired(text)
        yield text[:-1] if held else text


def _unpaired(text: str) -> str:
    """The last character, where only the next chunk tells whether it belongs to a pair: `""` or CRLF."""
    if text.endswith("\r"):
        return "\r"
    return '"' if (len(text) - len(text.rstrip('"'))) % 2 else ""


class _Parser:
    """Takes chunks apart: what lies between two quotes is text, what lies outside is fields and lines.

    A doubled quote is replaced first. Where a field starts with doubled quotes, the replacement takes the
    opening quote for one of a pair and leaves the last one to open the field: the same text in another order.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.number = 1
        self.columns = 0
        self.fields: list[str | None] = []
        self.pieces: list[str] = []
        self.inside = False
        self.quoted = False
        self.bare = False

    def feed(self, text: str) -> Iterator[Row]:
        """Yield the records that end in this chunk."""
        for index, part in enumerate(text.replace('""', DOUBLED).split('"')):
            if index:
                self.inside = not self.inside
                self.quoted = True
            if self.inside:
                self.pieces.append(part)
            elif part:
                yield from self._outside(part)

    def _outside(self, part: str) -> Iterator[Row]:
        """Yield the records that end in a part outside quotes; the last one may go on in the next part."""
        if "\r" in part:
            part = part.replace("\r\n", "\n")
        special = DOUBLED in part or "\r" in part
        first, *others = part.split("\n")
        self._continue(first)
        if not others:
            return
        yield self._record()
        last = others.pop()
        delimiter = self.delimiter
        for line in others:
            if special and (DOUBLED in line or "\r" in line):
                self._continue(line)
                yield self._record()
            else:
                values = line.split(delimiter)
                if len(values) != self.columns:
                    self._refuse_columns(len(values))
                self.number += 1
                yield tuple([value or None for value in values])
        self._continue(last)

    def _continue(self, line: str) -> None:
        """Add a piece of a line, without quotes, to the record."""
        head, *tail = line.split(self.delimiter)
        self._piece(head)
        for value in tail:
            self._field()
            self._piece(value)

    def _piece(self, text: str) -> None:
        if "\r" in text:
            self.refuse("has a carriage return outside quotes")
        if text:
            self.bare = self.bare or self.quoted or bool(text.strip(DOUBLED))
            self.pieces.append(text)

    def _field(self) -> None:
        """End a field."""
        value, self.pieces = "".join(self.pieces), []
        if self.quoted:
            if self.bare:
                self.refuse("has text beside a quoted value")
            self.fields.append(value.replace(DOUBLED, '"'))
        elif value.startswith(DOUBLED) and not self.bare:
            self.fields.append('"' * (len(value) - 1))
        elif DOUBLED in value:
            self.refuse("has a quote inside an unquoted value")
        else:
            self.fields.append(value or None)
        self.quoted = self.bare = False

    def _record(self) -> Row:
        """End a record."""
        self._field()
        row = tuple(self.fields)
        self.fields = []
        if len(row) != self.columns:
            if self.columns:
                self._refuse_columns(len(row))
            self.columns = len(row)
        self.number += 1
        return row

    def finish(self) -> None:
        """Refuse a stream that ends within a record."""
        if self.inside or self.fields or self.pieces or self.quoted:
            self.refuse("is cut off")

    def _refuse_columns(self, found: int) -> NoReturn:
        self.refuse(f"has {found} columns, not {self.columns}")

    def refuse(self, what: str, cause: Exception | None = None) -> NoReturn:
        """Raise DamagedBackupError for the record at hand."""
        raise DamagedBackupError(f"record {self.number} {what}", "Choose another backup.") from cause
