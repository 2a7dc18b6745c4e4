"""Tables whose rows are paired with equal rows of the target: by natural key, or as a multiset."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mwaa_dr.framework.database.in_place import settle_keys
from mwaa_dr.framework.database.keys import raise_sequence, renumber, renumber_below
from mwaa_dr.framework.database.names import ident, idents, key_map, row_key, text_literal
from mwaa_dr.framework.database.selection import rows_of
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.model.table import Existing, Missing, Reference, Table


@dataclass
class Merged:
    """What became of the rows of one table."""

    inserted: int = 0
    replaced: int = 0
    kept: int = 0
    removed: int = 0


def merge_matching(
    work: Work, stage: Staged, stages: Mapping[str, Staged], *, replace: bool, ours: Collection[str]
) -> Merged:
    """Insert the rows that the target lacks; `replace` lets the backup win where it has them."""
    follow_references(work, stage, stages)
    if stage.table.superseded:
        work.run(f"DELETE FROM {stage.name} s WHERE {stage.table.superseded}")
    if stage.table.surrogate:
        return _merge_numbered(work, stage, _map_is_sparse(stage, stages), replace, ours)
    return _merge_keyed(work, stage)


def follow_references(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> None:
    """Point the staged rows at the keys that the restore gave to what they refer to."""
    for reference in stage.table.references:
        if reference.table == stage.table.name or not stage.has(reference.column):
            continue
        column, drops = ident(reference.column), reference.missing is Missing.DROP
        if reference.table in stages and not stages[reference.table].table.surrogate:
            _settle_strays(work, stage, reference, stages[reference.table].table)
            continue
        if reference.table not in stages:
            work.run(
                f"DELETE FROM {stage.name}"
                if drops or reference.inserted_only
                else f"UPDATE {stage.name} SET {column} = NULL"
            )
            continue
        mapped = key_map(reference.table)
        if drops or reference.inserted_only:
            only = " AND m.inserted" if reference.inserted_only else ""
            work.run(
                f"DELETE FROM {stage.name} s WHERE NOT EXISTS (SELECT 1 FROM {mapped} m WHERE m.old = s.{column}{only})"
            )
        work.run(
            f"UPDATE {stage.name} s SET {column} = x.new FROM"
            f" (SELECT i.ctid AS place, m.new FROM {stage.name} i LEFT JOIN {mapped} m ON m.old = i.{column}"
            f" WHERE i.{column} IS DISTINCT FROM m.new) x WHERE s.ctid = x.place"
        )


def _settle_strays(work: Work, stage: Staged, reference: Reference, referred: Table) -> None:
    """Drop rows whose natural key points at nothing in the target, or empty it; what it points at has been merged."""
    column = ident(reference.column)
    nowhere = f"NOT EXISTS (SELECT 1 FROM {ident(referred.name)} t WHERE t.{ident(referred.key[0])} = s.{column})"
    if reference.missing is Missing.DROP:
        work.run(f"DELETE FROM {stage.name} s WHERE {nowhere}")
    else:
        work.run(f"UPDATE {stage.name} s SET {column} = NULL WHERE s.{column} IS NOT NULL AND {nowhere}")


def _merge_keyed(work: Work, stage: Staged) -> Merged:
    staged = work.one(f"SELECT count(*) FROM {stage.name}")
    inserted = work.run(
        f"INSERT INTO {ident(stage.table.name)} ({target_columns(stage)})"
        f" SELECT {values(stage, 's', {})} FROM {stage.name} s ON CONFLICT DO NOTHING"
    )
    return Merged(inserted=inserted, kept=staged - inserted)


def make_map(work: Work, stage: Staged) -> None:
    """Create the empty map old key -> new key."""
    key = ident(stage.table.surrogate)
    work.run(
        f"CREATE TEMPORARY TABLE {key_map(stage.table.name)} ON COMMIT DROP AS"
        f" SELECT {key} AS old, {key} AS new, true AS inserted FROM {stage.name} WITH NO DATA"
    )


def _map_is_sparse(stage: Staged, stages: Mapping[str, Staged]) -> bool:
    """Whether the map holds only keys that change: nobody looks the others up, as with the audit log."""
    referred = any(r.table == stage.table.name for other in stages.values() for r in other.table.references)
    return not (referred or stage.table.below_highest or stage.table.other_keys)


def _merge_numbered(work: Work, stage: Staged, sparse: bool, replace: bool, ours: Collection[str]) -> Merged:
    table = stage.table
    raise_sequence(work, stage)
    _pair(work, stage, sparse, ours)
    if table.below_highest:
        renumber_below(work, stage)
    else:
        renumber(work, stage)
    _follow_itself(work, stage)
    mapped, key = key_map(table.name), ident(table.surrogate)
    merged = Merged(kept=work.one(f"SELECT count(*) FROM {mapped} WHERE NOT inserted"))
    if replace:
        merged.replaced = _replace(work, stage)
        merged.kept -= merged.replaced
    changed = _changed(work, table.name)
    if stage.in_place:
        merged.inserted = stage.rows - settle_keys(work, stage, changed)
        return merged
    joined, new = "", f"s.{key}"
    if changed:
        joined = f" LEFT JOIN {changed} m ON m.old = s.{key} WHERE m.inserted IS NOT FALSE"
        new = f"COALESCE(m.new, s.{key})"
    merged.inserted = work.run(
        f"INSERT INTO {ident(table.name)} ({target_columns(stage)})"
        f" SELECT {values(stage, 's', {table.surrogate: new})} FROM {stage.name} s{joined}"
    )
    return merged


def _changed(work: Work, table: str) -> str:
    """The temporary table of the rows that are not inserted under their own key; empty where all are."""
    name = ident(f"mwaa_dr_changed_{table}")
    changed = work.run(
        f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS"
        f" SELECT old, new, inserted FROM {key_map(table)} WHERE NOT inserted OR new <> old"
    )
    if changed:
        work.run(f"ANALYZE {name}")
    return name if changed else ""


def _pair(work: Work, stage: Staged, sparse: bool, ours: Collection[str]) -> None:
    """Build the map old key -> new key, a sparse one without the rows that are to be inserted under a free key."""
    mapped, key = key_map(stage.table.name), ident(stage.table.surrogate)
    make_map(work, stage)
    others, within = "", _within(work, stage)
    if work.exists(f"SELECT 1 FROM {stage.target} t WHERE {within}"):
        work.run(f"INSERT INTO {mapped} SELECT old, new, false FROM ({_paired(stage, within, ours)}) paired")
        others = f" WHERE NOT EXISTS (SELECT 1 FROM {mapped} m WHERE m.old = s.{key})"
    taken = f" JOIN {stage.target} t ON t.{key} = s.{key}" if sparse else ""
    work.run(f"INSERT INTO {mapped} SELECT s.{key}, s.{key}, true FROM {stage.name} s{taken}{others}")
    _pair_by_other_keys(work, stage)
    work.run(f"ANALYZE {mapped}")


def _paired(stage: Staged, within: str, ours: Collection[str]) -> str:
    """The query of the keys of rows that are alike: the n-th of several equal ones is paired with the n-th there.

    The rows of the target are read as a backup would hold them, so that a redacted row meets its original.
    """
    table, key = stage.table, ident(stage.table.surrogate)
    there = rows_of(dataclasses.replace(table, where=""), stage.columns, ours, source=stage.target)
    columns = table.key or tuple(c for c in stage.columns if c != table.surrogate)
    staged_key, target_key = row_key(columns, "s"), row_key(columns, "t")
    return (
        f"WITH t AS MATERIALIZED (SELECT t.{key} AS id, {_moment(stage, 't')} AS moment, {target_key} AS k,"
        f"  row_number() OVER (PARTITION BY {target_key} ORDER BY t.{key}) AS n FROM ({there}) t"
        f"  WHERE {within}),"
        f" s AS (SELECT s.{key} AS id, {staged_key} AS k,"
        f"  row_number() OVER (PARTITION BY {staged_key} ORDER BY s.{key}) AS n FROM {stage.name} s"
        f"  WHERE {_moment(stage, 's')} IN (SELECT moment FROM t))"
        " SELECT s.id AS old, t.id AS new FROM s JOIN t USING (k, n)"
    )


def _pair_by_other_keys(work: Work, stage: Staged) -> None:
    """Pair what is not alike by the natural key, but could not stand beside a row of the target all the same.

    A user of another name with the same e-mail address is such a row.
    """
    name, mapped, number = ident(stage.table.name), key_map(stage.table.name), ident(stage.table.surrogate)
    for key in stage.table.other_keys:
        alike = f"ROW({', '.join(key)})::text"
        given = " AND ".join(f"({part}) IS NOT NULL" for part in key)
        work.run(
            f"UPDATE {mapped} m SET new = t.id, inserted = false"
            f" FROM (SELECT {number} AS id, {alike} AS k FROM {stage.name} WHERE {given}) s"
            f" JOIN (SELECT {number} AS id, {alike} AS k FROM {name} WHERE {given}) t USING (k)"
            " WHERE m.inserted AND m.old = s.id"
        )


def _moment(stage: Staged, alias: str) -> str:
    """What alike rows have alike, and few others: whatever is of another moment need not be looked at as a whole."""
    return f"COALESCE({alias}.{ident(stage.table.within)}, '-infinity')" if stage.table.within else "true"


def _within(work: Work, stage: Staged) -> str:
    """Which rows of the target, `t`, may be alike one of the stage: those of the time that it spans, if any."""
    if not stage.table.within:
        return "true"
    if not work.exists(f"SELECT 1 FROM {stage.target}"):
        return "false"
    column = ident(stage.table.within)
    # Both at once: each of them reads the whole stage.
    ((first, last),) = work.rows(f"SELECT min({column})::text, max({column})::text FROM {stage.name}")
    spanned = f" OR t.{column} BETWEEN {text_literal(str(first))} AND {text_literal(str(last))}" if first else ""
    return f"(t.{column} IS NULL{spanned})"


def _follow_itself(work: Work, stage: Staged) -> None:
    mapped = key_map(stage.table.name)
    for reference in stage.table.references:
        if reference.table == stage.table.name and stage.has(reference.column):
            column = ident(reference.column)
            work.run(f"UPDATE {stage.name} s SET {column} = (SELECT m.new FROM {mapped} m WHERE m.old = s.{column})")


def _replace(work: Work, stage: Staged) -> int:
    table, mapped = stage.table, key_map(stage.table.name)
    columns = [c for c in stage.columns if c != table.surrogate]
    assigned = ", ".join(f"{ident(c)} = s.{ident(c)}" for c in columns)
    return work.run(
        f"UPDATE {ident(table.name)} t SET {assigned} FROM {stage.name} s"
        f" JOIN {mapped} m ON m.old = s.{ident(table.surrogate)}"
        f" WHERE NOT m.inserted AND t.{ident(table.surrogate)} = m.new"
        f" AND {row_key(columns, 't')} IS DISTINCT FROM {row_key(columns, 's')}"
    )


def replaces(existing: Existing, strategy_replaces: bool) -> bool:
    """Whether a table's rule lets the backup win over a row that is there."""
    return existing is Existing.REPLACE or (existing is Existing.STRATEGY and strategy_replaces)


def target_columns(stage: Staged) -> str:
    """The columns that an INSERT names; order differs between environments, so it always names them."""
    return idents((*stage.columns, *stage.added))


def values(stage: Staged, alias: str, instead: Mapping[str, str]) -> str:
    """The SELECT list for `target_columns`: staged values, fixed values, and those given `instead`."""
    known = {**stage.table.fixed, **instead}
    own = [known.get(column) or f"{alias}.{ident(column)}" for column in stage.columns]
    return ", ".join((*own, *stage.added.values()))
