"""Stop and start: its sections together, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lib.config import names, regions
from lib.config.deadlines import OTHER, Step, minutes, total_minutes
from lib.config.shared import Common, Deadlines, Engine
from lib.config.start_stop_sections import Environment, Schedules, WhenBusy

COMMON_MINS = 30
"""A creation, an update or a deletion takes 20 to 30 minutes on MWAA."""


@dataclass(frozen=True)
class Transition:
    """A stop or a start of an environment: its timeout, and what its waits on MWAA are left with."""

    timeout_variable: str
    timeout_mins: int
    waits: int
    """How many times it waits on MWAA."""
    steps: tuple[Step, ...]
    """All other steps."""

    @property
    def left_mins(self) -> int:
        """What is left for each wait; not above 0: nothing."""
        return math.floor((self.timeout_mins - total_minutes(self.steps)) / self.waits)


@dataclass(frozen=True)
class StartStop:
    """All that the stop and start stack needs."""

    schedules: Schedules
    environments: tuple[Environment, ...]
    common: Common
    engine: Engine
    deadlines: Deadlines

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return regions.partition_of(self.schedules.region)

    @property
    def backup_bucket_name(self) -> str:
        """The backup bucket of all its environments."""
        return names.backup_bucket(self.schedules.stack_name, self.schedules.account_id, self.schedules.region)

    @property
    def records_table_name(self) -> str:
        """The table of leases, stops and overrides of all its environments."""
        return f"{self.schedules.stack_name}-records"

    def machine_name(self, environment: Environment, what: str) -> str:
        """The state machine that does what it says with an environment: `stop`, `start` or `reactivate`."""
        return f"{self.schedules.stack_name}-{environment.name}-{what}"

    @property
    def stop(self) -> Transition:
        """Check, back up, verify the backup, delete and wait; without the wait for running work to end."""
        preflight, ready = self._first_steps
        export = minutes("METADATA_EXPORT_TIMEOUT_MINS", self.deadlines.export_mins)
        steps = (preflight, ready, export, preflight, OTHER)
        return Transition("SFN_PAUSE_TIMEOUT_MINS", self.schedules.pause_timeout_mins, 1, steps)

    def start(self, environment: Environment) -> Transition:
        """Check, create and wait, restore, update and wait where that is wanted."""
        preflight, ready = self._first_steps
        restore = minutes("METADATA_IMPORT_TIMEOUT_MINS", self.deadlines.import_mins)
        waits = 2 if environment.update_after_restore else 1
        steps = (preflight, ready, restore, OTHER)
        return Transition("SFN_RESUME_TIMEOUT_MINS", self.schedules.resume_timeout_mins, waits, steps)

    @property
    def _first_steps(self) -> tuple[Step, Step]:
        return (
            minutes("PREFLIGHT_TIMEOUT_MINS", self.deadlines.preflight_mins),
            minutes("DAG_READY_TIMEOUT_MINS", self.deadlines.dag_ready_mins),
        )

    def transitions(self) -> Iterator[Transition]:
        """Every kind of transition that there can be, once."""
        yield self.stop
        yield from dict.fromkeys(self.start(environment) for environment in self.environments)

    def poll_mins(self, transition: Transition) -> int:
        """How long each wait of the transition on MWAA may take."""
        return min(self.schedules.poll_timeout_mins, transition.left_mins)

    def stop_timeout_mins(self, environment: Environment) -> int:
        """The timeout of a stop's state machine, the wait for running work included."""
        return self.schedules.pause_timeout_mins + self.drain_mins(environment)

    def drain_mins(self, environment: Environment) -> int:
        """How long a stop waits for running work."""
        return environment.drain_mins if environment.when_busy is WhenBusy.WAIT else 0
