"""Secrets of one environment made readable, so that two environments with different keys can be compared."""

from __future__ import annotations

from cryptography.fernet import Fernet

from drill.snapshot import Row, Rows

ENCRYPTED = {
    "variable": {"val": "is_encrypted"},
    "connection": {"password": "is_encrypted", "extra": "is_extra_encrypted"},
}
"""Table -> column -> the column that says whether it is encrypted."""


def decrypted(rows: Rows, key: str) -> Rows:
    """The rows with every secret in clear; raises InvalidToken for one that this key did not write."""
    fernet = Fernet(key)
    return {
        **rows,
        **{table: [_opened(row, columns, fernet) for row in rows[table]] for table, columns in ENCRYPTED.items()},
    }


def _opened(row: Row, columns: dict[str, str], fernet: Fernet) -> Row:
    opened = dict(row)
    for column, flag in columns.items():
        value = row[column]
        if value and row[flag] == "true":
            opened[column] = fernet.decrypt(value.encode()).decode()
    return opened
