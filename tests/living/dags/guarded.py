"""The real restore DAG under a guard: who uses Airflow's database while the engine has a transaction, fails loudly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import airflow
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.factory import tasks
from mwaa_dr.framework.factory.tasks import LogProgress
from mwaa_dr.framework.model.options import RestoreOptions
from mwaa_dr.versions import factory_for

window: list[str] = []
"""Not empty while the engine has its connection."""


def forbid(name: str) -> None:
    """Fail where the engine has a transaction open."""
    if window:
        raise RuntimeError(f"guard: {name} between BEGIN and COMMIT")


def guarded(owner: Any, name: str) -> None:
    """Put the guard before a function."""
    original = getattr(owner, name)

    def first_ask(*args: Any, **kwargs: Any) -> Any:
        forbid(f"{owner.__name__}.{name}")
        return original(*args, **kwargs)

    setattr(owner, name, first_ask)


connect = MetadataDb.connection


@contextmanager
def watched(self: MetadataDb) -> Iterator[Any]:
    """The engine's connection, and the window in which Airflow is not to be used."""
    with connect(self) as connection:
        window.append("open")
        try:
            yield connection
        finally:
            window.clear()


MetadataDb.connection = watched  # type: ignore[method-assign]
if airflow.__version__.startswith("2"):
    from airflow.models import Variable, XCom

    guarded(XCom, "set")
    guarded(XCom, "get_many")
else:
    from airflow.sdk import Variable
    from airflow.sdk.execution_time.comms import CommsDecoder

    guarded(CommsDecoder, "send")  # whatever a task asks of Airflow 3
guarded(Variable, "get")
guarded(Session, "__init__")
event.listen(Engine, "before_cursor_execute", lambda *_: forbid("a statement of Airflow"))

# However small the backup is: the fast way locks what this very task's row is in.
vars(tasks)["RestoreOptions"] = partial(RestoreOptions, exclusive_rows=0)

factory = factory_for(airflow.__version__)
watched_dag = factory("restore_guarded").create_restore_dag()
careless_dag = factory("restore_careless").create_restore_dag()

phase = LogProgress.phase


def careless_phase(self: LogProgress, text: str) -> None:
    """Be as careless as the guard must notice, in one of the DAGs."""
    phase(self, text)
    if text == "merge" and os.environ.get("AIRFLOW_CTX_DAG_ID") == careless_dag.dag_id:
        Variable.get("anything")


LogProgress.phase = careless_phase  # type: ignore[method-assign]
