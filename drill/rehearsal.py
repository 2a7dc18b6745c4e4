"""The rehearsal itself: live, back up, lose everything, restore elsewhere, compare, go on."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from drill import rules, seed
from drill.account import Account
from drill.airflow import Airflow, on_mwaa
from drill.compare import Difference, compare
from drill.fernet import decrypted
from drill.postgres import Postgres
from drill.snapshot import Rows, read, resolve, sequences_behind
from drill.variants import OLDER, Variant, live_in_airflow_2
from drill.venvs import PROJECT, DrillError, chosen_lock, provision

PACKAGE = PROJECT / "assets" / "dags" / "mwaa_dr"
DAGS = Path(__file__).parent / "dags"
RUN_SECONDS = 240.0
LATE_RUN = "drill~after+1"
CHANGED_RUN = "drill~changed+1"

BY_HAND = {
    "drill_mapped": "success",
    "drill_failing": "failed",
    "drill_xcoms": "success",
    "drill_deferrable": "success",
    "drill_pooled": "success",
    "drill_rescheduled": "success",
    "drill_producer": "success",
    "drill_interrupted": "running",
    "drill_waiting": "running",
    "drill_resting": "success",
    "drill_late": "success",
}
"""DAG -> the state that its run has when the primary is quiet."""

BY_SCHEDULER = {"drill_consumer": 1, "drill_yearly": 3}
"""DAG -> the number of runs that the scheduler makes of it by itself, all successful."""
AT_ONCE_IN_3 = {"drill_yearly": 1}
"""DAG -> the runs beyond these in Airflow 3, whose cron means a moment, not the end of an interval; what Airflow 2 ran
up to the end of an interval counts as run at that moment."""

AT_WORK = {("drill_interrupted", "sleep", "running"), ("drill_waiting", "deferred_for_long", "deferred")}
"""What the disaster interrupts."""

ELSEWHERE = ("drill_elsewhere", "drill_xcoms")
"""What has run in the second environment already, the latter under the name of a run of the primary."""


class Rehearsal:
    """One Airflow version, two environments, each with a database server of its own."""

    def __init__(self, variant: Variant, folder: Path, stack: ExitStack) -> None:
        self.account = Account(airflow=variant.name)
        self._variant = variant
        self._folder = folder
        self._stack = stack
        self._keys = {name: base64.urlsafe_b64encode(os.urandom(32)).decode() for name in ("primary", "second")}
        self._servers = {name: stack.enter_context(Postgres()) for name in self._keys}
        self._urls = {name: server.create("airflow") for name, server in self._servers.items()}
        venv = provision(variant.lock)
        self.primary, self.second = (self._environment(name, venv, folder / name) for name in self._keys)
        self._before: Rows = {}
        self._there: Rows = {}

    def run(self) -> Account:
        """Play all of it; what went wrong is in the account."""
        began = time.monotonic()
        self.live_in_airflow_2()
        self.migrate()
        self.live()
        self.live_elsewhere()
        self.back_up()
        self.lose()
        self.restore()
        self.compare()
        self.go_on()
        self.account.seconds = round(time.monotonic() - began, 1)
        return self.account

    def live_in_airflow_2(self) -> None:
        """Let the databases that are to be upgraded be those of an Airflow 2 first."""
        for name in filter(self._variant.is_upgraded, self._keys):
            with self._part(f"run DAGs in Airflow {OLDER}"):
                venv = provision(chosen_lock(OLDER))
                live_in_airflow_2(self._environment(name, venv, self._folder / f"{name}-{OLDER}"))

    def migrate(self) -> None:
        """Migrate both databases with the real Airflow; one that is to be like the other is its copy."""
        with self._part("migrate two databases"):
            # Up to 2.6 a migrated database has connections, encrypted with the environment's own key.
            alike = self.primary.version >= (2, 7) and not any(map(self._variant.is_upgraded, self._keys))
            migrated = (self.primary,) if alike else (self.primary, self.second)
            for what in self._variant.schemas:
                for airflow, process in [(one, one.migrate(what)) for one in migrated]:
                    airflow.finish(process, "migrate")
            if alike:
                self._servers["second"].load(self._servers["primary"].dump("airflow"), "airflow")

    def live(self) -> None:
        """Let the primary's scheduler run everything, and wait until only interrupted work is left."""
        with self._part("run DAGs in the primary"):
            if not self._variant.is_upgraded("primary"):
                seed.before_the_runs(self.primary)
            self.primary.start("scheduler", "triggerer")
            self.primary.act(
                variables=seed.VARIABLES,
                connections=seed.CONNECTIONS,
                pools=seed.POOLS,
                unpause=[*BY_HAND, *BY_SCHEDULER, "drill_half_fed", "backup_metadata"],
                trigger=[by_hand(dag_id) for dag_id in BY_HAND],
            )
            upgraded = self._variant.is_upgraded("primary")
            self.primary.wait("the primary's runs", lambda: unfinished(self.primary, upgraded=upgraded), RUN_SECONDS)
            seed.after_the_runs(self.primary)

    def live_elsewhere(self) -> None:
        """Give the second environment a history of its own, with the same surrogate keys."""
        with self._part("run DAGs in the second environment"):
            self.second.start("scheduler")
            self.second.act(
                variables=seed.VARIABLES_THERE,
                connections=seed.CONNECTIONS_THERE,
                unpause=[*ELSEWHERE, "restore_metadata"],
                trigger=[by_hand(dag_id) for dag_id in ELSEWHERE],
            )
            for dag_id in ELSEWHERE:
                self.second.wait_for_run(dag_id, _run_id(dag_id), RUN_SECONDS)

    def back_up(self) -> None:
        """Run backup_metadata through the primary's scheduler."""
        with self._part("back up"):
            self._before = self._rows(self.primary)
            self.primary.act(trigger=[{"dag_id": "backup_metadata", "run_id": "drill~backup+1"}])
            self.primary.wait_for_run("backup_metadata", "drill~backup+1", RUN_SECONDS)

    def lose(self) -> None:
        """Kill every process of the primary and its database server; only the stored backup is left."""
        with self._part("lose the primary"):
            self.primary.kill()
            self._servers["primary"].stop()
            shutil.copytree(self.primary.dags / "data", self.second.dags / "data")
            shutil.rmtree(self.primary.dags)
            self._read_manifest()

    def restore(self) -> None:
        """Run restore_metadata through the second environment's scheduler, which goes on meanwhile."""
        with self._part("restore"):
            self._there = self._rows(self.second)
            self.second.act(trigger=[{"dag_id": "restore_metadata", "run_id": "drill~restore+1"}])
            self.second.wait_for_run("restore_metadata", "drill~restore+1", RUN_SECONDS)

    def compare(self) -> None:
        """Hold every row against what the rules promise."""
        with self._part("compare every row"):
            found = self.second.query("SET TIME ZONE 'UTC'; SELECT %s::timestamptz::text", self.account.moment)
            before = {table: rows for table, rows in self._before.items() if table in self._there}
            expected = rules.expected(resolve(before), resolve(self._there), str(found[0][0]))
            actual = rules.seen(resolve(self._rows(self.second)), expected)
            self.account.compared = sum(len(rows) for rows in expected.values())
            self.account.differences += compare(expected, actual, rules.is_own_activity)
            behind = sequences_behind(self.second.url)
            self.account.differences += [Difference(c, "wrong", "its sequence is behind") for c in behind]
            self.account.read_restore_report(self.second.dags / "data")

    def go_on(self) -> None:
        """A DAG that is seen only now runs to success, pulls restored XComs, and nothing runs twice."""
        with self._part("go on"):
            runs = set(self.second.query("SELECT dag_id, run_id FROM dag_run"))
            shutil.copy(DAGS / "drill_late.py", self.second.dags)
            self.second.act(trigger=[{"dag_id": "drill_late", "run_id": LATE_RUN}])
            self.second.wait_for_run("drill_late", LATE_RUN, RUN_SECONDS)
            self.second.wait("the next parse", self._not_parsed_again, RUN_SECONDS)
            now = set(self.second.query("SELECT dag_id, run_id FROM dag_run"))
            again = sorted(now - runs - {("drill_late", LATE_RUN)})
            self.account.differences += [Difference("dag_run", "ran again", f"{d} {r}") for d, r in again]
            self._check_xcoms()
            if self.second.version >= (3,):
                self._change_a_dag()

    def _environment(self, name: str, venv: Path, folder: Path) -> Airflow:
        settings = {
            "AIRFLOW__CORE__FERNET_KEY": self._keys[name],
            "AIRFLOW__WEBSERVER__SECRET_KEY": os.urandom(16).hex(),
            "AIRFLOW_VAR_DR_STORAGE_TYPE": "LOCAL_FS",
            **(seed.PRIMARY_SETTINGS if name == "primary" else {}),
            **self._variant.settings,
        }
        url = self._urls[name]
        airflow = Airflow(name, venv, folder, url, {**settings, **_as_on_mwaa(name, url)})
        self._stack.callback(airflow.kill)
        missing = "drill_elsewhere.py" if name == "primary" else "drill_late.py"
        for dag in DAGS.glob("drill_*.py"):
            if dag.name != missing:
                shutil.copy(dag, airflow.dags)
        shutil.copytree(PACKAGE, airflow.dags / "mwaa_dr", ignore=shutil.ignore_patterns("__pycache__"))
        return airflow

    def _rows(self, airflow: Airflow) -> Rows:
        return decrypted(read(airflow.url), self._keys[airflow.name])

    def _not_parsed_again(self) -> str:
        known = "SELECT 1 FROM dag WHERE dag_id = 'drill_yearly' AND next_dagrun IS NOT NULL"
        return self._unless_parsed(known, "drill_yearly has no next run yet")

    def _change_is_unknown(self) -> str:
        known = "SELECT 1 FROM serialized_dag WHERE dag_id = 'drill_mapped' AND data::text LIKE '%changed_numbers%'"
        return self._unless_parsed(known, "not parsed yet")

    def _unless_parsed(self, known: str, complaint: str) -> str:
        if self.second.query(known):
            return ""
        # The file may have been written while it was parsed, and then looks older than that.
        (self.second.dags / "drill_dags.py").touch()
        return complaint

    def _check_xcoms(self) -> None:
        value = "convert_from(x.value, 'UTF8')" if self.second.version < (3,) else "x.value::text"
        pulled = self.second.query(
            f"SELECT {value} FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id"
            " WHERE r.dag_id = 'drill_late' AND r.run_id = %s AND x.run_id = r.run_id AND x.task_id = 'pull'",
            LATE_RUN,
        )
        wanted = [(json.dumps(f"from before, and {1 << 20} characters of history"),)]
        if pulled != wanted:
            self.account.differences.append(Difference("xcom", "wrong", f"the new run pulled {pulled}"))

    def _change_a_dag(self) -> None:
        """A DAG whose file changes gets one more version, above all that were restored, and runs."""
        file = self.second.dags / "drill_dags.py"
        file.write_text(file.read_text().replace('task_id="numbers"', 'task_id="changed_numbers"'))
        self.second.wait("the changed file", self._change_is_unknown, RUN_SECONDS)
        self.second.act(trigger=[{"dag_id": "drill_mapped", "run_id": CHANGED_RUN}])
        self.second.wait_for_run("drill_mapped", CHANGED_RUN, RUN_SECONDS)
        newest = self.second.query(
            "SELECT v.version_number > all(array_agg(o.version_number)), v.created_at > all(array_agg(o.created_at))"
            " FROM task_instance t JOIN dag_version v ON v.id = t.dag_version_id"
            " JOIN dag_version o ON o.dag_id = v.dag_id AND o.id <> v.id"
            " WHERE t.run_id = %s AND t.task_id = 'changed_numbers' GROUP BY v.id",
            CHANGED_RUN,
        )
        if newest != [(True, True)]:
            self.account.differences.append(
                Difference("dag_version", "wrong", f"the changed DAG's is not newest: {newest}")
            )

    def _read_manifest(self) -> None:
        manifests = sorted((self.second.dags / "data").rglob("manifest.json"))
        if len(manifests) != 1:
            raise DrillError(f"the backup left {len(manifests)} manifests behind, not one")
        self.account.read_manifest(json.loads(manifests[0].read_text()))

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.account.parts[name] = round(time.monotonic() - began, 1)
        print(f"{self.account.airflow}  {name}: {self.account.parts[name]} s", file=sys.stderr, flush=True)


def unfinished(primary: Airflow, dags: Mapping[str, str] = BY_HAND, *, upgraded: bool = False) -> str:
    """What is missing until the primary's own DAGs have done all that they do; empty: nothing is."""
    runs: dict[str, list[str]] = {}
    more = AT_ONCE_IN_3 if primary.version >= (3,) and not upgraded else {}
    for dag_id, state in primary.query("SELECT dag_id, state FROM dag_run WHERE run_id NOT LIKE 'before~%%'"):
        runs.setdefault(dag_id, []).append(state)
    wanted = {
        **{dag_id: [state] for dag_id, state in dags.items()},
        **{dag_id: ["success"] * (number + more.get(dag_id, 0)) for dag_id, number in BY_SCHEDULER.items()},
    }
    wrong = [f"{dag_id} has {runs.get(dag_id)}" for dag_id, states in wanted.items() if runs.get(dag_id) != states]
    for dag_id, states in wanted.items():
        if states[0] != "failed" and "failed" in runs.get(dag_id, []):
            logs = primary.task_log(dag_id)[-3000:] or primary.output("scheduler")
            raise DrillError(f"{dag_id} failed:\n{logs}")
    at_work = primary.query(
        "SELECT dag_id, task_id, state FROM task_instance WHERE dag_id = ANY(%s) AND state IN"
        " ('running', 'deferred', 'queued', 'scheduled', 'up_for_retry', 'up_for_reschedule', 'restarting')",
        [*wanted],
    )
    left = {one for one in AT_WORK if one[0] in dags}
    return "; ".join(wrong) or ("" if set(at_work) == left else f"at work: {sorted(at_work)}")


def _run_id(dag_id: str) -> str:
    return f"drill~{dag_id}+1"


def by_hand(dag_id: str) -> dict[str, Any]:
    """The request for a run of a DAG."""
    conf = seed.CONF if dag_id == "drill_mapped" else None
    return {"dag_id": dag_id, "run_id": _run_id(dag_id), "conf": conf, "undated": dag_id == "drill_pooled"}


def _as_on_mwaa(name: str, url: str) -> dict[str, str]:
    """What MWAA's images set beside Airflow's own variable: one of the two here, the other there."""
    if name == "second":
        return {"AIRFLOW__CELERY__RESULT_BACKEND": f"db+{url}"}
    return on_mwaa(url)
