"""The rows of a plain file of a backup, counted while it streams by: gzip around CSV as the engine writes it.

`mwaa_dr.framework.table_writer` compresses one member; `mwaa_dr.framework.csv_rows` says what a record is.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from lib.functions.backup_manifest import DamagedBackup

PLAIN = ".csv.gz"
"""How the name of a file ends whose rows can be counted; those of a sealed one cannot."""

_GZIP = 31
"""zlib's window bits for a gzip header."""
_MOST = 1 << 22
"""Bytes that are unpacked at once: a small file may hold gigabytes of the same letter."""


@dataclass
class RowCounter:
    """Takes a file as it is stored, piece by piece."""

    name: str
    _inflate: zlib._Decompress = field(default_factory=lambda: zlib.decompressobj(_GZIP))
    _records: int = 0
    _is_inside: bool = False
    _last: bytes = b""

    def feed(self, stored: bytes) -> None:
        """Count what is in the next bytes; raises DamagedBackup for what is no gzip."""
        while stored:
            if self._inflate.eof:
                raise DamagedBackup(f"file '{self.name}' goes on after its end")
            try:
                self._count(self._inflate.decompress(stored, _MOST))
            except zlib.error as error:
                raise DamagedBackup(f"file '{self.name}' is no readable gzip") from error
            stored = self._inflate.unconsumed_tail or self._inflate.unused_data

    def rows(self) -> int:
        """The records but for the header; raises DamagedBackup where the file was cut."""
        if not self._inflate.eof or self._is_inside or self._last != b"\n":
            raise DamagedBackup(f"file '{self.name}' is cut short")
        return self._records - 1

    def _count(self, text: bytes) -> None:
        """Line ends outside quotes end a record; a doubled quote opens and closes, which comes to the same."""
        for number, part in enumerate(text.split(b'"')):
            if number:
                self._is_inside = not self._is_inside
            if not self._is_inside:
                self._records += part.count(b"\n")
        self._last = text[-1:] or self._last
