"""The files of one backup, each a table or a part of one as CSV: compressed, encrypted where it must be, hashed."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mwaa_dr.framework.envelope import DataKey, encrypting_writer, file_aad
from mwaa_dr.framework.manifest import FULL_FORMAT, Environment, TableFile
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.storage.hashing import HashingWriter
from mwaa_dr.framework.storage.storage import Storage, Writer

GZIP = 31  # zlib's window bits for a gzip header
LEVEL = 1  # measured: higher levels cost more time than the bytes they save
MEMORY = 7  # of 9; measured: the tables of the usual 8 leave less of the processor's cache to the rows


class GzipWriter:
    """Compresses what is written; its output depends on nothing but the input."""

    def __init__(self, target: Writer) -> None:
        self._target = target
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP, MEMORY)

    def write(self, data: bytes, /) -> int:
        """Compress and pass on."""
        out = self._deflate.compress(data)
        if out:
            self._target.write(out)
        return len(data)

    def finish(self) -> None:
        """Write what is left."""
        self._target.write(self._deflate.flush())


@dataclass(frozen=True)
class BackupFiles:
    """Writes the files of one backup; used by several threads at once."""

    storage: Storage
    environment: Environment
    backup_id: str
    key: DataKey | None
    progress: Progress
    format: int = FULL_FORMAT
    """Of the manifest."""

    @property
    def wrapped_keys(self) -> dict[str, str]:
        """What the manifest says of the key; nothing where there is none."""
        return dict(self.key.wrapped) if self.key else {}

    def write(
        self,
        table: str,
        columns: tuple[str, ...],
        fill: Callable[[Writer], int],
        *,
        confidential: bool = False,
        name: str = "",
        parts: int = 1,
    ) -> TableFile:
        """Store what `fill` writes, a header and rows whose number it returns, and say what was stored.

        A file that holds a part of a table has a `name` of its own.
        """
        started, name = time.monotonic(), name or table
        self.progress.start(name)
        encrypted = self.key is not None and confidential
        file = f"{name}.csv.gz" + (".enc" if encrypted else "")
        with self._open(file, encrypted) as (target, hashed):
            rows = fill(_Counting(target, name, self.progress))
            target.finish()
        self.progress.finish(name, rows, time.monotonic() - started)
        return TableFile(table, file, columns, rows, hashed.size, hashed.sha256, encrypted, parts)

    def write_beside(self, file: str, fill: Callable[[Writer], object]) -> tuple[int, str]:
        """Store what is about the rows of a table and holds none of them; return its size and SHA-256."""
        with self._open(file, encrypted=False) as (target, hashed):
            fill(target)
            target.finish()
        return hashed.size, hashed.sha256

    @contextmanager
    def _open(self, file: str, encrypted: bool) -> Iterator[tuple[GzipWriter, HashingWriter]]:
        with ExitStack() as stack:
            path = f"{self.environment.id}/{self.backup_id}/{file}"
            hashed = HashingWriter(stack.enter_context(self.storage.open_writer(path)))
            target: Writer = hashed
            if encrypted and self.key is not None:
                identity = file_aad(self.environment.id, self.backup_id, file, self.format)
                target = stack.enter_context(encrypting_writer(hashed, self.key, identity))
            yield GzipWriter(target), hashed


class _Counting:
    """Tells the progress how many bytes went through."""

    def __init__(self, target: Writer, table: str, progress: Progress) -> None:
        self._target, self._table, self._progress = target, table, progress

    def write(self, data: bytes, /) -> int:
        written = self._target.write(data)
        self._progress.advance(self._table, len(data))
        return written
