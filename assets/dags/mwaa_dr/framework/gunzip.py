"""Read what was compressed: whole, or refused."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from mwaa_dr.framework.backup_files import GZIP
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.storage.hashing import HashingReader
from mwaa_dr.framework.storage.storage import Reader, Storage

BLOCK = 1 << 17


class Listed(Protocol):
    """A file as a manifest, or a list beside it, names it."""

    @property
    def file(self) -> str:
        """Its name."""

    @property
    def sha256(self) -> str:
        """Hex digest of what is stored."""


@contextmanager
def proved_whole(storage: Storage, path: str, told: Listed) -> Iterator[GunzipReader]:
    """Open a file to be read to its end; raises DamagedBackupError at the latest then, unless it is what was listed.

    Nothing is to be concluded from what is read before that.
    """
    with storage.open_reader(path) as stored:
        hashed = HashingReader(stored)
        yield GunzipReader(hashed, told.file)
    if hashed.sha256 != told.sha256:
        raise DamagedBackupError(f"file '{told.file}' was altered: its SHA-256 is another", "Choose another backup.")


class GunzipReader:
    """Decompresses one gzip member; raises DamagedBackupError when it is cut, altered or followed by anything."""

    def __init__(self, source: Reader, file: str) -> None:
        self._source, self._file = source, file
        self._inflate = zlib.decompressobj(GZIP)
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes; nothing at the end."""
        limit = size if size > 0 else 1 << 30
        while not self._ended:
            data = self._inflate.unconsumed_tail or self._source.read(BLOCK)
            try:
                out = self._inflate.decompress(data, limit)
            except zlib.error as err:
                raise self._damaged("is no readable gzip") from err
            self._check_end(data)
            if out:
                return out
        return b""

    def _check_end(self, data: bytes) -> None:
        if self._inflate.eof:
            self._ended = True
            if self._inflate.unused_data or self._source.read(1):
                raise self._damaged("goes on after its end")
        elif not data:
            raise self._damaged("is cut short")

    def _damaged(self, what: str) -> DamagedBackupError:
        return DamagedBackupError(f"file '{self._file}' {what}", "Choose another backup.")


def lines_of(source: Reader) -> Iterator[bytes]:
    """The lines of a text, without their ends; what follows the last end is none."""
    held = b""
    while data := source.read(BLOCK):
        *lines, held = (held + data).split(b"\n")
        yield from lines


def exactly(source: Reader, size: int) -> bytes:
    """The next bytes of a reader, or fewer where it ends."""
    parts = []
    while size and (data := source.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
