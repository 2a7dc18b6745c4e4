"""A large table is copied in several files: each row is in one of them, whatever happens meanwhile."""

from __future__ import annotations

import gzip
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from mwaa_dr.framework.csv_rows import records
from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.pieces import Piece, pieces
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.verify import Level, verify_backup
from tests.support.engine import PIECE, PRIMARY, VERSION, backup, line, manifest_of, restore, storage, tables_of
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.watched import Watched, watched

TABLES = tables_of()
NASTY = 'a\r\nb\n"c",\\.\n\\N\t\'é 🙂'
MIB = 1 << 20


def sizes(**megabytes: int) -> Catalog:
    """Tables of so many MiB, all of it in blocks of 8 kB."""
    return Catalog(
        {},
        {name: size * MIB for name, size in megabytes.items()},
        {name: size * MIB >> 13 for name, size in megabytes.items()},
        reads_ranges=True,
    )


def cut(catalog: Catalog, connections: int = 2, least: int = 32 * MIB) -> list[Piece]:
    return pieces([TABLES[name] for name in catalog.sizes], catalog, connections, least)


def test_a_large_table_is_cut_into_ranges_that_leave_no_block_out() -> None:
    found = sorted((piece for piece in cut(sizes(log=1000))), key=lambda piece: piece.number)
    assert [piece.name for piece in found] == [f"log.{number}" for number in range(1, 9)]
    assert found[0].blocks[0] == 0
    assert [piece.blocks[1] for piece in found[:-1]] == [piece.blocks[0] for piece in found[1:]]
    assert found[-1].blocks[1] is None
    assert len({piece.blocks for piece in found}) == 8


def test_the_largest_pieces_come_first_and_none_is_much_over_its_share() -> None:
    found = cut(sizes(log=1000, task_instance=500, xcom=120, job=60))
    assert [piece.size for piece in found] == sorted((piece.size for piece in found), reverse=True)
    assert found[0].size < 2 * (1680 * MIB) // 8
    assert [piece.name for piece in found if piece.parts == 1] == ["xcom", "job"]


def test_small_tables_secrets_and_what_one_connection_copies_are_not_cut() -> None:
    assert [piece.parts for piece in cut(sizes(log=63))] == [1]
    assert [piece.parts for piece in cut(sizes(variable=1000))] == [1]
    assert [piece.parts for piece in cut(sizes(log=1000), connections=1)] == [1]


def test_a_server_that_would_read_the_whole_table_for_each_range_gets_none() -> None:
    assert [piece.parts for piece in cut(replace(sizes(log=1000), reads_ranges=False))] == [1]


def test_a_table_whose_values_lie_elsewhere_is_cut_into_no_more_than_its_blocks() -> None:
    wide = Catalog({}, {"xcom": 1000 * MIB}, {"xcom": 3}, reads_ranges=True)
    assert sorted(piece.blocks for piece in cut(wide)) == [(0, 1), (1, 2), (2, None)]


def write_history(db: Metadata) -> None:
    """A history whose `log` is worth several files, with values that hold lines, and blocks that were freed."""
    fill(db, logs=4000)
    db.run_sql("UPDATE log SET extra = %s WHERE id %% 3 = 0", NASTY)
    db.run_sql("DELETE FROM log WHERE id % 7 = 0")


def held(folder: Path, manifest: Manifest) -> list[tuple[str | None, ...]]:
    """The rows of `log` in all files, in no order."""
    rows = []
    for file in manifest.files_of("log"):
        path = folder / PRIMARY.id / manifest.backup_id / file.file
        with gzip.open(path) as stream:
            header, *own = records(stream)
        assert header == file.columns
        assert len(own) == file.rows
        rows += own
    return rows


def content(db: Metadata) -> list[tuple[Any, ...]]:
    """The rows of `log` as text, in the order of the columns of its files."""
    columns = ", ".join(f'"{name}"::text' for name in db.columns("log"))
    return db.rows(f"SELECT {columns} FROM log")


def test_every_row_is_in_one_file_as_it_is(primary: Metadata, tmp_path: Path) -> None:
    primary.run_sql("SET TIME ZONE 'UTC'")
    write_history(primary)
    report = backup(primary.url, tmp_path, piece_size=PIECE)
    manifest = manifest_of(tmp_path)
    assert len(manifest.files_of("log")) > 2
    assert sorted(held(tmp_path, manifest), key=repr) == sorted(content(primary), key=repr)
    assert line(report, "log").rows == primary.one("SELECT count(*) FROM log")
    assert line(report, "log").size == sum(file.size for file in manifest.files_of("log"))


def test_it_is_restored_and_verified_like_any_other(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    write_history(primary)
    backup(primary.url, tmp_path, piece_size=PIECE)
    report = restore(secondary.url, tmp_path)
    assert secondary.content("log") == primary.content("log")
    assert line(report, "log").inserted == primary.one("SELECT count(*) FROM log")
    url = MetadataDb.from_url(secondary.url)
    found = verify_backup(storage(tmp_path), Level.REHEARSE, db=url, airflow_version=VERSION)
    assert found.failed == []
    assert {"file log.2.csv.gz", "rows of log.2", "load of log"} <= {check.name for check in found.checks}


def test_rows_that_move_are_lost_or_new_while_it_is_copied_are_as_they_were_at_its_moment(
    primary: Metadata, tmp_path: Path
) -> None:
    primary.run_sql("SET TIME ZONE 'UTC'")
    write_history(primary)
    before = content(primary)
    once = threading.Lock()

    def write(connection: Watched, statement: str) -> None:
        if "ctid" in statement and once.acquire(blocking=False):
            primary.run_sql("UPDATE log SET extra = repeat('y', 500) WHERE id % 2 = 0")
            primary.run_sql("DELETE FROM log WHERE id % 5 = 0")
            primary.run_sql("INSERT INTO log (event) SELECT 'new' FROM generate_series(1, 500)")
            primary.run_sql("VACUUM log")

    backup(watched(primary.url, write), tmp_path, piece_size=PIECE)
    assert once.locked()
    assert sorted(held(tmp_path, manifest_of(tmp_path)), key=repr) == sorted(before, key=repr)


def test_a_table_cannot_be_written_anew_between_two_of_its_ranges(primary: Metadata, tmp_path: Path) -> None:
    write_history(primary)
    primary.run_sql("SET lock_timeout = '50ms'")
    gate = threading.Lock()
    tried: list[Watched] = []

    def rewrite(connection: Watched, statement: str) -> None:
        # All wait for the first attempt: whoever reads a range keeps the table as it is from then on.
        with gate:
            if "ctid" in statement and not tried:
                tried.append(connection)
                with pytest.raises(psycopg2.errors.LockNotAvailable):
                    primary.run_sql("VACUUM FULL log")

    backup(watched(primary.url, rewrite), tmp_path, piece_size=PIECE)
    assert tried


def test_a_table_that_lacks_one_of_its_files_is_damage(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    write_history(primary)
    backup(primary.url, tmp_path, piece_size=PIECE)
    manifest = manifest_of(tmp_path)
    lost = manifest.files_of("log")[1]
    less = replace(manifest, tables=tuple(file for file in manifest.tables if file != lost))
    with pytest.raises(DamagedBackupError, match=r"cannot be read \(ValueError\)"):
        Manifest.from_json(less.to_json())
    (tmp_path / PRIMARY.id / manifest.backup_id / lost.file).unlink()
    with pytest.raises(DamagedBackupError, match=r"file 'log\.2\.csv\.gz' .* is missing"):
        restore(secondary.url, tmp_path)
    assert BackupRepository(storage(tmp_path)).backup_ids(PRIMARY.id) == [manifest.backup_id]
