"""Count and hash what goes through, as the manifest states it."""

from __future__ import annotations

import hashlib

from mwaa_dr.framework.storage.storage import Reader, Writer

CHUNK = 1 << 20


class _Account:
    """Bytes so far, and their SHA-256."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hex digest of all bytes so far."""
        return self._digest.hexdigest()

    def _add(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)


class HashingWriter(_Account):
    """A writer that hands everything on."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer

    def write(self, data: bytes, /) -> int:
        """Write all of it."""
        self._writer.write(data)
        self._add(data)
        return len(data)


class HashingReader(_Account):
    """A reader that accounts for what was read through it; the digest is whole once it gave `b""`."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    def read(self, size: int = -1, /) -> bytes:
        """Read on."""
        data = self._reader.read(size)
        self._add(data)
        return data
