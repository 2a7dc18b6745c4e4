"""The errors that a person can act on, each one clear line and a hint."""

from __future__ import annotations


class DrError(Exception):
    """Something failed in a way that the caller can mend; nothing was left half done."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHINT: {self.hint}" if self.hint else self.message


class SettingError(DrError):
    """A setting has a value that is not allowed."""


class StorageError(DrError):
    """The storage refused, failed or is not there."""


class MissingObjectError(StorageError):
    """An object that was asked for does not exist."""


class MissingBackupError(DrError):
    """There is no such backup."""


class DamagedBackupError(DrError):
    """A backup does not hold what its manifest says."""


class IncompatibleBackupError(DrError):
    """A backup's schema or format cannot be restored here."""


class SecretError(DrError):
    """A variable or connection cannot be decrypted or encrypted."""


class DatabaseError(DrError):
    """The metadata database cannot be reached, or refused a statement."""


class ApiError(DrError):
    """Airflow's REST API cannot be reached, or refused a call."""


class UnservedVersionError(DrError):
    """This Airflow version is not served."""


class TableError(DrError):
    """The chosen tables do not fit together, or not this database."""


class BusyError(DrError):
    """Another backup, restore or cleanup is at work on this database."""


class RunsInProgressError(DrError):
    """Cleanup was refused since other DAG runs are running."""
