"""Notice a backup that lost much of what the last one held: somebody emptied the database, perhaps by mistake."""

from __future__ import annotations

from mwaa_dr.framework.manifest import Manifest

CORE_TABLES = ("dag_run", "task_instance", "dag", "variable", "connection")


def shrunk_tables(before: Manifest | None, now: Manifest, percent: int) -> list[str]:
    """Name each core table that lost more than `percent` of the rows it had in the backup before; 100 never does."""
    if before is None:
        return []
    lines = []
    for name in CORE_TABLES:
        if not before.files_of(name) or not now.files_of(name):
            continue
        old, new = before.rows_of(name), now.rows_of(name)
        if new < old * (1 - percent / 100):
            lines.append(
                f"table '{name}' shrank from {old} to {new} rows since backup {before.backup_id}:"
                " this backup is kept, but it does not become the latest"
            )
    return lines
