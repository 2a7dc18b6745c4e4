"""Airflow by MWAA's InvokeRestApi: 3.x for everything, 2.x for what its commands cannot.

https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from lib.functions.airflow_client import web_server
from lib.functions.airflow_client.airflow import ACTIVE_STATES, Changed, DagRun, Run
from lib.functions.airflow_client.each import each
from lib.functions.airflow_client.reach import reaching
from lib.functions.aws import client, error_code
from lib.functions.errors import AirflowRefused, AirflowUnavailable, Misconfigured, NotReady

LONGEST_PATH = 64
"""https://docs.aws.amazon.com/mwaa/latest/API/API_InvokeRestApi.html; no SDK checks it."""
READ_SECONDS = 15
"""InvokeRestApi itself ends after 10."""
PAGE = 100
"""The most that Airflow 3 gives at once."""
SHOWN = 300
AT_WORK = ("queued", "running", "deferred", "restarting")
"""States in which somebody but the scheduler has a task in hand, so that pausing its DAG does not halt it."""


@dataclass(frozen=True)
class Answer:
    """What Airflow answered, below 500."""

    status: int
    body: Any

    @property
    def detail(self) -> str:
        """What it says about a refusal."""
        detail = self.body.get("detail") or self.body.get("title") if isinstance(self.body, Mapping) else self.body
        return f"{self.status} {' '.join(str(detail).split())}"[:SHOWN]


class AirflowByRest:
    """The Airflow of an environment; `api` is the version of its REST API, 1 in Airflow 2."""

    def __init__(self, name: str, region: str, *, api: int = 2) -> None:
        self._name, self._region, self._api = name, region, api

    def unready(self, dag_id: str) -> str:
        """Why the DAG cannot run yet."""
        answer = self._call("GET", f"/dags/{quote(dag_id)}", allowed=(404,))
        if answer.status == 404:
            return f"DAG {dag_id} is not parsed yet"
        if answer.body.get("has_import_errors"):
            return f"the file of DAG {dag_id} cannot be imported"
        is_gone = answer.body.get("is_stale") or answer.body.get("is_active") is False
        return f"the file of DAG {dag_id} is gone, or not parsed again yet" if is_gone else ""

    def set_paused(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or make it active."""
        if not self._changed(dag_id, paused):
            raise NotReady(f"DAG {dag_id} is not parsed yet")

    def set_each(self, dag_ids: Iterable[str], paused: bool, *, seconds: float) -> Changed:
        """Pause these DAGs, or make them active."""
        return each(dag_ids, lambda dag_id: self._changed(dag_id, paused), seconds)

    def unfinished_runs(self) -> list[DagRun]:
        """The runs of all DAGs that have not ended."""
        return [run for state in ACTIVE_STATES for run in self._runs_of_all({"state": state})]

    def runs_since(self, moment: str) -> list[DagRun]:
        """The runs of all DAGs that have started since; in Airflow 3 also those that have not started yet."""
        # Without a plus sign, which is a space where a query is not encoded.
        since = datetime.fromisoformat(moment).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        rows = self._pages("/dags/~/dagRuns", "dag_runs", {"start_date_gte": since})
        # Airflow 3 tells of every run without a start, also of one that was ended while it was queued.
        started = [row for row in rows if row["start_date"] or row["state"] in ACTIVE_STATES]
        return [DagRun(row["dag_id"], row["dag_run_id"]) for row in started]

    def working_dags(self) -> set[str]:
        """The DAGs with a task at work."""
        path = "/dags/~/dagRuns/~/taskInstances"
        return {row["dag_id"] for state in AT_WORK for row in self._pages(path, "task_instances", {"state": state})}

    def runs(self, dag_id: str) -> list[Run]:
        """The newest runs, and all that have not ended."""
        path = f"/dags/{quote(dag_id)}/dagRuns"
        newest = self._call("GET", path, query={"limit": PAGE, "order_by": "-id"}, allowed=(404,))
        if newest.status == 404:
            raise NotReady(f"DAG {dag_id} is not parsed yet")
        found = [*newest.body["dag_runs"]]
        if newest.body["total_entries"] > len(found):
            for state in ACTIVE_STATES:
                found += self._pages(path, "dag_runs", {"state": state})
        return [*dict.fromkeys(Run(row["dag_run_id"], row["state"]) for row in found)]

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        """Ask for a run; 409: it is there."""
        # Airflow 3 wants the key, and runs without a date behave differently there: no `ds`, no `ts`.
        body = {"dag_run_id": run_id, "logical_date": datetime.now(timezone.utc).isoformat(), "conf": dict(conf)}
        answer = self._call("POST", f"/dags/{quote(dag_id)}/dagRuns", body, allowed=(404, 409))
        if answer.status == 404:
            raise NotReady(f"DAG {dag_id} is not parsed yet")

    def fail(self, dag_id: str, run_id: str) -> None:
        """End a run as failed; one that is gone needs no end."""
        path = f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe=':+@')}"
        self._call("PATCH", path, {"state": "failed"}, allowed=(404,))

    def active_dags(self) -> list[str]:
        """The DAGs that are not paused, also those whose file is gone for now."""
        return [row["dag_id"] for row in self._pages("/dags", "dags", self._all_dags) if not row["is_paused"]]

    def pause_all(self) -> list[str]:
        """Pause every DAG; return those that were active."""
        active = self.active_dags()
        pages = self._pages("/dags", "dags", {**self._all_dags, "dag_id_pattern": "~"}, {"is_paused": True})
        for _ in pages if active else ():
            pass
        if left := self.active_dags():
            raise AirflowUnavailable(f"still active after all DAGs were paused: {', '.join(left)[:SHOWN]}")
        return active

    def set_variable(self, key: str, value: str) -> None:
        """Set an Airflow Variable."""
        body = {"key": key, "value": value}
        answer = self._call("PATCH", f"/variables/{quote(key)}", body, allowed=(404,))
        if answer.status == 404:
            self._call("POST", "/variables", body)

    def delete_variable(self, key: str) -> None:
        """Delete an Airflow Variable, where it is there."""
        self._call("DELETE", f"/variables/{quote(key)}", allowed=(404,))

    def _runs_of_all(self, query: Mapping[str, Any]) -> list[DagRun]:
        rows = self._pages("/dags/~/dagRuns", "dag_runs", query)
        return [DagRun(row["dag_id"], row["dag_run_id"]) for row in rows]

    def _changed(self, dag_id: str, paused: bool) -> bool:
        """Pause a DAG, or make it active; False: it is not there."""
        path = f"/dags/{quote(dag_id)}"
        if len(path) > LONGEST_PATH:
            return self._long_changed(dag_id, paused)
        return self._call("PATCH", path, {"is_paused": paused}, allowed=(404,)).status != 404

    def _long_changed(self, dag_id: str, paused: bool) -> bool:
        """The same by a pattern; it means every DAG that has this text in its id, so these must be so already."""
        query = {**self._all_dags, "dag_id_pattern": dag_id}
        found = self._matching(query)
        if found.get(dag_id, paused) is paused:
            return dag_id in found
        if all(found[other] is paused for other in found.keys() - {dag_id}):
            for _ in self._pages("/dags", "dags", query, {"is_paused": paused}):
                pass
        else:
            command = shlex.join(["dags", "pause" if paused else "unpause", dag_id])
            web_server.run(self._name, self._region, command)
        if self._matching(query).get(dag_id) is not paused:
            raise AirflowUnavailable(f"DAG {dag_id} was {'paused' if paused else 'unpaused'}, and is not")
        return True

    def _matching(self, query: Mapping[str, Any]) -> dict[str, bool]:
        """The DAGs that a query finds, and whether they are paused."""
        return {row["dag_id"]: row["is_paused"] for row in self._pages("/dags", "dags", query)}

    @property
    def _all_dags(self) -> dict[str, Any]:
        return {"only_active": False} if self._api == 1 else {"exclude_stale": False}

    def _pages(
        self, path: str, key: str, query: Mapping[str, Any], body: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every row of a collection; by the rows that came, since Airflow gives less than is asked for."""
        offset, total = 0, 1
        while offset < total:
            asked = {**query, "limit": PAGE, "offset": offset}
            answer = self._call("PATCH" if body else "GET", path, body, query=asked).body
            yield from answer[key]
            if not answer[key]:
                return
            offset, total = offset + len(answer[key]), answer["total_entries"]

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> Answer:
        what = f"{method} {path} of {self._name} in {self._region}"
        if len(path) > LONGEST_PATH:
            raise AirflowRefused(
                f"cannot {what}: the path has {len(path)} of {LONGEST_PATH} characters. HINT: Do it in the Airflow UI."
            )
        more = {"Body": body} if body else {}
        more |= {"QueryParameters": query} if query else {}
        with reaching(what, "airflow:InvokeRestApi on role/<environment>/<Airflow role>"):
            try:
                mwaa = client("mwaa", self._region, read=READ_SECONDS)
                answer = mwaa.invoke_rest_api(Name=self._name, Method=method, Path=path, **more)
            except ClientError as error:
                if error_code(error) not in ("RestApiClientException", "RestApiServerException"):
                    raise
                answer = error.response
        return _checked(Answer(answer.get("RestApiStatusCode", 500), answer.get("RestApiResponse")), what, allowed)


def _checked(answer: Answer, what: str, allowed: tuple[int, ...]) -> Answer:
    if answer.status < 400 or answer.status in allowed:
        return answer
    text = f"cannot {what}: Airflow answers {answer.detail}"
    if answer.status in (401, 403):
        raise Misconfigured(f"{text}. HINT: The Airflow role in the resource of airflow:InvokeRestApi may not do that.")
    if answer.status in (408, 429) or answer.status >= 500:
        raise AirflowUnavailable(text)
    raise AirflowRefused(text)
