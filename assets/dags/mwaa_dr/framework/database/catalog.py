"""What the live database looks like: tables, columns, unique keys, sequences, revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.errors import DatabaseError, TableError


@dataclass(frozen=True)
class Column:
    """One column of a live table."""

    name: str
    type: str
    nullable: bool
    has_default: bool


@dataclass(frozen=True)
class Catalog:
    """The tables of the schema that Airflow uses."""

    tables: dict[str, tuple[Column, ...]]
    sizes: dict[str, int]
    """Estimated bytes of each table with what it keeps out of line."""
    blocks: dict[str, int]
    """Blocks of each table's rows, without what it keeps out of line."""
    reads_ranges: bool
    """Whether the server reads a range of blocks without the rest of the table: from PostgreSQL 14 on."""
    divided: frozenset[str] = frozenset()
    """Tables whose rows lie in others, too: partitions, or those that inherit."""

    def columns(self, table: str) -> tuple[str, ...]:
        """The column names of a table, in its own order, which differs between environments."""
        return tuple(column.name for column in self.tables[table])

    def has(self, table: str, column: str) -> bool:
        """Whether the live table has the column."""
        return column in self.columns(table)

    def is_parsed(self, alias: str = "dag") -> str:
        """The condition that a row of `dag` is one of a DAG that a file still has; Airflow 3 says it the other way."""
        return f"{alias}.is_active" if self.has("dag", "is_active") else f"NOT {alias}.is_stale"

    def require(self, names: Iterable[str]) -> None:
        """Raise TableError for the first name that is no table here."""
        for name in names:
            if name not in self.tables:
                raise TableError(
                    f"this database has no table '{name}'",
                    "Check the chosen tables and the Airflow version of the database.",
                )


def read_catalog(cursor: Cursor) -> Catalog:
    """Read all tables of the schema in which the search path finds Airflow's."""
    cursor.execute(
        """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
               a.atthasdef OR a.attidentity <> '', pg_table_size(c.oid),
               pg_relation_size(c.oid) / current_setting('block_size')::bigint, c.relkind = 'p' OR c.relhassubclass
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p')
           AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version'))
         ORDER BY c.relname, a.attnum
        """
    )
    tables: dict[str, list[Column]] = {}
    sizes: dict[str, int] = {}
    blocks: dict[str, int] = {}
    divided: set[str] = set()
    for table, name, type_name, nullable, has_default, size, count, is_divided in cursor.fetchall():
        tables.setdefault(table, []).append(Column(name, type_name, nullable, has_default))
        sizes[table] = size
        blocks[table] = count
        divided.update([table] if is_divided else ())
    if "alembic_version" not in tables:
        raise DatabaseError(
            "this database holds no Airflow metadata (there is no table 'alembic_version')",
            "Check the database name, or run `airflow db migrate` first.",
        )
    # https://www.postgresql.org/docs/release/14.0/: "Allow efficient retrieval of rows in a range of TIDs".
    ranges = cursor.connection.server_version >= 140000
    return Catalog(
        {name: tuple(columns) for name, columns in tables.items()}, sizes, blocks, ranges, frozenset(divided)
    )


def alembic_revision(cursor: Cursor) -> str:
    """The schema revision that Airflow's migrations left."""
    cursor.execute("SELECT string_agg(version_num, ',' ORDER BY version_num) FROM alembic_version")
    return cursor.fetchone()[0] or ""


def sequence_of(cursor: Cursor, table: str, column: str) -> str | None:
    """The quoted name of the sequence that feeds a column, or None.

    Newer versions of the FAB auth manager take the next key themselves, from a sequence that belongs to no column.
    """
    cursor.execute(
        "SELECT coalesce(pg_get_serial_sequence(%s, %s), to_regclass(%s)::text)",
        (ident(table), column, ident(f"{table}_{column}_seq")),
    )
    found: str | None = cursor.fetchone()[0]
    return found


def own_dags(cursor: Cursor, known: Iterable[str]) -> tuple[str, ...]:
    """The ids of this package's DAGs: those given, and all that carry its tag."""
    cursor.execute("SELECT to_regclass('dag_tag') IS NOT NULL")
    tagged: list[str] = []
    if cursor.fetchone()[0]:
        cursor.execute("SELECT dag_id FROM dag_tag WHERE name = 'mwaa_dr'")
        tagged = [row[0] for row in cursor.fetchall()]
    return tuple(sorted({*known, *tagged}))
