"""The unit of merging: a DAG run with all its children."""

from __future__ import annotations

from collections.abc import Mapping

from mwaa_dr.framework.database.in_flight import OPEN_RUNS
from mwaa_dr.framework.database.in_place import settle_runs
from mwaa_dr.framework.database.keys import raise_sequence, renumber
from mwaa_dr.framework.database.match import Merged, target_columns, values
from mwaa_dr.framework.database.names import ident, key_map
from mwaa_dr.framework.database.selection import UNFINISHED_RUN
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.model.table import Missing, Reference, Table

_CLASH = "mwaa_dr_clash"
_RUNS = key_map("dag_run")


def plan_runs(work: Work, stage: Staged) -> list[tuple[object, ...]]:
    """Decide for each staged run: inserted, or left out since a run of the target keeps its place.

    Returns the runs of the target that are kept: dag_id, run_id, state.
    """
    work.run(f"CREATE TEMPORARY TABLE {_CLASH} ON COMMIT DROP AS {_alike(stage)}")
    work.run(f"ANALYZE {_CLASH}")
    work.run(
        f"CREATE TEMPORARY TABLE {_RUNS} ON COMMIT DROP AS SELECT s.id::bigint AS old, s.id::bigint AS new,"
        " true AS inserted, s.dag_id, s.run_id,"
        f" EXISTS (SELECT 1 FROM {_CLASH} c WHERE c.old = s.id) AS replaces FROM {stage.name} s"
        f" WHERE s.id NOT IN (SELECT old FROM {_CLASH} WHERE keeps)"
    )
    return work.rows(
        "SELECT DISTINCT t.dag_id, t.run_id, t.state FROM dag_run t"
        f" WHERE t.id IN (SELECT target FROM {_CLASH} WHERE keeps) ORDER BY 1, 2"
    )


def lock_alike(work: Work, stage: Staged) -> None:
    """Hold the target's runs that the backup has too, so that none is cleared while we decide."""
    work.run(
        "SELECT count(*) FROM (SELECT 1 FROM dag_run"
        f" WHERE id IN (SELECT target FROM ({_alike(stage)}) a) ORDER BY id FOR UPDATE) locked"
    )


def _alike(stage: Staged) -> str:
    """The query of the staged runs that a run of the target has a unique key in common with.

    The target's run keeps its place while it is in flight, and where it ended well what the backup has as interrupted:
    somebody cleared it after an earlier restore.
    """
    keeps = f"t.{UNFINISHED_RUN} OR (t.state = 'success' AND s.id IN (SELECT id FROM {OPEN_RUNS}))"
    return " UNION ".join(
        f"SELECT s.id AS old, t.id AS target, {keeps} AS keeps FROM {stage.name} s"
        f" JOIN dag_run t ON {' AND '.join(f't.{column} = s.{column}' for column in key)}"
        for key in (stage.table.key, *stage.table.other_keys)
    )


def remove_replaced(work: Work, tables: Mapping[str, Table]) -> dict[str, int]:
    """Delete the target's finished runs that the backup replaces, children first; return rows per table."""
    gone = f"SELECT c.target FROM {_CLASH} c JOIN {_RUNS} m ON m.old = c.old"
    if not work.exists(gone):
        return {}
    work.run(
        "CREATE TEMPORARY TABLE mwaa_dr_gone ON COMMIT DROP AS"
        f" SELECT id, dag_id, run_id FROM dag_run WHERE id IN ({gone})"
    )
    work.run("ANALYZE mwaa_dr_gone")
    return {table.name: delete_of_runs(work, table, "mwaa_dr_gone") for table in tables.values()}


def delete_of_runs(work: Work, table: Table, runs: str) -> int:
    """Delete the rows of a table that belong to the runs listed in a temporary table (id, dag_id, run_id)."""
    parent = ""
    if table.name == "dag_run":
        same = "t.id = g.id"
    elif table.parent_key:
        parent = f", {ident(table.parent)} p"
        same = f"p.{ident(table.parent_key)} = t.{ident(table.run[0])} AND p.dag_id = g.dag_id AND p.run_id = g.run_id"
    elif table.run == ("dag_id", "run_id"):
        same = "t.dag_id = g.dag_id AND t.run_id = g.run_id"
    else:
        same = f"t.{ident(table.run[0])} = g.id"
    return work.run(f"DELETE FROM {ident(table.name)} t USING {runs} g{parent} WHERE {same}")


def merge_runs(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> Merged:
    """Insert the planned runs; those whose place an unfinished run of the target has are kept away."""
    raise_sequence(work, stage)
    renumber(work, stage)
    work.run(f"ANALYZE {_RUNS}")
    joins, instead = _joins(work, stage, stages)
    instead["id"] = "r.new"
    inserted = work.run(
        f"INSERT INTO dag_run ({target_columns(stage)}) SELECT {values(stage, 's', instead)}"
        f" FROM {stage.name} s JOIN {_RUNS} r ON r.old = s.id{joins}"
    )
    replaced = work.one(f"SELECT count(*) FROM {_RUNS} WHERE replaces")
    kept = work.one(f"SELECT count(DISTINCT old) FROM {_CLASH} WHERE keeps")
    return Merged(inserted=inserted - replaced, replaced=replaced, kept=kept)


def merge_children(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> Merged:
    """Insert the rows that belong to the inserted runs, pointing at their new keys."""
    table = stage.table
    if stage.in_place:
        left_out, replaced = settle_runs(work, stage, _RUNS, staged_runs=stages["dag_run"].rows)
        _point_anew(work, stage, stages)
        return Merged(inserted=stage.rows - left_out - replaced, replaced=replaced)
    joins, instead = _joins(work, stage, stages)
    parent = ""
    if table.parent_key:
        parent = f" JOIN {ident(table.parent)} p ON p.{ident(table.parent_key)} = s.{ident(table.run[0])}"
        of_run = "r.dag_id = p.dag_id AND r.run_id = p.run_id"
    elif table.run == ("dag_id", "run_id"):
        of_run = "r.dag_id = s.dag_id AND r.run_id = s.run_id"
    else:
        of_run = f"r.old = s.{ident(table.run[0])}"
        instead[table.run[0]] = "r.new"
    if table.run_surrogate:
        instead[table.run_surrogate] = "r.new"
    if table.surrogate:
        joins += _fresh_keys(work, stage)
        instead[table.surrogate] = f"COALESCE(k.new, s.{ident(table.surrogate)})"
    # An inner join on two columns is thought to leave few rows: those then come in the order of a hash, not of the
    # file, and each of them finds its places in the indexes of the target far from those of the one before.
    rows = f" FROM {stage.name} s{parent} LEFT JOIN {_RUNS} r ON {of_run}{joins} WHERE COALESCE(r.inserted, false)"
    inserted = work.run(
        f"INSERT INTO {ident(table.name)} ({target_columns(stage)}) SELECT {values(stage, 's', instead)}{rows}"
    )
    replaces = work.exists(f"SELECT 1 FROM {_RUNS} WHERE replaces")
    replaced = work.one(f"SELECT count(*){rows} AND r.replaces") if replaces else 0
    return Merged(inserted=inserted - replaced, replaced=replaced)


def _fresh_keys(work: Work, stage: Staged) -> str:
    """Map only the keys that are taken in the target: nothing else points at the rows of a child table."""
    raise_sequence(work, stage)
    mapped, key = key_map(stage.table.name), ident(stage.table.surrogate)
    work.run(
        f"CREATE TEMPORARY TABLE {mapped} ON COMMIT DROP AS SELECT s.{key}::bigint AS old,"
        f" s.{key}::bigint AS new, true AS inserted FROM {stage.name} s"
        f" JOIN {ident(stage.table.name)} t ON t.{key} = s.{key}"
    )
    renumber(work, stage)
    work.run(f"ANALYZE {mapped}")
    return f" LEFT JOIN {mapped} k ON k.old = s.{key}"


def _joins(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> tuple[str, dict[str, str]]:
    """The joins that resolve a row's references, and the value of each referring column that does not stay."""
    joins = ""
    instead: dict[str, str] = {}
    for number, reference in enumerate(stage.table.references):
        if not stage.has(reference.column) or reference.column in stage.table.fixed:
            continue
        if reference.table in stages and not stages[reference.table].table.surrogate:
            continue
        if reference.table not in stages:
            instead |= {} if reference.is_text else {reference.column: "NULL"}
            continue
        alias, column = f"f{number}", f"s.{ident(reference.column)}"
        old, new = f"{alias}.old", f"{alias}.new"
        if reference.is_text:
            joins += f" LEFT JOIN {key_map(reference.table)} {alias} ON {old}::text = {column}"
            instead[reference.column] = f"CASE WHEN {column} ~ '^[0-9]+$' THEN {new}::text ELSE {column} END"
        elif reference.missing is Missing.DROP:
            joins += f" JOIN {key_map(reference.table)} {alias} ON {old} = {column}"
            instead[reference.column] = new
        elif changed := _changed(work, stage, reference):
            joins += f" LEFT JOIN {changed} {alias} ON {old} = {column}"
            instead[reference.column] = f"CASE WHEN {old} IS NULL THEN {column} ELSE {new} END"
    return joins, instead


def _point_anew(work: Work, stage: Staged, stages: Mapping[str, Staged]) -> None:
    """Resolve the references of rows that lie in place, of which few change."""
    for reference in stage.table.references:
        column = ident(reference.column)
        if not stage.has(reference.column) or reference.column in stage.table.fixed:
            continue
        if reference.table not in stages:
            work.run(f"UPDATE {stage.name} SET {column} = NULL WHERE {column} IS NOT NULL")
        elif stages[reference.table].table.surrogate and (changed := _changed(work, stage, reference)):
            work.run(f"UPDATE {stage.name} s SET {column} = c.new FROM {changed} c WHERE c.old = s.{column}")


def _changed(work: Work, stage: Staged, reference: Reference) -> str:
    """The temporary table of the keys in a referring column that become others, or NULL; empty where all stay.

    They are few: to join every row with the map of all keys would write large tables to the server's disk and back.
    """
    name, column = ident(f"mwaa_dr_changed_{stage.table.name}_{reference.column}"), f"s.{ident(reference.column)}"
    changed = work.run(
        f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS SELECT DISTINCT {column} AS old, m.new FROM {stage.name} s"
        f" LEFT JOIN {key_map(reference.table)} m ON m.old = {column}"
        f" WHERE {column} IS NOT NULL AND m.new IS DISTINCT FROM {column}"
    )
    if changed:
        work.run(f"ANALYZE {name}")
    return name if changed else ""
