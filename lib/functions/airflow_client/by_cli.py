"""Airflow 2 by its commands; what no command does, and what a command does badly, by its REST API."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from lib.functions.airflow_client import web_server
from lib.functions.airflow_client.airflow import ACTIVE_STATES, Changed, DagRun, Run
from lib.functions.airflow_client.by_rest import AirflowByRest
from lib.functions.airflow_client.each import each
from lib.functions.airflow_client.web_server import Printed
from lib.functions.errors import AirflowRefused, AirflowUnavailable, Misconfigured, NotReady
from lib.functions.log import logger

UNKNOWN_DAG = "does not exist in 'dag' table"
BEFORE = timedelta(days=7)
"""Runs that began before are not asked for: hourly backups of years would not fit into an answer."""
FEW = 20
"""DAGs whose runs can be listed one after the other within minutes: a command starts a whole Airflow."""

_log = logger(__name__)


class AirflowByCli:
    """The Airflow 2 of an environment."""

    def __init__(self, name: str, region: str) -> None:
        self._name, self._region = name, region
        self._rest = AirflowByRest(name, region, api=1)

    def unready(self, dag_id: str) -> str:
        """Why the DAG cannot run yet; REST tells it at once, and also of a file that is broken or gone."""
        with _instead("the DAG is looked for by the CLI"):
            return self._rest.unready(dag_id)
        return _unparsed(dag_id) if self._list_runs(dag_id).says(UNKNOWN_DAG) else ""

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or make it active."""
        printed = self._run("dags", "pause" if paused else "unpause", dag_id)
        if printed.says(UNKNOWN_DAG):
            raise NotReady(_unparsed(dag_id))
        # Until 2.9 a line says so, from 2.10 on a table, or that there was nothing to do, even if there is no such DAG.
        if printed.says(f"Dag: {dag_id}, paused: {paused}") or _table_has(printed.stdout, dag_id):
            return
        if not printed.says("paused DAGs were found"):
            raise self._refused(printed, "pause" if paused else "unpause", dag_id)
        if why := self.unready(dag_id):
            raise NotReady(why)

    def runs(self, dag_id: str) -> list[Run]:
        """The runs of the last week."""
        printed = self._list_runs(dag_id)
        if printed.says(UNKNOWN_DAG):
            raise NotReady(_unparsed(dag_id))
        found = rows(printed.stdout)
        if found is None:
            raise self._refused(printed, "list the runs of", dag_id)
        return [Run(str(row["run_id"]), str(row["state"]).lower()) for row in found]

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Ask for a run by REST, whose audit log masks what is called a token; by a command where there is no REST."""
        try:
            self._rest.trigger(dag_id, run_id, conf)
        except (AirflowRefused, Misconfigured) as error:
            # Without its words, which may quote the conf.
            told = {"dag": dag_id, "run": run_id, "error": type(error).__name__}
            _log.warning("the DAG is triggered by the CLI, whose audit log keeps the conf", extra=told)
            self._trigger_by_command(dag_id, run_id, conf)

    def fail(self, dag_id: str, run_id: str) -> None:
        """End a run as failed; no command does that."""
        self._rest.fail(dag_id, run_id)

    def active_dags(self) -> list[str]:
        """The DAGs that are not paused."""
        # `dags list` parses every file again, on the web server, and tells only what could be imported there.
        with _instead("the DAGs are listed by the CLI"):
            return self._rest.active_dags()
        return self._listed_active()

    def pause_all(self) -> list[str]:
        """Pause every DAG; return those that were active."""
        with _instead("the DAGs are paused by the CLI"):
            return self._rest.pause_all()
        active = self._listed_active()
        for dag_id in active:
            self.set_paused(dag_id, True)
        return active

    def set_each(self, dag_ids: Iterable[str], paused: bool, *, seconds: float) -> Changed:
        """Pause these DAGs, or make them active."""
        asked = list(dag_ids)
        with _instead("the DAGs are changed by the CLI"):
            return self._rest.set_each(asked, paused, seconds=seconds)
        return each(asked, lambda dag_id: self._changed(dag_id, paused), seconds)

    def unfinished_runs(self) -> list[DagRun]:
        """The runs of all DAGs that have not ended."""
        with _instead("the runs are listed by the CLI"):
            return self._rest.unfinished_runs()
        rows = [row for state in ACTIVE_STATES for row in self._runs_of_all("--state", state)]
        return [DagRun(row["dag_id"], row["run_id"]) for row in rows]

    def runs_since(self, moment: str) -> list[DagRun]:
        """The runs of all DAGs that have started since."""
        with _instead("the runs are listed by the CLI"):
            return self._rest.runs_since(moment)
        since = datetime.fromisoformat(moment)
        # `--start-date` means the logical date, which may lie a month before the run starts.
        found = (row for row in self._runs_of_all() if row["start_date"])
        return [DagRun(r["dag_id"], r["run_id"]) for r in found if datetime.fromisoformat(r["start_date"]) >= since]

    def working_dags(self) -> set[str] | None:
        """The DAGs with a task at work; no command lists them."""
        with _instead("nobody tells which tasks are at work"):
            return self._rest.working_dags()
        return None

    def set_variable(self, key: str, value: str) -> None:
        """Set an Airflow Variable."""
        printed = self._run("variables", "set", key, value)
        if not printed.says(f"Variable {key} created"):
            raise self._refused(printed, "set Variable", key)

    def delete_variable(self, key: str) -> None:
        """Delete an Airflow Variable; the command says the same where there is none."""
        printed = self._run("variables", "delete", key)
        if not printed.says(f"Variable {key} deleted"):
            raise self._refused(printed, "delete Variable", key)

    def _changed(self, dag_id: str, paused: bool) -> bool:
        """Pause a DAG, or make it active; False: it is not there."""
        try:
            self.set_paused(dag_id, paused)
        except NotReady:
            return False
        return True

    def _trigger_by_command(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """What it prints, which has the conf, is kept to ourselves."""
        printed = self._run("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(dict(conf)))
        if printed.says("DagNotFound"):
            raise NotReady(_unparsed(dag_id))
        if printed.says("Traceback (most recent call last)"):
            error = printed.complaint.partition(":")[0]
            _log.warning("no run was made", extra={"dag": dag_id, "run": run_id, "error": error})

    def _list_runs(self, dag_id: str) -> Printed:
        since = (datetime.now(timezone.utc) - BEFORE).strftime("%Y-%m-%dT%H:%M:%S")
        return self._run("dags", "list-runs", "--dag-id", dag_id, "--start-date", since, "--output", "json")

    def _runs_of_all(self, *options: str) -> Iterator[dict[str, Any]]:
        """The runs of every DAG, one command each."""
        known = [dag_id for dag_id, paused in self._listed().items() if paused != "None"]
        if len(known) > FEW:
            raise AirflowRefused(
                f"{self._name} has {len(known)} DAGs, too many to list the runs of each by a command."
                " HINT: Update the environment to use InvokeRestApi, and allow it."
            )
        for dag_id in known:
            printed = self._run("dags", "list-runs", "--dag-id", dag_id, *options, "--output", "json")
            found = rows(printed.stdout)
            if found is None:
                raise self._refused(printed, "list the runs of", dag_id)
            yield from found

    def _listed_active(self) -> list[str]:
        return [dag_id for dag_id, paused in self._listed().items() if paused == "False"]

    def _listed(self) -> dict[str, str]:
        """The DAGs, and what is said of their pause; "None": a file that the scheduler has not parsed."""
        printed = self._run("dags", "list", "--output", "json")
        found = rows(printed.stdout)
        if found is None:
            raise self._refused(printed, "list the DAGs of", self._name)
        return {str(row["dag_id"]): str(row.get("is_paused", row.get("paused"))) for row in found}

    def _run(self, *words: str) -> Printed:
        return web_server.run(self._name, self._region, shlex.join(words))

    def _refused(self, printed: Printed, verb: str, what: str) -> Exception:
        text = f"Airflow of {self._name} did not {verb} {what}: {printed.complaint}"
        is_passing = printed.says("OperationalError") or not (printed.stdout + printed.stderr).strip()
        return AirflowUnavailable(text) if is_passing else AirflowRefused(text)


@contextmanager
def _instead(what: str) -> Iterator[None]:
    """Go on after the block where the REST API refuses: not every environment has it, not every role may use it."""
    try:
        yield
    except (AirflowRefused, Misconfigured) as error:
        _log.warning(what, extra={"why": str(error)})


def rows(text: str) -> list[dict[str, Any]] | None:
    """The JSON array that a command printed, whatever it printed before or after; None: there is none.

    >>> rows('[2026-01-01] INFO - filling\\n[{"dag_id": "a"}]\\n')
    [{'dag_id': 'a'}]
    """
    decoder = json.JSONDecoder()
    for start in re.finditer(r"^\[", text, re.MULTILINE):
        try:
            found, _ = decoder.raw_decode(text, start.start())
        except ValueError:
            continue
        if all(isinstance(row, dict) for row in found):
            return list(found)
    return None


def _table_has(text: str, dag_id: str) -> bool:
    """Whether a DAG has a row: the table has those that were changed, and only them."""
    return dag_id in {line.partition("|")[0].strip() for line in text.splitlines() if "|" in line}


def _unparsed(dag_id: str) -> str:
    return f"DAG {dag_id} is not parsed yet"
