"""The story of a disaster: live, back up on schedule, lose the Region, be recovered by the workflow, go on."""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from drill import history, seed
from drill.aws.control import Message
from drill.backups import Backups, Stored
from drill.containers import Containers, Place
from drill.environments import Environments
from drill.executions import Execution, Executions
from drill.faults import NONE, Fault
from drill.fernet import decrypted
from drill.kept import Kept, Lost
from drill.rehearsal import BY_HAND, BY_SCHEDULER, ELSEWHERE, by_hand, unfinished
from drill.site import BACKUP_MINUTES, Site
from drill.snapshot import Rows, read
from drill.venvs import PROJECT, DrillError
from drill.witness import Witness

DAGS = PROJECT / "drill" / "dags"
STORY_DAGS = tuple(
    DAGS / f"{name}.py" for name in ("drill_moved", "drill_dags", "drill_elsewhere", "drill_late", "minutely")
)
LATE_RUN = "drill~after+1"
LONG_SECONDS = 600.0
LOOK_SECONDS = 0.5

CLEANED = "Let the standby cool off"


class Story:
    """One strategy, played in a folder; whatever it starts ends with the stack."""

    def __init__(
        self, site: Site, venv: Path, folder: Path, stack: ExitStack, *, rows: int, fault: Fault = NONE
    ) -> None:
        self.site, self.folder, self.rows, self.fault = site, folder, rows, fault
        self.kept = Kept()
        settings = {"DRILL_LEDGER": str(folder / "ledger")}
        self.environments = stack.enter_context(Environments(site.aws, venv, folder, settings, self))
        self.executions = Executions(site.there("stepfunctions"), site.machine)
        self.backups = Backups(site, site.config.secondary)
        self._stack = stack
        self._asked = 0

    @property
    def primary(self) -> Containers:
        """What is inside the primary."""
        return self.environments.containers(self.site.primary)

    @property
    def secondary(self) -> Containers:
        """What is inside the secondary."""
        return self.environments.containers(self.site.secondary)

    @property
    def lost(self) -> Lost:
        """The primary at the disaster."""
        if self.kept.lost is None:
            raise DrillError("nothing was lost yet")
        return self.kept.lost

    @property
    def execution(self) -> Execution:
        """The execution that recovers, as it was seen last."""
        if self.kept.execution is None:
            raise DrillError("no execution has recovered")
        return self.kept.execution

    def run(self) -> None:
        """Play all of it."""
        self.deploy()
        self.live()
        self.back_up()
        self.lose()
        if self.be_recovered():
            self.go_on()

    def deploy(self) -> None:
        """Both environments as the strategy has them before a disaster, and our stacks."""
        config = self.site.config
        with self._part("deploy"):
            self.site.upload(config.primary, *STORY_DAGS)
            self.site.create(config.primary)
            if config.is_warm_standby:
                self.site.create(config.secondary)
            self.site.aws.bootstrap()
            try:
                self.site.deploy()  # it waits for the primary, as it would on AWS
            finally:
                self.environments.check()  # why there is no primary, where that is the reason
            if config.is_warm_standby:
                self._until_available(self.site.secondary)

    def live(self) -> None:
        """Let the primary run everything, until only what the disaster will interrupt is at work."""
        secret = self.kept.secret
        with self._part("live"):
            airflow = self.primary.airflow
            airflow.act(
                variables=[*seed.VARIABLES, {"key": "drill_secret", "val": secret}],
                connections=[
                    *seed.CONNECTIONS,
                    {"conn_id": "drill_secret", "conn_type": "generic", "password": secret},
                ],
                pools=seed.POOLS,
                unpause=[*BY_HAND, *BY_SCHEDULER, "drill_half_fed", "minutely"],
                trigger=[by_hand(dag_id) for dag_id in BY_HAND],
            )
            if self.site.config.is_warm_standby:
                self._live_elsewhere()
            airflow.wait("the primary's runs", lambda: unfinished(airflow), LONG_SECONDS)
            seed.after_the_runs(airflow)
            history.fill(airflow, self.rows)

    def back_up(self) -> None:
        """Wait until the schedule has taken a backup of all that, and replication has copied it.

        With a fault nobody waits for the schedule: that it works, the disaster alone has shown.
        """
        with self._part("back up"):
            self._witness = self._stack.enter_context(Witness(self.primary.airflow.url, self.primary.server.folder))
            lived = datetime.now(timezone.utc)
            if self.fault is not NONE:
                self.back_up_now()
            self.until("a backup", lambda: any(one.taken_at > lived for one in self.backups.stored()))
            self.fault.before(self)

    def lose(self) -> None:
        """At a random moment of the interval: processes, database, metrics and Region of the primary are gone."""
        with self._part("lose the primary"):
            self.primary.airflow.act(trigger=[{"dag_id": "drill_resting", "run_id": "drill~lost+1"}])
            longest = BACKUP_MINUTES * 60 if self.fault is NONE else 0  # the RPO is no promise of a fault
            pause, began = random.uniform(0, longest), time.monotonic()
            self.until("the disaster", lambda: time.monotonic() - began > pause)
            self._lose_now()
            self.fault.at_the_disaster(self)

    def be_recovered(self) -> bool:
        """The health check notices, and its execution recovers; a person redrives what the fault has failed.

        Whether it has succeeded.
        """
        wanted = [*self.fault.ends]
        with self._part("be recovered"):
            self.until("an execution that recovers", self._is_recovering)
            self.until("the end of the recovery", self._is_recovered)
            while self.kept.ends == wanted[: len(self.kept.ends)] != wanted:
                self._redrive()
        return self.execution.status == "SUCCEEDED"

    def go_on(self) -> None:
        """A new run in the secondary finds the history, and the DAG that works every minute goes on there."""
        with self._part("go on"):
            self._until_available(self.site.secondary)  # it may be given an option back
            airflow = self.secondary.airflow
            airflow.act(trigger=[{"dag_id": "drill_late", "run_id": LATE_RUN}])
            airflow.wait_for_run("drill_late", LATE_RUN, LONG_SECONDS)
            self.until("work of the secondary", lambda: self.ledger(self.site.secondary.name) != [])
            self.kept.differences += self.fault.after(self)

    def empty(self, containers: Containers) -> None:
        """A database was made, and nothing has started on it."""
        self.kept.keys |= {f"{name} of {containers.place.name}": key for name, key in containers.keys.items()}
        if containers.place == self.site.primary:
            seed.before_the_runs(containers.airflow)

    def ready(self, containers: Containers) -> None:
        """An environment works, and MWAA does not say so yet."""
        if containers.place == self.site.secondary and self.kept.lost:
            self.kept.there = self.rows_of(containers)

    def back_up_now(self) -> None:
        """Have one more backup begin, as a person would."""
        self._asked += 1
        self.primary.airflow.act(trigger=[{"dag_id": "backup_metadata", "run_id": f"drill~backup+{self._asked}"}])

    def was_seen(self, backup: Stored) -> bool:
        """Whether the rows that a backup saw are known."""
        return self._witness.sight_of(backup.taken_at) is not None

    def happens(self, words: str) -> bool:
        """Remember when something happened besides; whether it is the first time."""
        is_new = words not in self.kept.moments
        self.kept.moments.setdefault(words, datetime.now(timezone.utc))
        return is_new

    def ledger(self, environment: str) -> list[str]:
        """The runs of the DAG that works every minute, which it wrote down in an environment."""
        path = self.folder / "ledger"
        lines = path.read_text().splitlines() if path.exists() else []
        return [run for name, _, run in (line.partition(" ") for line in lines) if name == environment]

    def rows_of(self, containers: Containers) -> Rows:
        """Every row of an environment now, secrets decrypted."""
        return decrypted(read(containers.airflow.url), containers.fernet_key)

    def subjects(self) -> list[str]:
        """The subjects of what people were told from the secondary Region, in order."""
        return [one.subject for one in self.messages()]

    def messages(self) -> list[Message]:
        """What people were told from the secondary Region, in order."""
        return [one for one in self.site.aws.messages() if one.region == self.site.secondary.region]

    def start(self, **flags: str) -> Execution:
        """What becomes of an execution that a person starts."""
        states = self.site.there("stepfunctions")
        arn = states.start_execution(stateMachineArn=self.site.machine, input=json.dumps(flags))["executionArn"]
        self.until("the execution that was started", lambda: self.executions.look(arn).is_over)
        return self.executions.look(arn)

    def until(self, what: str, condition: Callable[[], Any], seconds: float = LONG_SECONDS) -> None:
        """Return once a condition holds; raise DrillError with what was waited for after `seconds`."""
        give_up = time.monotonic() + seconds
        while not condition():
            self.environments.check()
            if time.monotonic() > give_up:
                raise DrillError(f"{what}: not within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)

    def _until_available(self, place: Place) -> None:
        self.until(f"environment {place.name}", lambda: self.site.fields(place)["Status"] == "AVAILABLE")

    def _live_elsewhere(self) -> None:
        """A standby that was used: what it holds is in the way of the restore."""
        standby = self.secondary.airflow
        standby.act(
            variables=seed.VARIABLES_THERE,
            connections=seed.CONNECTIONS_THERE,
            unpause=[*ELSEWHERE],
            trigger=[by_hand(dag_id) for dag_id in ELSEWHERE],
        )
        for dag_id in ELSEWHERE:
            standby.wait_for_run(dag_id, by_hand(dag_id)["run_id"], LONG_SECONDS)

    def _lose_now(self) -> None:
        containers, at = self.primary, datetime.now(timezone.utc)
        containers.kill()
        self.site.lose_the_region()
        runs = containers.airflow.query("SELECT dag_id, run_id, state FROM dag_run ORDER BY queued_at, id")
        if not self.fault.primary_survives:
            self.environments.lose(self.site.primary)
        backup = self.backups.stored()[-1 - self.fault.older]
        sight = self._witness.sight_of(backup.taken_at)
        if sight is None:
            raise DrillError(f"nobody saw what backup {backup.id} saw")
        seen = decrypted(sight.rows, containers.fernet_key)
        fields = self.site.fields(self.site.primary)
        self.kept.lost = Lost(at, backup, seen, [(dag, run, state) for dag, run, state in runs], fields)

    def _is_recovering(self) -> bool:
        found = [one for one in self.executions.since(self.lost.at) if one.is_recovery]
        self.kept.execution = found[0] if found else None
        return bool(found)

    def _is_recovered(self) -> bool:
        execution = self.kept.execution = self.executions.look(self.execution.arn)
        if not self.kept.there and execution.path[-1:] == [CLEANED]:
            self.kept.there = self.rows_of(self.secondary)
        self.fault.meanwhile(self, execution)
        if execution.is_over:
            self.kept.ends.append(execution.error or execution.status)
        return execution.is_over

    def _redrive(self) -> None:
        """What a person does who was told of the failure."""
        self.until("a message", lambda: any("failed" in subject for subject in self.subjects()))
        self.fault.before_the_redrive(self)
        self.happens(f"somebody redrives what ended as {self.kept.ends[-1]}")
        states, arn = self.site.there("stepfunctions"), self.execution.arn
        states.redrive_execution(executionArn=arn)
        self.until("the redrive", lambda: self.executions.look(arn).status == "RUNNING")
        self.until("the end of the redrive", self._is_recovered)

    @contextlib.contextmanager
    def _part(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.kept.parts[name] = round(time.monotonic() - began, 1)
        print(f"{self.site.config.deployment.dr_type}  {name}: {self.kept.parts[name]} s", file=sys.stderr, flush=True)
