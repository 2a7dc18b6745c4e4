"""What every story is told with: environments that live, one with a history of everything, waits that have an end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from drill import history, seed
from drill.containers import Containers, Place
from drill.environments import Environments
from drill.executions import Execution, Executions
from drill.fernet import decrypted
from drill.ground import Ground
from drill.kept import Kept
from drill.rehearsal import BY_HAND, BY_SCHEDULER, by_hand, unfinished
from drill.snapshot import Rows, read
from drill.venvs import PROJECT, DrillError

DAGS = PROJECT / "drill" / "dags"
STORY_DAGS = tuple(
    DAGS / f"{name}.py" for name in ("drill_moved", "drill_dags", "drill_elsewhere", "drill_late", "minutely")
)
LATE_RUN = "drill~after+1"
LONG_SECONDS = 600.0
LOOK_SECONDS = 0.5


class Life:
    """A story in a folder; whatever it starts ends with the stack."""

    site: Ground
    title: str
    """What the parts of the story are told under."""
    by_hand: Mapping[str, str] = BY_HAND
    """DAG -> the state that its run has when the primary has lived."""
    dags: tuple[Path, ...] = STORY_DAGS

    def __init__(self, site: Ground, venv: Path, folder: Path, stack: ExitStack, *, rows: int) -> None:
        self.site, self.folder, self.rows = site, folder, rows
        self.kept = Kept()
        settings = {"DRILL_LEDGER": str(folder / "ledger")}
        self.environments = stack.enter_context(Environments(site.aws, venv, folder, settings, self))
        self._stack = stack

    @property
    def primary(self) -> Containers:
        """What is inside the environment that the story begins with."""
        return self.environments.containers(self.site.primary)

    @property
    def successor(self) -> Containers:
        """What is inside the environment that goes on in the end."""
        raise NotImplementedError

    def deploy(self) -> None:
        """The environments as they are before, and our stacks."""
        with self.part("deploy"):
            self.site.upload(*self.dags)
            created = self.create()
            self.site.aws.bootstrap()
            try:
                self.site.deploy()  # it waits for the primary, as it would on AWS
            finally:
                self.environments.check()  # why there is no primary, where that is the reason
            for place in created:
                self.until_available(place)

    def create(self) -> list[Place]:
        """Begin to create the environments that are there before."""
        raise NotImplementedError

    def live(self) -> None:
        """Let the primary run everything, until only what is to be interrupted is at work."""
        secret = self.kept.secret
        with self.part("live"):
            airflow = self.primary.airflow
            airflow.act(
                variables=[*seed.VARIABLES, {"key": "drill_secret", "val": secret}],
                connections=[
                    *seed.CONNECTIONS,
                    {"conn_id": "drill_secret", "conn_type": "generic", "password": secret},
                ],
                pools=seed.POOLS,
                unpause=[*self.by_hand, *BY_SCHEDULER, "drill_half_fed", "minutely"],
                trigger=[by_hand(dag_id) for dag_id in self.by_hand],
            )
            self.live_elsewhere()
            airflow.wait("the primary's runs", lambda: unfinished(airflow, self.by_hand), LONG_SECONDS)
            seed.after_the_runs(airflow)
            history.fill(airflow, self.rows)

    def live_elsewhere(self) -> None:
        """Let other environments live, too, where there are some."""

    def empty(self, containers: Containers) -> None:
        """A database was made, and nothing has started on it."""
        whose = containers.airflow.folder.parent.name
        self.kept.keys |= {f"{name} of {whose}": key for name, key in containers.keys.items()}
        if self.is_first(containers):
            seed.before_the_runs(containers.airflow)

    def is_first(self, containers: Containers) -> bool:
        """Whether this is the primary, and the story has just begun."""
        return containers.place == self.site.primary

    def ready(self, containers: Containers) -> None:
        """An environment works, and MWAA does not say so yet."""

    def leaving(self, containers: Containers) -> None:
        """An environment is about to be deleted, and all of it is still there."""

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
        """The subjects of what people were told from the Region of the successor, in order."""
        return [one.subject for one in self.site.aws.messages() if one.region == self.site.regions[-1]]

    def run_anew(self, containers: Containers) -> None:
        """A DAG that has never run succeeds, and finds the history of another one."""
        containers.airflow.act(trigger=[{"dag_id": "drill_late", "run_id": LATE_RUN}])
        containers.airflow.wait_for_run("drill_late", LATE_RUN, LONG_SECONDS)

    def over(self, executions: Executions, arn: str) -> Execution:
        """An execution once it does not run any more."""
        self.until("the end of an execution", lambda: executions.look(arn).is_over)
        return executions.look(arn)

    def until(self, what: str, condition: Callable[[], Any], seconds: float = LONG_SECONDS) -> None:
        """Return once a condition holds; raise DrillError with what was waited for after `seconds`."""
        give_up = time.monotonic() + seconds
        while not condition():
            self.environments.check()
            if time.monotonic() > give_up:
                raise DrillError(f"{what}: not within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)

    def until_available(self, place: Place) -> None:
        """Return once MWAA says so."""
        self.until(f"environment {place.name}", lambda: self.site.fields(place)["Status"] == "AVAILABLE")

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Tell, and remember, how long a part of the story takes."""
        began = time.monotonic()
        yield
        self.kept.parts[name] = round(time.monotonic() - began, 1)
        print(f"{self.title}  {name}: {self.kept.parts[name]} s", file=sys.stderr, flush=True)
