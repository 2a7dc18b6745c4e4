"""Surrogate keys: kept where free, renumbered with everything that points at them where not."""

from __future__ import annotations

from mwaa_dr.framework.database.catalog import sequence_of
from mwaa_dr.framework.database.names import ident, key_map, text_literal
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work

FEW = 10_000
"""`setval` could set a sequence back to keys that others took since we looked: it is for leaps that nobody makes."""


def raise_sequence(work: Work, stage: Staged) -> None:
    """Lift a table's sequence above every key that the restore will write, before it writes one.

    A process of the living Airflow that took one of our keys meanwhile would wait for our commit and then fail.
    Sequences know no transaction: after a restore that was given up they stay high, which costs nothing.
    """
    column = stage.table.surrogate
    if not column or stage.table.is_uuid or work.dry_run:
        return
    sequence = sequence_of(work.cursor, stage.table.name, column)
    if sequence is None:
        return
    highest, name = _highest(work, stage), text_literal(sequence)
    missing = highest - work.one(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
    if missing > FEW:
        work.run(f"SELECT setval({name}, {highest}) FROM {sequence} WHERE last_value < {highest}")
    elif missing > 0:
        work.run(f"SELECT count(nextval({name})) FROM generate_series(1, {missing})")


def _highest(work: Work, stage: Staged) -> int:
    column = ident(stage.table.surrogate)
    return work.one(
        f"SELECT GREATEST((SELECT max({column}) FROM {stage.name}), (SELECT max({column}) FROM {stage.target}), 1)"
    )


def next_key(work: Work, stage: Staged) -> str:
    """The SQL of a fresh key for each row of a query; a dry run does not touch the sequence."""
    if stage.table.is_uuid:
        return "gen_random_uuid()"
    sequence = sequence_of(work.cursor, stage.table.name, stage.table.surrogate)
    if sequence and not work.dry_run:
        return f"nextval({text_literal(sequence)})"
    return f"({_highest(work, stage)} + row_number() OVER ())"


def renumber(work: Work, stage: Staged) -> int:
    """Give each row of the map that is to be inserted a key of its own where its old one is taken, in their order."""
    mapped, column = key_map(stage.table.name), ident(stage.table.surrogate)
    taken = f"SELECT m.old FROM {mapped} m JOIN {stage.target} t ON t.{column} = m.old WHERE m.inserted"
    if not work.exists(taken):
        return 0
    return work.run(
        f"UPDATE {mapped} m SET new = c.fresh"
        f" FROM (SELECT taken.old, {next_key(work, stage)} AS fresh FROM ({taken} ORDER BY m.old) taken) c"
        " WHERE m.old = c.old"
    )


def renumber_below(work: Work, stage: Staged) -> None:
    """Give rows to be inserted keys below the target's highest, since Airflow takes the highest as current."""
    mapped, table = key_map(stage.table.name), ident(stage.table.name)
    column = ident(stage.table.surrogate)
    highest = work.one(f"SELECT max({column}) FROM {table}")
    taken = {int(str(row[0])) for row in work.rows(f"SELECT {column} FROM {table}")}
    wanted = [int(str(r[0])) for r in work.rows(f"SELECT old FROM {mapped} WHERE inserted ORDER BY old DESC")]
    if not taken:
        return
    candidate = highest - 1
    for old in wanted:
        new = old if old < highest and old not in taken else None
        while new is None:
            if candidate not in taken and candidate not in wanted:
                new = candidate
            candidate -= 1
        taken.add(new)
        work.run(f"UPDATE {mapped} SET new = {new} WHERE old = {old}")
