"""What the package needs from a DAG run and from the Airflow around it, whatever the version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mwaa_dr.framework.errors import DrError
from mwaa_dr.framework.model.patience import Patience
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.settings import Variable

if TYPE_CHECKING:
    from mwaa_dr.framework.config_only.rest import Carrier
    from mwaa_dr.framework.config_only.values import TaskValues
    from mwaa_dr.framework.database.connection import MetadataDb
    from mwaa_dr.framework.model.settings import Settings

RESULT = "result"
FAILURE = "failure"
TOLD = "told"


class Factory(Protocol):
    """What a version's factory tells its DAGs."""

    dag_id: str
    path_prefix: str
    storage_type: str

    def chosen_tables(self) -> Tables:
        """The tables to work on; raise UnservedVersionError or TableError."""


@dataclass(frozen=True)
class Run:
    """A DAG run, seen from its task or from the callback after it."""

    dag_id: str
    run_id: str
    conf: object = field(repr=False)
    """dag_run.conf; it may hold a task token."""
    log_url: str = ""
    reason: str = ""
    """Why Airflow ended it: `success`, `task_failure`, `timed_out`, `all_tasks_deadlocked`."""
    pull: Callable[[str], object] = field(default=lambda _key: None, repr=False)
    """The XCom of that key that the task left."""
    push: Callable[[str, object], None] = field(default=lambda _key, _value: None, repr=False)
    """Leave an XCom."""


@dataclass(frozen=True)
class Installation:
    """The Airflow that runs the task, read before the engine starts."""

    airflow_version: str
    dags_folder: str
    patience: Patience
    fernet_keys: str = field(repr=False)
    variable: Variable = field(repr=False)
    metadata_db: Callable[[], MetadataDb] = field(repr=False)
    carrier: Callable[[Settings], Carrier] = field(repr=False)
    """The way to the REST API, for a run without the database."""
    values: Callable[[], TaskValues] = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """Why a run failed, in the words that its task left for the callback."""

    error: str
    """The class of the error."""
    line: str
    hint: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error; of one that is not ours only what cannot hold a row's values."""
        name = type(error).__name__
        if isinstance(error, DrError):
            return cls(name, error.message, error.hint)
        first = next(iter(str(error).splitlines()), "")
        return cls(name, f"unexpected {name}: {first[:300]}" if first else f"unexpected {name}")

    def __str__(self) -> str:
        return f"{self.line}\nHINT: {self.hint}" if self.hint else self.line
