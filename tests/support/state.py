"""What a database holds, told so that two states can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mwaa_dr.framework.model.table import Table
from mwaa_dr.framework.model.tables import Tables
from tests.support.metadata import Metadata
from tests.support.waiting import until

State = Mapping[str, tuple[int, str]]
"""Table -> its number of rows, and a hash of them in any order."""


def exact(db: Metadata) -> State:
    """All rows of all tables as they are; not the sequences, which know no transaction."""
    tables = db.rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    return {name: _hashed(db, f'SELECT t::text AS line FROM "{name}" t') for (name,) in tables}


def natural(db: Metadata, tables: Tables, *, like: Metadata | None = None, without: Iterable[str] = ()) -> State:
    """The rows of the carried tables by what they mean: a surrogate key counts as the row that it stands for.

    Encrypted values are left out: they differ each time that they are encrypted. With `like` only the columns of
    another database count, which may be of an older Airflow.
    """
    return {t.name: _hashed(db, natural_rows(like or db, tables, t, without)) for t in tables}


def natural_rows(like: Metadata, tables: Tables, table: Table, without: Iterable[str] = ()) -> str:
    """The query for the rows of a table, as one text each, by what they mean."""
    means = _meanings(like, tables, table)
    hidden = {table.surrogate, *without, *(secret.split(":")[0] for secret in table.secrets)}
    columns = [c for c in sorted(like.columns(table.name)) if c not in hidden]
    chosen = ", ".join(means.get(column, f't."{column}"') for column in columns)
    return f'SELECT ROW({chosen})::text AS line FROM "{table.name}" t'


def settle(db: Metadata) -> None:
    """Wait until the server has noticed that the other sessions of this database are gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    until(lambda: db.one(others) == 0, "the end of the other sessions")


def dangling(db: Metadata, tables: Tables) -> list[str]:
    """Every foreign key and every soft reference that points at nothing, with the number of such rows."""
    soft = {
        f"{t.name}.{column}": f'SELECT count(*) FROM "{t.name}" t WHERE t."{column}" IS NOT NULL AND NOT EXISTS'
        f' (SELECT 1 FROM "{referred}" r WHERE r.id = t."{column}")'
        for t in tables
        for column, referred in pointers(t)
    }
    wrong_run = {
        f"{t.name}.{t.run_surrogate} of another run": f'SELECT count(*) FROM "{t.name}" t JOIN dag_run r'
        f' USING (dag_id, run_id) WHERE t."{t.run_surrogate}" <> r.id'
        for t in tables
        if t.run_surrogate
    }
    counts = {name: db.one(query) for name, query in {**soft, **wrong_run, **_foreign_keys(db)}.items()}
    return [f"{name}: {count}" for name, count in counts.items() if count]


def pointers(table: Table) -> list[tuple[str, str]]:
    """The columns that hold a surrogate key of another table, with that table."""
    runs = [column for column in (*table.run, table.run_surrogate) if column == "dag_run_id"]
    return [*((c, "dag_run") for c in runs), *((r.column, r.table) for r in table.references if r.table != "dag")]


def _foreign_keys(db: Metadata) -> dict[str, str]:
    """By name, the query that counts the rows that break a foreign key."""
    found = db.rows(
        """
        SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,
               string_agg(format('r.%I = t.%I', r.attname, t.attname), ' AND '),
               string_agg(format('t.%I IS NOT NULL', t.attname), ' AND ')
          FROM pg_constraint c
          CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS k (here, there)
          JOIN pg_attribute t ON t.attrelid = c.conrelid AND t.attnum = k.here
          JOIN pg_attribute r ON r.attrelid = c.confrelid AND r.attnum = k.there
         WHERE c.contype = 'f' GROUP BY 1, 2, 3
        """
    )
    return {
        f"foreign key {name}": f"SELECT count(*) FROM {table} t WHERE {given}"
        f" AND NOT EXISTS (SELECT 1 FROM {referred} r WHERE {same})"
        for name, table, referred, same, given in found
    }


def _meanings(db: Metadata, tables: Tables, table: Table) -> dict[str, str]:
    means = {}
    for column, referred in pointers(table):
        if referred in tables:
            ids = {tables[referred].surrogate, *(c for c, _ in pointers(tables[referred]))}
            own = ", ".join(f'r."{c}"' for c in sorted(db.columns(referred)) if c not in ids)
            row = f'SELECT md5(ROW({own})::text) FROM "{referred}" r WHERE r.id = t."{column}"'
            means[column] = f"""CASE WHEN t."{column}" IS NOT NULL THEN COALESCE(({row}), 'nothing') END"""
    return means


def _hashed(db: Metadata, query: str) -> tuple[int, str]:
    counted = f"SELECT count(*), COALESCE(md5(string_agg(md5(line), '' ORDER BY md5(line))), '') FROM ({query}) x"
    rows, digest = db.rows(counted)[0]
    return int(rows), str(digest)
