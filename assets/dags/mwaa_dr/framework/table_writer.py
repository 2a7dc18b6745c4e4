"""One table of a backup on its way from Postgres to storage, its secrets decrypted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from mwaa_dr.framework.backup_files import BackupFiles
from mwaa_dr.framework.csv_rows import encode
from mwaa_dr.framework.database.connection import Connection
from mwaa_dr.framework.database.selection import is_paused, rows_of
from mwaa_dr.framework.database.snapshot import copy_out, rows_at_once
from mwaa_dr.framework.errors import SecretError
from mwaa_dr.framework.manifest import TableFile
from mwaa_dr.framework.model.table import Merge, Table
from mwaa_dr.framework.pieces import Piece
from mwaa_dr.framework.secrets import SecretBox, refuse_masked
from mwaa_dr.framework.storage.storage import Writer


@dataclass
class TableWriter:
    """Writes tables of one backup; used by several threads at once."""

    files: BackupFiles
    ours: tuple[str, ...]
    box: SecretBox
    skip_unreadable: bool
    active_dags: tuple[str, ...] | None = None
    unreadable: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, connection: Connection, piece: Piece, columns: tuple[str, ...]) -> TableFile:
        """Store the rows of a table, or of a piece of it, and say what was stored."""
        table = piece.table

        def fill(target: Writer) -> int:
            if table.secrets:
                return self._write_secrets(connection, table, columns, target)
            return copy_out(connection, self._query(piece, columns), target)

        return self.files.write(
            table.name, columns, fill, confidential=table.confidential, name=piece.name, parts=piece.parts
        )

    def _query(self, piece: Piece, columns: tuple[str, ...]) -> str:
        table = piece.table
        paused = {"is_paused": is_paused(self.active_dags)} if table.merge is Merge.DAGS else {}
        return rows_of(table, columns, self.ours, instead=paused, blocks=piece.blocks)

    def _write_secrets(self, connection: Connection, table: Table, columns: tuple[str, ...], target: Writer) -> int:
        target.write(encode(columns))
        rows, query = 0, rows_of(table, columns, self.ours, as_text=True)
        with connection.cursor(name="mwaa_dr_secrets") as cursor:
            cursor.itersize = rows_at_once(connection, query)  # values may be of any size
            cursor.execute(query)
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
