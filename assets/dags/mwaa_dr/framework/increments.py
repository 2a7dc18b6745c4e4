"""What a backup of a chain adds to a plain one: the parent that it adds to, and what the next one needs to know."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mwaa_dr.framework.chain import CHAIN_NAME, Chain, Range, TableChain
from mwaa_dr.framework.database import placed
from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.connection import Connection, Cursor
from mwaa_dr.framework.database.placed import Server
from mwaa_dr.framework.database.snapshot import Snapshot
from mwaa_dr.framework.errors import DamagedBackupError, DrError, MissingBackupError, MissingObjectError
from mwaa_dr.framework.growth import Grown, Growth, WholeTable
from mwaa_dr.framework.manifest import FORMAT, FULL_FORMAT, DroppedRows, Manifest, TableFile
from mwaa_dr.framework.model.options import BackupOptions
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.parallel import in_parallel
from mwaa_dr.framework.pieces import Piece, pieces
from mwaa_dr.framework.places import PlacesFile, write_places
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.storage import Storage, Writer
from mwaa_dr.framework.table_writer import TableWriter

LONGEST_AGO = 1_000_000_000
"""Transactions since the parent's snapshot: a row tells its own among 2^32, of which half lie before now."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parent:
    """The backup that an increment adds to."""

    manifest: Manifest
    chain: Chain


class NoParent(Exception):  # noqa: N818 - a decision
    """A full backup is to be taken, with the reason."""


def parent_for(storage: Storage, options: BackupOptions, server: Server) -> Parent:
    """The latest backup, where an increment can add to it; raises NoParent with the reason otherwise."""
    try:
        parent = _latest(storage, options.environment.id)
    except (DrError, MissingObjectError) as err:
        raise NoParent(err.message) from err
    chain = parent.chain
    if chain.number + 1 >= options.full_every:
        raise NoParent(f"one of {options.full_every} is")
    if chain.server != server.identity:
        raise NoParent("the server was started since the last one, or its database or schema is another")
    if not 0 <= server.horizon - chain.horizon < LONGEST_AGO:
        raise NoParent("the last one is too many transactions ago")
    return parent


def _latest(storage: Storage, environment: str) -> Parent:
    repository = BackupRepository(storage)
    manifest = repository.latest(environment)
    try:
        chain = Chain.from_json(storage.get(repository.path(environment, manifest.backup_id, CHAIN_NAME)))
    except MissingObjectError as err:
        raise MissingBackupError("the last one was not taken to be added to") from err
    if (chain.backup_id, chain.manifest_sha256) != (manifest.backup_id, _digest(manifest)):
        raise DamagedBackupError(f"the {CHAIN_NAME} of {manifest.backup_id} does not belong to its manifest")
    there = {
        path
        for folder in {manifest.backup_id, *manifest.references}
        for path in storage.paths(f"{environment}/{folder}")
    }
    needed = {repository.path(environment, manifest.folder_of(file), file.file) for file in manifest.files}
    if missing := sorted(needed - there):
        raise MissingBackupError(f"{missing[0]}, which the last one needs, is missing")
    return Parent(manifest, chain)


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.to_json()).hexdigest()


def chain_writer(storage: Storage, options: BackupOptions, catalog: Catalog, server: Server) -> tuple[ChainWriter, str]:
    """What stores an increment, or a full backup that others may add to; and what it is, in words."""
    try:
        parent = parent_for(storage, options, server)
    except NoParent as why:
        return ChainWriter(server, catalog, options, None), f"a full backup: {why}"
    words = f"an increment: it adds to {parent.manifest.backup_id}, and needs it"
    return ChainWriter(server, catalog, options, parent), words


@dataclass(frozen=True)
class _Whole:
    """A table, or a piece of one, that was stored whole, with what the next backup needs to know of it."""

    file: TableFile
    number: int = 0
    ranges: tuple[Range, ...] = ()
    places: PlacesFile | None = None


@dataclass
class ChainWriter:
    """Writes the tables of a backup that others may add to, whole or as what has grown since its parent."""

    server: Server
    catalog: Catalog
    options: BackupOptions
    parent: Parent | None
    dropped: tuple[DroppedRows, ...] = ()
    _tables: dict[str, TableChain] = field(default_factory=dict)

    @property
    def format(self) -> int:
        """Of the manifest."""
        return FORMAT if self.parent else FULL_FORMAT

    @property
    def of_manifest(self) -> dict[str, Any]:
        """What the manifest of an increment says beside its tables."""
        if not self.parent:
            return {}
        parent = self.parent.manifest
        return {
            "format": self.format,
            "parent": parent.backup_id,
            "base": parent.base or parent.backup_id,
            "dropped": self.dropped,
        }

    def copy_all(self, snapshot: Snapshot, tables: Tables, writer: TableWriter) -> list[tuple[TableFile, float]]:
        """Store all tables; return their files with the seconds."""
        able = [t for t in tables if placed.can_be_added_to(t, self.catalog, self.options.increment_size)]
        snapshot.hold(table.name for table in able)
        with snapshot.first.cursor() as cursor:
            prints = {
                table.name: placed.fingerprint(cursor, table, self.catalog.columns(table.name), writer.ours)
                for table in able
            }
        growing = [table for table in able if self._before(table.name, prints[table.name])]
        grown = self._grow(snapshot, growing, writer)
        rest = [table for table in tables if table.name not in grown]
        whole = self._copy_whole(snapshot, rest, prints, writer)
        return [
            *((file, seconds / len(one.files)) for one, seconds in grown.values() for file in one.files),
            *whole,
        ]

    def leave(self, manifest: Manifest, writer: TableWriter) -> None:
        """Store what the next backup needs to add to this one."""
        chain = Chain(
            manifest.backup_id,
            _digest(manifest),
            self.server.identity,
            self.server.horizon,
            self.parent.chain.number + 1 if self.parent else 0,
            self._tables,
        )
        files = writer.files
        files.storage.put(f"{files.environment.id}/{files.backup_id}/{CHAIN_NAME}", chain.to_json())

    def _before(self, table: str, fingerprint: str) -> TableChain | None:
        before = self.parent.chain.tables.get(table) if self.parent else None
        return before if before and before.fingerprint == fingerprint else None

    def _grow(self, snapshot: Snapshot, tables: list[Table], writer: TableWriter) -> dict[str, tuple[Grown, float]]:
        """What has changed in these tables, but for those that are better stored whole."""
        if self.parent is None:
            return {}
        parent = self.parent

        def grow(connection: Connection, table: Table) -> Grown | None:
            try:
                return self._growth(connection, table, parent, writer).grow()
            except (WholeTable, DamagedBackupError, MissingObjectError, KeyError) as err:
                logger.info("table stored whole", extra={"table": table.name, "reason": str(err)})
                return None

        tables = sorted(tables, key=lambda table: self.catalog.sizes[table.name], reverse=True)
        done = zip(tables, in_parallel(snapshot.connections, tables, grow), strict=True)
        grown = {table.name: (one, seconds) for table, (one, seconds) in done if one}
        self.dropped = tuple(dropped for one, _ in grown.values() for dropped in one.dropped)
        self._tables.update({name: one.chain for name, (one, _) in grown.items()})
        return grown

    def _growth(self, connection: Connection, table: Table, parent: Parent, writer: TableWriter) -> Growth:
        return Growth(
            connection=connection,
            files=writer.files,
            table=table,
            columns=self.catalog.columns(table.name),
            ours=writer.ours,
            parent=parent.manifest,
            before=parent.chain.tables[table.name],
            horizon=parent.chain.horizon,
            blocks=self.catalog.blocks[table.name],
        )

    def _copy_whole(
        self, snapshot: Snapshot, tables: list[Table], prints: Mapping[str, str], writer: TableWriter
    ) -> list[tuple[TableFile, float]]:
        work = pieces(tables, self.catalog, len(snapshot.connections), self.options.piece_size)
        snapshot.hold(piece.table.name for piece in work if piece.parts > 1)

        def copy(connection: Connection, piece: Piece) -> _Whole:
            columns = self.catalog.columns(piece.table.name)
            if piece.table.name not in prints:
                return _Whole(writer.write(connection, piece, columns))
            with placed.in_order(connection) as cursor:
                file = writer.write(connection, piece, columns)
                return self._placed(cursor, piece, file, writer)

        copied = in_parallel(snapshot.connections, work, copy)
        for name in prints.keys() - self._tables.keys():
            own = sorted(
                (one for one, _ in copied if one.file.table == name),
                key=lambda one: one.ranges[:1] and one.ranges[0].first,
            )
            if own and all(one.places for one in own):
                self._tables[name] = TableChain(
                    prints[name],
                    tuple(found for one in own for found in one.ranges),
                    self.catalog.blocks[name],
                    tuple(one.places for one in own if one.places),
                )
        return [(one.file, seconds) for one, seconds in copied]

    def _placed(self, cursor: Cursor, piece: Piece, file: TableFile, writer: TableWriter) -> _Whole:
        """Store the places of the rows that a file has, in their order."""
        found: list[Range] = []
        known_end = self.catalog.blocks[piece.table.name]

        def fill(target: Writer) -> None:
            for blocks in placed.ranges(piece.blocks, known_end):
                seen = placed.see(cursor, piece.table, writer.ours, blocks)
                if seen.rows or blocks[0] < known_end:
                    found.append(Range(blocks[0], seen.rows, seen.hash))
                write_places(target, blocks[0], seen.new_places)

        name = f"{piece.name}.places.gz"
        stored = writer.files.write_beside(name, fill)
        if sum(one.rows for one in found) != file.rows:
            raise DamagedBackupError(f"table '{piece.table.name}' had other rows when it was read again")
        return _Whole(file, piece.number, tuple(found), PlacesFile(writer.files.backup_id, file.file, name, *stored))
