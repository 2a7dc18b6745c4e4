"""One table of a backup on its way from Postgres to storage: copied, compressed, encrypted, hashed."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from mwaa_dr.framework.csv_rows import encode
from mwaa_dr.framework.database.connection import Connection
from mwaa_dr.framework.database.selection import is_paused, rows_of
from mwaa_dr.framework.database.snapshot import copy_out
from mwaa_dr.framework.envelope import DataKey, encrypting_writer, file_aad
from mwaa_dr.framework.errors import SecretError
from mwaa_dr.framework.manifest import FORMAT, Environment, TableFile
from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.pieces import Piece
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.secrets import SecretBox, refuse_masked
from mwaa_dr.framework.storage.hashing import HashingWriter
from mwaa_dr.framework.storage.storage import Storage, Writer

GZIP = 31  # zlib's window bits for a gzip header
LEVEL = 1  # measured: higher levels cost more time than the bytes they save
BLOCK = 1 << 18


class GzipWriter:
    """Compresses what is written; its output depends on nothing but the input."""

    def __init__(self, target: Writer) -> None:
        self._target = target
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)

    def write(self, data: bytes, /) -> int:
        """Compress and pass on."""
        out = self._deflate.compress(data)
        if out:
            self._target.write(out)
        return len(data)

    def finish(self) -> None:
        """Write what is left."""
        self._target.write(self._deflate.flush())


@dataclass
class TableWriter:
    """Writes tables of one backup; used by several threads at once."""

    storage: Storage
    folder: str
    environment: Environment
    backup_id: str
    ours: tuple[str, ...]
    box: SecretBox
    skip_unreadable: bool
    key: DataKey | None
    progress: Progress
    active_dags: tuple[str, ...] | None = None
    unreadable: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, connection: Connection, piece: Piece, columns: tuple[str, ...]) -> TableFile:
        """Store the rows of a table, or of a piece of it, and say what was stored."""
        started, table = time.monotonic(), piece.table
        self.progress.start(piece.name)
        encrypted = self.key is not None and table.confidential
        file = f"{piece.name}.csv.gz" + (".enc" if encrypted else "")
        with self._open(file, encrypted) as (target, hashed):
            counting = _Counting(target, piece.name, self.progress)
            if table.secrets:
                rows = self._write_secrets(connection, table, columns, counting)
            else:
                rows = copy_out(connection, self._query(piece, columns), counting)
            target.finish()
        self.progress.finish(piece.name, rows, time.monotonic() - started)
        return TableFile(table.name, file, columns, rows, hashed.size, hashed.sha256, encrypted, piece.parts)

    def _query(self, piece: Piece, columns: tuple[str, ...]) -> str:
        table = piece.table
        paused = {"is_paused": is_paused(self.active_dags)} if table.merge is Merge.DAGS else {}
        return rows_of(table, columns, self.ours, instead=paused, blocks=piece.blocks)

    @contextmanager
    def _open(self, file: str, encrypted: bool) -> Iterator[tuple[GzipWriter, HashingWriter]]:
        with ExitStack() as stack:
            stored = stack.enter_context(self.storage.open_writer(f"{self.folder}/{file}"))
            hashed = HashingWriter(stored)
            target: Writer = hashed
            if encrypted and self.key is not None:
                identity = file_aad(self.environment.id, self.backup_id, file, FORMAT)
                target = stack.enter_context(encrypting_writer(hashed, self.key, identity))
            yield GzipWriter(target), hashed

    def _write_secrets(self, connection: Connection, table: Table, columns: tuple[str, ...], target: Writer) -> int:
        target.write(encode(columns))
        rows = 0
        with connection.cursor(name="mwaa_dr_secrets") as cursor:
            cursor.itersize = 1  # values may be of any size, and these tables are short
            cursor.execute(rows_of(table, columns, self.ours, as_text=True))
            for row in cursor:
                plain = self._decrypted(table, dict(zip(columns, row, strict=True)))
                if plain is not None:
                    target.write(encode(tuple(plain.values())))
                    rows += 1
        return rows

    def _decrypted(self, table: Table, row: dict[str, str | None]) -> dict[str, str | None] | None:
        label = f"{table.name} '{row[table.key[0]]}'"
        try:
            for secret in table.secrets:
                column, flag = secret.split(":")
                value = row[column] or ""
                refuse_masked(label, value)
                if value and row[flag] == "true":
                    row[column] = self.box.decrypt(label, value)
        except SecretError:
            if not self.skip_unreadable:
                raise
            with self._lock:
                self.unreadable.append(label)
            return None
        return row


class _Counting:
    """Tells the progress how many bytes went through."""

    def __init__(self, target: Writer, table: str, progress: Progress) -> None:
        self._target, self._table, self._progress = target, table, progress

    def write(self, data: bytes, /) -> int:
        written = self._target.write(data)
        self._progress.advance(self._table, len(data))
        return written
