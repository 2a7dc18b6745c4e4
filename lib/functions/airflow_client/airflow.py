"""What the functions ask of an Airflow, however it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

ACTIVE_STATES = ("queued", "running")


@dataclass(frozen=True)
class Run:
    """A DAG run."""

    run_id: str
    state: str

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True, order=True)
class DagRun:
    """A run among those of all DAGs."""

    dag_id: str
    run_id: str


@dataclass(frozen=True)
class Changed:
    """What became of DAGs that were to be paused, or to be made active."""

    done: tuple[str, ...] = ()
    """Those that are now as they were asked to be."""
    missing: tuple[str, ...] = ()
    """Those that Airflow does not know."""
    left: tuple[str, ...] = ()
    """Those that there was no time for."""


class Airflow(Protocol):
    """One environment's Airflow.

    Every method raises AirflowRefused, AirflowUnavailable, NotReachable or Misconfigured, and NotReady where it needs
    a DAG that is not parsed yet.
    """

    def unready(self, dag_id: str) -> str:
        """Why the DAG cannot run yet, in words; empty: it can."""

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or make it active."""

    def runs(self, dag_id: str) -> list[Run]:
        """The newest runs of a DAG, those of the last week at least."""

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Ask for a run; nothing happens where one of that id is there, and nothing proves that it is there now."""

    def fail(self, dag_id: str, run_id: str) -> None:
        """End a run as failed, with its tasks."""

    def active_dags(self) -> list[str]:
        """The DAGs that are not paused."""

    def pause_all(self) -> list[str]:
        """Pause every DAG; return those that were active."""

    def set_each(self, dag_ids: Iterable[str], paused: bool, *, seconds: float) -> Changed:
        """Pause these DAGs, or make them active, as many as can be within the time."""

    def unfinished_runs(self) -> list[DagRun]:
        """The runs of all DAGs that have not ended."""

    def runs_since(self, moment: str) -> list[DagRun]:
        """The runs of all DAGs that have started since a moment (ISO 8601), whether they have ended or not."""

    def working_dags(self) -> set[str] | None:
        """The DAGs with a task at work, paused ones too; None: nobody can tell."""

    def set_variable(self, key: str, value: str) -> None:
        """Set an Airflow Variable."""

    def delete_variable(self, key: str) -> None:
        """Delete an Airflow Variable, where it is there."""
