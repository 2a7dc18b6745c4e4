"""The table of settings for people: in the documentation, and in the DAGs' own description."""

from __future__ import annotations

from enum import Enum

from mwaa_dr.framework.model.setting import Operation, Setting
from mwaa_dr.framework.model.settings import table


def settings_table(operation: Operation | None = None) -> str:
    """The settings of one operation, or of all, as a Markdown table."""
    columns = ["dag_run.conf", "Airflow Variable", "Allowed", "Default", "Meaning"]
    if operation is None:
        columns.insert(2, "Used by")
    rows = [_cells(row, operation is None) for row in table() if operation is None or operation in row.used_by]
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: Setting, all_operations: bool) -> list[str]:
    variable = _code(row.variable) or ", ".join(_code(name) for name in row.environ)
    if row.variable and row.environ:
        variable += f" (or {', '.join(_code(name) for name in row.environ)})"
    elif row.environ:
        variable = f"environment: {variable}"
    used_by = [operation.value for operation in Operation if operation in row.used_by]
    cells = [_code(row.conf), variable, row.kind.allowed, _default(row), row.meaning]
    if all_operations:
        cells.insert(2, ", ".join(used_by))
    return cells


def _default(row: Setting) -> str:
    if row.default_in_words:
        return row.default_in_words
    value = row.default.value if isinstance(row.default, Enum) else row.default
    return _code(str(value).lower() if isinstance(value, bool) else str(value))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
