"""What a person does by hand: keep an environment running or stopped for a while, stop it or start it now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment
from lib.constructs.arns import Arns
from lib.functions import clock, overrides, transition_input
from lib.functions.aws import client
from lib.functions.calls import PERSON, calling
from lib.functions.errors import FunctionError, Misconfigured
from lib.functions.overrides import HINDERED, Override
from lib.functions.record_table import RecordTable
from lib.functions.until import until
from lib.stop_start.window import FORMAT, Window

WORDS = {overrides.RUNNING: "keeps running", overrides.STOPPED: "stays stopped"}
NAMED = 2
"""How many of the transitions that are left out are named."""

AHEAD = timedelta(days=31)
"""How far the transition after an override is looked for."""


class WrongInputError(FunctionError):
    """What a person wrote cannot be meant."""


@dataclass(frozen=True)
class Hand:
    """One environment of the deployment, in reach of a person with credentials."""

    plan: StartStop
    environment: Environment

    def override(self) -> Override | None:
        """The override that stands, be it over or not."""
        with calling("read the overrides", by=PERSON):
            return overrides.find(self._records, self._place)

    def hold(self, what: str, moment: str) -> str:
        """Write an override until a moment of the environment's zone, and say what follows from it."""
        with _understood():
            ends = until(moment, self._zone).astimezone(self._zone)
        with calling("write the override", by=PERSON):
            caller = client("sts", self.plan.schedules.region).get_caller_identity()["Arn"]
            overrides.put(self._records, self._place, Override(what, ends, caller))
        said = f"{self.environment.name} {WORDS[what]} until {ends:{FORMAT}} ({clock.text(ends)})"
        return "; ".join([said, *self._consequences(what, ends)])

    def end_override(self) -> str:
        """Forget the override."""
        with calling("forget the override", by=PERSON):
            ended = overrides.end(self._records, self._place)
        said = f"it no longer {WORDS[ended.what]} until {clock.text(ended.until)}" if ended else "there was no override"
        return f"{self.environment.name}: {said}; from now on its schedules count"

    def begin(self, what: str, given: dict[str, str]) -> str:
        """Start the state machine of a stop or a start."""
        with _understood():
            transition_input.read(what, given)
        schedules = self.plan.schedules
        name = self.plan.machine_name(self.environment, what)
        states = client("stepfunctions", schedules.region, attempts=3)
        machine = Arns(schedules.account_id, schedules.region).state_machine(name)
        try:
            with calling(f"start {machine}", by=PERSON):
                begun = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        except Misconfigured as error:
            if isinstance(error.__cause__, states.exceptions.StateMachineDoesNotExist):
                where = f"account {schedules.account_id}, {schedules.region}"
                raise FunctionError(f"there is no state machine {name} in {where}; HINT: Deploy it first.") from error
            raise
        return f"the {what} of {self.environment.name} has begun: {begun}"

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.environment.time_zone)

    @property
    def _place(self) -> dict[str, str]:
        return {"name": self.environment.name, "region": self.plan.schedules.region}

    @property
    def _records(self) -> RecordTable:
        return RecordTable({"table": self.plan.records_table_name, "region": self.plan.schedules.region})

    def _consequences(self, what: str, ends: datetime) -> Iterator[str]:
        """The transitions that are left out, and the first one that is not."""
        transition = next(name for name, held in HINDERED.items() if held == what)
        window = Window(self.environment, clock.now(), ends + AHEAD)
        due = [found.at for found, day in window.due() if found.what == transition and not day]
        left_out = [window.local(at) for at in due if at < ends]
        yield f"left out: {transition} {_listed(left_out)}" if left_out else f"no {transition} is due before that"
        if following := next((at for at in due if at >= ends), None):
            yield f"the next {transition} is due {window.local(following):{FORMAT}}"


def find(plan: StartStop, name: str) -> Hand:
    """The environment with this name, or of this section of START_STOP_ENVIRONMENTS; raises WrongInputError."""
    sections = dict(zip(plan.schedules.environments, plan.environments, strict=False))
    known = {
        **{section.lower(): one for section, one in sections.items()},
        **{one.name: one for one in plan.environments},
    }
    found = known.get(name) or known.get(name.lower())
    if not found:
        names = ", ".join(one.name for one in plan.environments)
        raise WrongInputError(f"no environment {name!r} is stopped and started here; HINT: Known are {names}.")
    return Hand(plan, found)


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except Misconfigured as error:
        raise WrongInputError(str(error)) from error


def _listed(moments: list[datetime]) -> str:
    """The first ones; the rest is counted."""
    more = [f"{len(moments) - NAMED} more"] if len(moments) > NAMED else []
    return ", ".join([*(f"{at:{FORMAT}}" for at in moments[:NAMED]), *more])
