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
        old, new = before.file_of(name), now.file_of(name)
        if old and new and new.rows < old.rows * (1 - percent / 100):
            lines.append(
                f"table '{name}' shrank from {old.rows} to {new.rows} rows since backup {before.backup_id}:"
                " this backup is kept, but it does not become the latest"
            )
    return lines
