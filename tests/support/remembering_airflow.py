"""An Airflow that remembers, for what is asked of any Airflow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lib.functions.airflow_client import Changed, DagRun, Run
from lib.functions.errors import NotReady


class RememberingAirflow:
    """Has DAGs, runs and Variables, and tells in which order it was asked to change them."""

    def __init__(self, paused: Mapping[str, bool] | None = None) -> None:
        self.paused = dict(paused if paused is not None else {"restore_metadata": True})
        self.variables: dict[str, str] = {}
        self.confs: dict[str, Mapping[str, Any]] = {}
        self.states: dict[str, str] = {}
        """Run -> its state; all are runs of the same DAG."""
        self.changes: list[str] = []
        self.loses_runs = False
        """A trigger is accepted and leads to nothing."""
        self.unfinished: set[DagRun] = set()
        self.started: dict[DagRun, str] = {}
        """Run -> when it started, ended or not; times compare as texts."""
        self.working: set[str] | None = set()
        self.capacity = 10_000
        """How many DAGs are changed before the time is over."""
        self.when_changed: Callable[[str, bool], object] = lambda dag_id, paused: None
        """What else happens at the moment before a DAG is paused, or made active."""

    def unready(self, dag_id: str) -> str:
        return "" if dag_id in self.paused else f"DAG {dag_id} is not parsed yet"

    def set_paused(self, dag_id: str, paused: bool) -> None:
        if why := self.unready(dag_id):
            raise NotReady(why)
        self.changes.append(f"{'pause' if paused else 'unpause'} {dag_id}")
        self.paused[dag_id] = paused

    def runs(self, dag_id: str) -> list[Run]:
        if why := self.unready(dag_id):
            raise NotReady(why)
        return [Run(run_id, state) for run_id, state in self.states.items()]

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        self.changes.append(f"trigger {run_id}")
        self.confs.setdefault(run_id, conf)
        if not self.loses_runs:
            self.states.setdefault(run_id, "queued")

    def fail(self, dag_id: str, run_id: str) -> None:
        self.changes.append(f"fail {run_id}")
        self.states[run_id] = "failed"

    def active_dags(self) -> list[str]:
        return [dag_id for dag_id, paused in self.paused.items() if not paused]

    def pause_all(self) -> list[str]:
        active = self.active_dags()
        self.changes.append("pause all")
        self.paused = dict.fromkeys(self.paused, True)
        return active

    def set_each(self, dag_ids: Iterable[str], paused: bool, *, seconds: float) -> Changed:
        asked = list(dag_ids)
        now, left = asked[: self.capacity], asked[self.capacity :]
        known = [dag_id for dag_id in now if dag_id in self.paused]
        for dag_id in known:
            self.when_changed(dag_id, paused)
            self.set_paused(dag_id, paused)
        return Changed(tuple(known), tuple(d for d in now if d not in known), tuple(left))

    def unfinished_runs(self) -> list[DagRun]:
        return sorted(self.unfinished)

    def runs_since(self, moment: str) -> list[DagRun]:
        return [run for run, started in self.started.items() if started >= moment]

    def working_dags(self) -> set[str] | None:
        return self.working

    def set_variable(self, key: str, value: str) -> None:
        self.changes.append(f"set {key}")
        self.variables[key] = value

    def delete_variable(self, key: str) -> None:
        self.changes.append(f"delete {key}")
        self.variables.pop(key, None)
