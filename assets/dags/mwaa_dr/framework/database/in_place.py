"""Tables that are filled in place: rows that stay as the backup has them need no temporary table on their way."""

from __future__ import annotations

from collections.abc import Sequence

from mwaa_dr.framework.database.names import ident
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.manifest import TableFile
from mwaa_dr.framework.model.table import Existing, Merge, Missing, Reference, Table


def stays(stage: Staged, files: Sequence[TableFile]) -> bool:
    """Whether the rows of the files go into the table as they are, but for few that are easily found there.

    A NULL that the table does not take any more is not looked for: it ends the fast way.
    """
    table = stage.table
    changes = (
        *(table.secrets, table.superseded, table.environment_bound, table.other_keys, table.filled),
        *(stage.added, stage.left, table.existing is not Existing.KEEP),
        *(file.dropped for file in files),
    )
    return not any(changes) and (_is_of_runs(table) or _is_numbered(table))


def _is_of_runs(table: Table) -> bool:
    """As task instances and XComs are; what they refer to, or forget, is another in few rows."""
    is_plain = all(map(_keeps_rows, table.references)) and {*table.fixed.values()} <= {"NULL"}
    return table.merge is Merge.RUN_CHILD and table.run == ("dag_id", "run_id") and not table.surrogate and is_plain


def _keeps_rows(reference: Reference) -> bool:
    return reference.missing is Missing.NULL and not (reference.is_text or reference.inserted_only)


def _is_numbered(table: Table) -> bool:
    """As the audit log is: rows without a natural key, which nothing points at."""
    is_plain = not (table.key or table.below_highest or table.is_uuid or table.references or table.fixed)
    return table.merge is Merge.MATCH and bool(table.surrogate) and is_plain


def set_own_aside(work: Work, stage: Staged) -> None:
    """Empty a table that is locked, for the rows of the backup; those of the target are few."""
    name = ident(stage.table.name)
    stage.in_place = True
    work.run(f"CREATE TEMPORARY TABLE {stage.target} ON COMMIT DROP AS SELECT * FROM {name}")
    work.run(f"DELETE FROM {name}")


def put_own_back(work: Work, stage: Staged) -> None:
    """Add the rows of the target again, as they were."""
    work.run(f"INSERT INTO {stage.name} SELECT * FROM {stage.target}")


def settle_keys(work: Work, stage: Staged, changed: str) -> int:
    """Take out the rows that the target has, and renumber those whose key it has; return how many were taken out.

    `changed` is the temporary table of both; empty: there are none.
    """
    if not changed:
        return 0
    name, key = stage.name, ident(stage.table.surrogate)
    taken_out = work.run(f"DELETE FROM {name} s USING {changed} m WHERE m.old = s.{key} AND NOT m.inserted")
    work.run(f"UPDATE {name} s SET {key} = m.new FROM {changed} m WHERE m.old = s.{key} AND m.inserted")
    return taken_out


def settle_runs(work: Work, stage: Staged, runs: str, *, staged_runs: int) -> tuple[int, int]:
    """Take out the rows of runs that are not restored, and point the others at the keys that their runs were given.

    `runs` is the map of those that are. Returns how many rows were taken out, and how many replace some of the target.
    """
    name, taken_out, replaced = stage.name, 0, 0
    of_run = "r.dag_id = s.dag_id AND r.run_id = s.run_id"
    if work.one(f"SELECT count(*) FROM {runs}") < staged_runs:
        taken_out = work.run(f"DELETE FROM {name} s WHERE NOT EXISTS (SELECT 1 FROM {runs} r WHERE {of_run})")
    if stage.table.run_surrogate:
        number = ident(stage.table.run_surrogate)
        work.run(f"UPDATE {name} s SET {number} = r.new FROM {runs} r WHERE r.new <> r.old AND {of_run}")
    if work.exists(f"SELECT 1 FROM {runs} WHERE replaces"):
        replaced = work.one(f"SELECT count(*) FROM {name} s JOIN {runs} r ON {of_run} WHERE r.replaces")
    return taken_out, replaced
