"""The story of a disaster: live, back up on schedule, lose the Region, be recovered by the workflow, go on."""

from __future__ import annotations

import json
import random
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from drill import seed
from drill.aws.control import Message
from drill.backups import Backups, Stored
from drill.containers import Containers, Place
from drill.executions import Execution, Executions
from drill.faults import NONE, Fault
from drill.fernet import decrypted
from drill.kept import Lost
from drill.life import LONG_SECONDS, Life
from drill.rehearsal import ELSEWHERE, by_hand
from drill.site import BACKUP_MINUTES, Site
from drill.venvs import DrillError
from drill.witness import Witness

CLEANED = "Let the standby cool off"


class Story(Life):
    """One strategy, played in a folder; whatever it starts ends with the stack."""

    site: Site

    def __init__(
        self, site: Site, venv: Path, folder: Path, stack: ExitStack, *, rows: int, fault: Fault = NONE
    ) -> None:
        super().__init__(site, venv, folder, stack, rows=rows)
        self.fault, self.title = fault, site.config.deployment.dr_type
        self.executions = Executions(site.there("stepfunctions"), site.machine)
        self.backups = Backups(site, site.config.secondary)
        self._asked = 0

    @property
    def secondary(self) -> Containers:
        """What is inside the secondary."""
        return self.environments.containers(self.site.secondary)

    @property
    def successor(self) -> Containers:
        """The secondary goes on in the end."""
        return self.secondary

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

    def create(self) -> list[Place]:
        """Both environments as the strategy has them before a disaster."""
        config = self.site.config
        sides = [config.primary, config.secondary] if config.is_warm_standby else [config.primary]
        return [self.site.create(side) for side in sides]

    def back_up(self) -> None:
        """Wait until the schedule has taken a backup of all that, and replication has copied it.

        With a fault nobody waits for the schedule: that it works, the disaster alone has shown.
        """
        with self.part("back up"):
            self._witness = self._stack.enter_context(Witness(self.primary.airflow.url, self.primary.server.folder))
            lived = datetime.now(timezone.utc)
            if self.fault is not NONE:
                self.back_up_now()
            self.until("a backup", lambda: any(one.taken_at > lived for one in self.backups.stored()))
            self.fault.before(self)

    def lose(self) -> None:
        """At a random moment of the interval: processes, database, metrics and Region of the primary are gone."""
        with self.part("lose the primary"):
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
        with self.part("be recovered"):
            self.until("an execution that recovers", self._is_recovering)
            self.until("the end of the recovery", self._is_recovered)
            while self.kept.ends == wanted[: len(self.kept.ends)] != wanted:
                self._redrive()
        return self.execution.status == "SUCCEEDED"

    def go_on(self) -> None:
        """A new run in the secondary finds the history, and the DAG that works every minute goes on there."""
        with self.part("go on"):
            self.until_available(self.site.secondary)  # it may be given an option back
            self.run_anew(self.secondary)
            self.until("work of the secondary", lambda: self.ledger(self.site.secondary.name) != [])
            self.kept.differences += self.fault.after(self)

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

    def messages(self) -> list[Message]:
        """What people were told from the secondary Region, in order."""
        return [one for one in self.site.aws.messages() if one.region == self.site.secondary.region]

    def start(self, **flags: str) -> Execution:
        """What becomes of an execution that a person starts."""
        states = self.site.there("stepfunctions")
        arn = states.start_execution(stateMachineArn=self.site.machine, input=json.dumps(flags))["executionArn"]
        return self.over(self.executions, arn)

    def live_elsewhere(self) -> None:
        """A standby that was used: what it holds is in the way of the restore."""
        if not self.site.config.is_warm_standby:
            return
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
