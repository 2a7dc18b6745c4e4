"""Temporary tables that hold a backup beside the living tables until all of it is known to be good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mwaa_dr.framework.database.catalog import Catalog
from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import ident, idents, set_aside, staged
from mwaa_dr.framework.errors import DamagedBackupError, IncompatibleBackupError
from mwaa_dr.framework.manifest import Manifest, TableFile
from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.storage.storage import Reader

COPY_BUFFER = 1 << 18
SAMPLE = 10
"""For the planner it is enough to know roughly what a stage holds: 3,000 rows of it are looked at, not 30,000."""


@dataclass
class Staged:
    """A table of the backup that lies in a temporary table, or in place of the target's own."""

    table: Table
    columns: tuple[str, ...]
    """Columns that are there in the backup and in the target."""
    added: dict[str, str] = field(default_factory=dict)
    """Column of the target only -> SQL value."""
    left: tuple[str, ...] = ()
    """Columns of the backup only, which its version of Airflow still had."""
    rows: int = 0
    in_place: bool = False
    """Its rows lie in the living table itself, which is locked, and the target's own in a temporary one."""

    @property
    def name(self) -> str:
        """The quoted name of the table that holds the rows of the backup."""
        return ident(self.table.name) if self.in_place else staged(self.table.name)

    @property
    def target(self) -> str:
        """The quoted name of the table that holds the rows of the target."""
        return set_aside(self.table.name) if self.in_place else ident(self.table.name)

    def has(self, column: str) -> bool:
        """Whether the backup has the column."""
        return column in self.columns


def check_columns(table: Table, files: Sequence[TableFile], catalog: Catalog) -> Staged:
    """Pair the columns of a backup with those of the target; raise IncompatibleBackupError naming misfits."""
    live = {column.name: column for column in catalog.tables[table.name]}
    columns = files[0].columns
    foreign = [name for name in columns if name not in live and name not in table.gone]
    if foreign:
        raise IncompatibleBackupError(
            f"the target's table '{table.name}' has no column {', '.join(repr(c) for c in foreign)}",
            "Restore into the Airflow version that the backup was taken from, or a newer one of its line.",
        )
    absent = [column for name, column in live.items() if name not in columns]
    unknown = [c.name for c in absent if not (c.nullable or c.has_default or c.name in table.added)]
    if unknown and any(file.rows for file in files):
        raise IncompatibleBackupError(
            f"the backup has no value for {', '.join(repr(c) for c in unknown)} of table '{table.name}'",
            "Restore into the Airflow version that the backup was taken from.",
        )
    added = {c.name: table.added[c.name] for c in absent if c.name in table.added}
    both = tuple(name for name in columns if name in live)
    return Staged(table, both, added, left=tuple(name for name in columns if name not in live))


def make_stage(cursor: Cursor, stage: Staged) -> None:
    """Create the empty temporary table: the target's types, none of its constraints."""
    cursor.execute(
        f"CREATE TEMPORARY TABLE {stage.name} ON COMMIT DROP AS"
        f" SELECT {idents(stage.columns)} FROM {ident(stage.table.name)} WITH NO DATA"
    )
    for name in stage.left:
        cursor.execute(f"ALTER TABLE {stage.name} ADD COLUMN {ident(name)} text")


def shadow(cursor: Cursor, tables: Iterable[str]) -> None:
    """From now on have these names mean copies that only this session sees; the tables themselves are only read."""
    cursor.execute("SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('alembic_version')")
    schema = cursor.fetchone()[0]
    for name in map(ident, tables):
        cursor.execute(
            f"CREATE TEMPORARY TABLE {name} (LIKE {schema}.{name} INCLUDING DEFAULTS INCLUDING INDEXES) ON COMMIT DROP"
        )
        cursor.execute(f"INSERT INTO pg_temp.{name} SELECT * FROM {schema}.{name}")
        cursor.execute(f"ANALYZE pg_temp.{name}")


def fill_stage(cursor: Cursor, stage: Staged, file: TableFile, source: Reader, which: str = "") -> None:
    """Stream the rows of a backup's file in, or `which` of them, in SQL.

    Raises DamagedBackupError when they are not those it promised; how many there are of some of them is not known.
    """
    import psycopg2

    reader = _Remembering(source)
    try:
        cursor.copy_expert(
            f"COPY {stage.name} ({idents(file.columns)}) FROM STDIN (FORMAT csv, HEADER)"
            + (f" WHERE {which}" if which else ""),
            reader,
            size=COPY_BUFFER,
        )
    except psycopg2.Error as err:
        if reader.error:
            raise reader.error from None
        if not isinstance(err, psycopg2.DataError):
            raise
        # The driver's message may show a value: only its class is told.
        raise DamagedBackupError(
            f"file '{file.file}' holds a row that does not fit table '{stage.table.name}' ({type(err).__name__})"
        ) from None
    if cursor.rowcount != file.rows and not which:
        raise other_rows(file.file, cursor.rowcount, file.rows)
    stage.rows += cursor.rowcount


def other_rows(file: str, found: int, promised: int) -> DamagedBackupError:
    """What is said of files with more or fewer rows."""
    return DamagedBackupError(
        f"file '{file}' holds {found} rows, its manifest says {promised}", "Choose another backup."
    )


def finish_stage(cursor: Cursor, stage: Staged) -> None:
    """Look at the rows of all files, and complete them."""
    _refuse_left(cursor, stage)
    for name in filter(stage.has, stage.table.filled):
        value = stage.table.filled[name]
        cursor.execute(f"UPDATE {stage.name} SET {ident(name)} = {value} WHERE {ident(name)} IS NULL")
    cursor.execute(f"SET LOCAL default_statistics_target = {SAMPLE}; ANALYZE {stage.name}")


def _refuse_left(cursor: Cursor, stage: Staged) -> None:
    for name in stage.left:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {stage.name} WHERE {ident(name)} IS NOT NULL)")
        if cursor.fetchone()[0]:
            raise IncompatibleBackupError(
                f"the backup uses '{name}' of table '{stage.table.name}', which the target's Airflow has no more",
                "Restore into the Airflow version that the backup was taken from, and upgrade it in place then.",
            )


class _Remembering:
    """Keeps what a reader raised: the driver makes a refusal of the server of it."""

    def __init__(self, source: Reader) -> None:
        self._source = source
        self.error: BaseException | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._source.read(size)
        except BaseException as err:
            self.error = err
            raise


def planned(
    manifest: Manifest, tables: Sequence[Table], catalog: Catalog
) -> list[tuple[Staged, tuple[TableFile, ...]]]:
    """The tables to stage with their files, in the order of restoring; a table that the backup lacks is not touched."""
    plan = []
    for table in tables:
        files = manifest.files_of(table.name)
        if files and not (table.optional and table.name not in catalog.tables):
            plan.append((check_columns(table, files, catalog), files))
    return plan
