"""One table of a backup on its way from storage to Postgres: hashed, decrypted, unpacked, secrets encrypted again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mwaa_dr.framework.csv_rows import encode, records
from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.staging import Staged, fill_stage, finish_stage, make_stage
from mwaa_dr.framework.dropped_rows import KeptRows, Runs, read_dropped
from mwaa_dr.framework.envelope import DataKey, decrypting_reader, file_aad
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.gunzip import BLOCK, GunzipReader
from mwaa_dr.framework.manifest import Manifest, StoredFile, TableFile
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.secrets import SecretBox
from mwaa_dr.framework.storage.hashing import HashingReader
from mwaa_dr.framework.storage.storage import Reader, Storage


class Chunks:
    """Turns an iterator of byte strings into a reader; a large one is handed on in slices, small ones are joined."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._whole = b""
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes; nothing at the end."""
        if self._at >= len(self._whole):
            self._whole, self._at = self._next(), 0
        end = len(self._whole) if size < 0 else self._at + size
        out = self._whole[self._at : end]
        self._at += len(out)
        return out

    def _next(self) -> bytes:
        parts, have = [], 0
        for part in self._parts:
            parts.append(part)
            have += len(part)
            if have >= BLOCK:
                break
        return b"".join(parts)


@dataclass
class TableReader:
    """Reads the tables of one backup."""

    storage: Storage
    manifest: Manifest
    key: DataKey | None
    progress: Progress

    @contextmanager
    def open(self, file: TableFile) -> Iterator[Reader]:
        """Stream the CSV of a file; at the end of the block its hash has been compared with the manifest."""
        with ExitStack() as stack:
            hashed = HashingReader(stack.enter_context(self.storage.open_reader(self._path(file))))
            source: Reader = _Counting(hashed, file.name, self.progress)
            if file.encrypted:
                source = self._decrypting(source, file)
            rows: Reader = GunzipReader(source, file.file)
            yield KeptRows(rows, self._dropped(file)) if file.dropped else rows
            while hashed.read(BLOCK):
                pass
            if hashed.sha256 != file.sha256:
                raise DamagedBackupError(f"file '{file.file}' changed while it was read", "Choose another backup.")

    def copy(self, file: TableFile, target: Storage) -> None:
        """Copy a file, as it is, into another storage, where it has the same path."""
        path = self._path(file)
        with self.storage.open_reader(path) as source, target.open_writer(path) as writer:
            while block := source.read(BLOCK):
                writer.write(block)

    def stage(self, cursor: Cursor, stage: Staged, files: Iterable[TableFile], box: SecretBox | None = None) -> None:
        """Make a temporary table and load all files of its table, with a box their secrets encrypted again."""
        make_stage(cursor, stage)
        self.load(cursor, stage, files, box)
        finish_stage(cursor, stage)

    def load(
        self,
        cursor: Cursor,
        stage: Staged,
        files: Iterable[TableFile],
        box: SecretBox | None = None,
        *,
        which: str = "",
    ) -> None:
        """Load all files of a table into where its rows belong, or `which` of their rows, in SQL."""
        stage.rows = 0
        for file in files:
            started = time.monotonic()
            self.progress.start(file.name, file.size)
            with self.open(file) as source:
                rows = encrypted_again(source, stage.table, box) if box and stage.table.secrets else source
                fill_stage(cursor, stage, file, rows, which)
            self.progress.finish(file.name, file.rows, time.monotonic() - started)

    def _path(self, file: StoredFile) -> str:
        return f"{self.manifest.environment.id}/{self.manifest.folder_of(file)}/{file.file}"

    def _dropped(self, file: TableFile) -> Runs:
        """The rows of a file that are gone since it was written."""
        dropped = self.manifest.dropped_of(file.table)
        if dropped is None:
            raise DamagedBackupError(f"no list names the dropped rows of file '{file.file}'")
        return read_dropped(self.storage, self._path(dropped), dropped)[self.manifest.folder_of(file), file.file]

    def _decrypting(self, source: Reader, file: TableFile) -> Reader:
        if self.key is None:
            raise DamagedBackupError(f"file '{file.file}' is encrypted, but the manifest names no key")
        identity = file_aad(self.manifest.environment.id, self.manifest.backup_id, file.file, self.manifest.format)
        return decrypting_reader(source, self.key, identity, name=f"file '{file.file}'")


class _Counting:
    """Tells the progress how many bytes went through."""

    def __init__(self, source: Reader, table: str, progress: Progress) -> None:
        self._source, self._table, self._progress = source, table, progress

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self._progress.advance(self._table, len(data))
        return data


def encrypted_again(source: Reader, table: Table, box: SecretBox) -> Reader:
    """Encrypt the secret columns of a table's CSV with the target's Fernet key, row by row."""
    return Chunks(_encrypted_rows(source, table, box))


def _encrypted_rows(source: Reader, table: Table, box: SecretBox) -> Iterator[bytes]:
    rows = records(source)
    columns = [str(name) for name in next(rows, ())]
    yield encode(columns)
    for values in rows:
        row = dict(zip(columns, values, strict=True))
        for secret in table.secrets:
            column, flag = secret.split(":")
            value = row[column]
            if value is not None and row[flag] == "true":
                row[column] = box.encrypt(value)
                row[flag] = "true" if box.has_key else "false"
        yield encode(tuple(row.values()))
