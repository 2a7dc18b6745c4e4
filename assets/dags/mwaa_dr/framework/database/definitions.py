"""What can be dropped of a table and made again exactly, and the proof that it was: a fingerprint of the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mwaa_dr.framework.database.connection import Cursor
from mwaa_dr.framework.database.names import ident, text_array

_SCHEMA = "(SELECT relnamespace FROM pg_class WHERE oid = to_regclass('alembic_version'))"

SLOWER = ("enable_mergejoin", "enable_nestloop")
"""Ways to find the rows that a foreign key forbids, which the planner would take: of a key of four columns it supposes
that a hash finds many alike. A million XComs were sorted in 5.0 s, with their task instances, and are hashed in 0.9."""


@dataclass(frozen=True)
class Definition:
    """A key, an index or a foreign key."""

    table: str
    name: str
    text: str
    """As PostgreSQL itself writes it."""
    is_index: bool = False
    """An index that no constraint owns."""

    @property
    def drop(self) -> str:
        """The statement that takes it away."""
        if self.is_index:
            return f"DROP INDEX {ident(self.name)}"
        return f"ALTER TABLE {ident(self.table)} DROP CONSTRAINT {ident(self.name)}"

    @property
    def make(self) -> str:
        """The statement that makes it again, and checks every row that is there."""
        if self.is_index:
            return self.text
        return f"ALTER TABLE {ident(self.table)} ADD CONSTRAINT {ident(self.name)} {self.text}"


@dataclass(frozen=True)
class Definitions:
    """What is dropped of some tables, in the order in which it is made again."""

    keys: tuple[Definition, ...]
    foreign_keys: tuple[Definition, ...]

    def drops(self) -> list[str]:
        """The statements that take everything away: a foreign key before the key that it rests on."""
        return [definition.drop for definition in (*self.foreign_keys, *self.keys)]

    def makes(self) -> list[str]:
        """The statements that make everything again."""
        off, again = ([f"SET LOCAL {way} {value}" for way in SLOWER] for value in ("= off", "TO DEFAULT"))
        return [*(key.make for key in self.keys), *off, *(key.make for key in self.foreign_keys), *again]


def definitions_of(cursor: Cursor, loaded: Collection[str], locked: Collection[str]) -> Definitions:
    """The keys and indexes of the `loaded` tables, and the foreign keys among the `locked` ones.

    A key that a foreign key of another table rests on is not among them, nor is a foreign key to another table: to
    drop it would lock that table, too.
    """
    cursor.execute(
        f"""
        SELECT t.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k
          JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
         WHERE k.contype = 'f' AND t.relnamespace = {_SCHEMA} AND r.relnamespace = t.relnamespace
           AND t.relname = ANY ({text_array(locked)}) AND r.relname = ANY ({text_array(locked)})
         ORDER BY 1, 2
        """
    )
    foreign = tuple(Definition(*row) for row in cursor.fetchall())
    cursor.execute(
        f"""
        SELECT t.relname, x.relname, coalesce(pg_get_constraintdef(k.oid), pg_get_indexdef(i.indexrelid)), k.oid IS NULL
          FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
          LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype <> 'f'
         WHERE t.relnamespace = {_SCHEMA} AND t.relname = ANY ({text_array(loaded)})
           AND coalesce(k.contype, 'u') IN ('p', 'u') AND NOT EXISTS (
               SELECT 1 FROM pg_constraint f JOIN pg_class o ON o.oid = f.conrelid WHERE f.contype = 'f'
                  AND f.conindid = i.indexrelid
                  AND {_is_not_among(locked, "t")})
         ORDER BY 1, 4, 2
        """
    )
    return Definitions(tuple(Definition(*row) for row in cursor.fetchall()), foreign)


def _is_not_among(locked: Collection[str], table: str) -> str:
    """The condition of another table `o` that it is none of the locked ones, which lie beside a table."""
    return f"(o.relnamespace <> {table}.relnamespace OR o.relname <> ALL ({text_array(locked)}))"


def owned(cursor: Cursor, tables: Collection[str]) -> set[str]:
    """Those of the tables that the database's user may define anew: its own, and plain ones."""
    cursor.execute(
        f"""
        SELECT relname FROM pg_class WHERE relnamespace = {_SCHEMA} AND relname = ANY ({text_array(tables)})
           AND relkind = 'r' AND NOT relhassubclass AND NOT relispartition AND pg_has_role(relowner, 'USAGE')
           AND has_schema_privilege(relnamespace, 'CREATE')
        """
    )
    return {row[0] for row in cursor.fetchall()}


def unnoticed(cursor: Cursor, tables: Collection[str], locked: Collection[str]) -> set[str]:
    """Those of the tables whose rows can go and come back and nothing else happens: no foreign key, no trigger.

    The foreign keys among the `locked` tables are dropped meanwhile.
    """
    cursor.execute(
        f"""
        SELECT relname FROM pg_class c WHERE relnamespace = {_SCHEMA} AND relname = ANY ({text_array(tables)})
           AND relkind = 'r' AND NOT relhasrules AND NOT EXISTS (
               SELECT 1 FROM pg_constraint k JOIN pg_class o ON o.oid = k.conrelid WHERE k.confrelid = c.oid
                  AND {_is_not_among(locked, "c")})
           AND NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)
        """
    )
    return {row[0] for row in cursor.fetchall()}


def leading_out(cursor: Cursor, tables: Collection[str], locked: Collection[str]) -> dict[str, set[str]]:
    """Table -> its columns with a foreign key to a table that is not locked, and so stays while rows are loaded."""
    cursor.execute(
        f"""
        SELECT c.relname, a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
          JOIN pg_class o ON o.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
         WHERE k.contype = 'f' AND c.relnamespace = {_SCHEMA} AND c.relname = ANY ({text_array(tables)})
           AND {_is_not_among(locked, "c")}
        """
    )
    found: dict[str, set[str]] = {}
    for table, column in cursor.fetchall():
        found.setdefault(table, set()).add(column)
    return found


def fingerprint(cursor: Cursor) -> frozenset[tuple[str, str]]:
    """What the catalogue says of the schema: each line with the name of its table or index.

    Left out is what every new object has of its own: its number, and where in its text an expression stood.
    """
    cursor.execute(
        f"""
        WITH known AS (SELECT * FROM pg_class WHERE relnamespace = {_SCHEMA} AND relkind IN ('r', 'p', 'i', 'I'))
        SELECT relname, ROW('relation', relkind, relowner, relpersistence, relreplident, relam, reltablespace,
               relrowsecurity, relforcerowsecurity, relispartition, reloptions, relacl,
               obj_description(oid, 'pg_class'))::text
          FROM known
        UNION ALL
        SELECT c.relname, ROW('column', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation,
               a.attstattarget, a.attstorage, a.attoptions, a.attacl, a.attidentity,
               pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))::text
          FROM known c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        UNION ALL
        SELECT c.relname, ROW('index', i.indrelid::regclass, i.indisunique, i.indisprimary, i.indisexclusion,
               i.indimmediate, i.indisclustered, i.indisvalid, i.indisready, i.indislive, i.indisreplident,
               pg_get_indexdef(c.oid))::text
          FROM known c JOIN pg_index i ON i.indexrelid = c.oid
        UNION ALL
        SELECT c.relname, ROW('constraint', k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred,
               k.conislocal, k.coninhcount, k.connoinherit, k.conindid::regclass, pg_get_constraintdef(k.oid),
               obj_description(k.oid, 'pg_constraint'))::text
          FROM known c JOIN pg_constraint k ON k.conrelid = c.oid
        UNION ALL
        SELECT c.relname, ROW('trigger', CASE WHEN t.tgisinternal THEN k.conname ELSE t.tgname END, t.tgtype, t.tgfoid,
               t.tgenabled, t.tgdeferrable, t.tginitdeferred, CASE WHEN NOT t.tgisinternal
               THEN pg_get_triggerdef(t.oid) END)::text
          FROM known c JOIN pg_trigger t ON t.tgrelid = c.oid LEFT JOIN pg_constraint k ON k.oid = t.tgconstraint
        """
    )
    return frozenset((str(name), str(line)) for name, line in cursor.fetchall())
