"""Rows that nothing in a living table can be alike, nor has the key of: they need no temporary table on their way.

Most of an audit log is of another time than the target's, and numbered above it. COPY writes many rows of a page at
once, INSERT each by itself, and nothing is written twice.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from mwaa_dr.framework.database.catalog import sequence_of
from mwaa_dr.framework.database.connection import first_line
from mwaa_dr.framework.database.in_place import is_numbered, stays
from mwaa_dr.framework.database.keys import lift
from mwaa_dr.framework.database.names import ident, text_literal
from mwaa_dr.framework.database.staging import Staged, chooses_rows, finish_stage, make_stage, other_rows
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.table_reader import TableReader

logger = logging.getLogger(__name__)

GAPS = 2
"""A file's keys are supposed to span so many times as many as it has rows; what lies above is staged."""
HIGHEST = 2**31 - 1
"""The highest key of an `integer`."""


def load_straight(work: Work, reader: TableReader, stage: Staged) -> bool:
    """Write such rows, and stage the others; return False, with nothing written, where a table has none.

    So it is, too, where a process of the living Airflow takes one of the keys meanwhile.
    """
    from psycopg2 import errors

    files = reader.manifest.files_of(stage.table.name)
    is_plain = is_numbered(stage.table) and stays(stage, files) and not any(file.encrypted for file in files)
    if not (is_plain and stage.table.within and chooses_rows(work.cursor)):
        return False
    work.run("SAVEPOINT straight")
    try:
        is_loaded = _load(work, reader, stage)
    except (errors.UniqueViolation, errors.LockNotAvailable, errors.DeadlockDetected) as err:
        logger.info("the rows of %s are staged: %s", stage.table.name, first_line(err))
        is_loaded = False
    if not is_loaded:
        work.cursor.execute("ROLLBACK TO SAVEPOINT straight")
        stage.straight, stage.straight_keys = 0, (0, 0)
    return is_loaded


def _load(work: Work, reader: TableReader, stage: Staged) -> bool:
    keys = _free_keys(work, reader, stage)
    if keys is None:
        return False
    which = _which(work, stage, keys)
    files = reader.manifest.files_of(stage.table.name)
    make_stage(work.cursor, stage)
    living, rest = replace(stage, in_place=True), replace(stage)
    for file in files:
        reader.load(work.cursor, living, [file], which=which)
        rest.rows = 0
        if living.rows < file.rows:
            reader.load(work.cursor, rest, [file], which=f"NOT COALESCE({which}, false)")
        if living.rows + rest.rows != file.rows:
            raise other_rows(file.file, living.rows + rest.rows, file.rows)
        stage.straight += living.rows
    stage.rows, stage.straight_keys = reader.manifest.rows_of(stage.table.name), keys
    finish_stage(work.cursor, stage)
    return True


def _free_keys(work: Work, reader: TableReader, stage: Staged) -> tuple[int, int] | None:
    """Keys above the first, up to the second: the target has none of them, and will take none."""
    key = stage.table.surrogate
    sequence = sequence_of(work.cursor, stage.table.name, key)
    if sequence is None:
        return None
    firsts = [(reader.first_row(file).get(key) or "", file.rows) for file in reader.manifest.files_of(stage.table.name)]
    until = max((int(first) + GAPS * rows for first, rows in firsts if first.isdecimal()), default=0)
    above = work.one(
        f"SELECT GREATEST((SELECT max({ident(key)}) FROM {ident(stage.table.name)}), last_value) FROM {sequence}"
    )
    if until <= above:
        return None
    lift(work, sequence, min(until, HIGHEST))
    return above, min(until, HIGHEST)


def _which(work: Work, stage: Staged, keys: tuple[int, int]) -> str:
    """The condition of the rows that are written straight."""
    key, moment = ident(stage.table.surrogate), ident(stage.table.within)
    ((first, last),) = work.rows(f"SELECT min({moment})::text, max({moment})::text FROM {ident(stage.table.name)}")
    free = f"{key} > {keys[0]} AND {key} <= {keys[1]}"
    if first is None:
        return f"({free})"
    return f"({free} AND ({moment} < {text_literal(str(first))} OR {moment} > {text_literal(str(last))}))"
