"""How names and lists are written into SQL; values are bound, never written."""

from __future__ import annotations

from collections.abc import Iterable


def ident(name: str) -> str:
    """Quote an identifier: `order` becomes `"order"`."""
    return '"' + name.replace('"', '""') + '"'


def idents(names: Iterable[str], prefix: str = "") -> str:
    """Quote a list of identifiers, each after a table alias where one is given."""
    before = f"{prefix}." if prefix else ""
    return ", ".join(before + ident(name) for name in names)


def staged(table: str) -> str:
    """The temporary table that holds the rows of a backup."""
    return ident(f"mwaa_dr_stage_{table}")


def set_aside(table: str) -> str:
    """The temporary table that holds the target's own rows while the table itself is filled with those of a backup."""
    return ident(f"mwaa_dr_own_{table}")


def key_map(table: str) -> str:
    """The temporary table old key -> new key of a restored table."""
    return ident(f"mwaa_dr_map_{table}")


def text_literal(text: str) -> str:
    """Write a string as an SQL literal, for the places where Postgres takes no parameter."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"


def text_array(values: Iterable[str]) -> str:
    """Write a list of strings as an SQL array."""
    return f"ARRAY[{', '.join(text_literal(v) for v in values)}]::text[]"


def with_ours(condition: str, ours: Iterable[str]) -> str:
    """Fill the ids of our own DAGs into a table's condition."""
    return condition.replace("%(ours)s", text_array(ours))


def row_key(columns: Iterable[str], prefix: str) -> str:
    """One comparable value for several columns: NULL equals NULL, json is compared as text.

    `IS NOT DISTINCT FROM` cannot be hashed or merged by Postgres, so two large tables would be joined row by row.
    """
    return f"md5(ROW({idents(columns, prefix)})::text)"
