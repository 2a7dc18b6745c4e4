"""Each step of a stop and of a start that can fail, what makes it fail, and how it is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib.functions.record_table import KEY
from mwaa_dr.framework.repository import BackupRepository
from tests.support.deployment import Execution
from tests.support.local_aws import eventually
from tests.support.night import REGION, SECONDS, Night
from tests.support.resuming import AGAIN

GONE = "The environment is stopped"
GONE_ALREADY = "The environment is gone already"
GOES_ON = "The environment is busy, it goes on"
STARTED = "The environment has started"
THERE = "The environment is there already"

ACTIVE, UNPAUSED, LEFT = "The DAGs are active again", "No DAG was paused", "The environment is gone"
"""How a reactivation ends."""

SKIP = {"when_busy": "SKIP"}


def nothing(_: Night) -> None:
    """Needed by no step."""


@dataclass(frozen=True)
class Stopping:
    """A state of a stop that can fail."""

    service: str
    """What it asks of AWS, by the prefix of IAM."""
    reactivated: str = ACTIVE
    """How the reactivation ends that follows."""
    redriven: str = "LeaseLost"
    """How it ends when it is redriven after that; by its error, or by its last state."""
    late: tuple[str, str] = ("", "")
    """The same two where it was done although it failed, as far as they are others."""
    before: Callable[[Night], None] = nothing
    """What an execution needs to come to it."""
    meanwhile: Callable[[Night], None] = nothing
    """What ends by itself before its DAGs become active again."""
    after: Callable[[Night], None] = nothing
    """What ends later."""
    asked: Mapping[str, str] = field(default_factory=dict)
    end: str = GONE
    """Where a new execution ends, if the environment is not gone."""

    def ends(self, *, is_late: bool) -> tuple[str, str]:
        """How the reactivation ends, and the redrive."""
        late = self.late if is_late else ("", "")
        return late[0] or self.reactivated, late[1] or self.redriven


@dataclass(frozen=True)
class Starting:
    """A state of a start that can fail."""

    service: str
    before: Callable[[Night], None] = nothing
    after: Callable[[Night], None] = nothing
    """What ends later."""
    end: str = STARTED
    """Where it ends when it is redriven."""
    restores: int = 1
    """How often a backup is restored then: a restore that nothing is recorded of has not happened for a new one."""
    anew: str = STARTED
    """Where a new execution ends, after it was done although it failed."""
    replaced: str = "LeaseLost"
    """How it ends when it is redriven after that; by its error, or by its last state."""


def go_on_with_a_stop(site: Night, state: str, step: Stopping, *, is_late: bool) -> None:
    """It fails in a step, its DAGs become active again, a redrive loses nothing, and a new execution stops it."""
    step.before(site)
    before = site.executions("reactivate")
    first = _failed(site, "stop", state, step.service, is_late=is_late, **step.asked)
    step.meanwhile(site)
    reactivated, redriven = step.ends(is_late=is_late)
    assert site.reactivated(before).states[-1] == reactivated
    step.after(site)
    nothing_is_lost(site)
    _work(site)
    before = site.executions("reactivate")
    again = site.redriven(first)
    assert redriven in (again.error, again.states[-1]), again.why
    if again.status == "FAILED":
        assert site.reactivated(before).status == "SUCCEEDED"
    nothing_is_lost(site)
    _work(site)
    is_there = site.status() != "NOT_FOUND"
    last = site.run("stop", **step.asked)
    assert last.states[-1] == (step.end if is_there else GONE_ALREADY), last.why
    nothing_is_lost(site)


def go_on_with_a_start_by_redrives(site: Night, state: str, step: Starting, before: Mapping[str, Any]) -> None:
    """The step is refused, then its lease is: each time a redrive goes on, at last to the end."""
    step.before(site)
    execution = _failed(site, "start", state, step.service)
    step.after(site)
    again = f"{AGAIN}{state[0].lower()}{state[1:]}"
    if again in site.states("start"):
        site.aws.silence(REGION, ["dynamodb"], "deny", during=f"{_machine(site, 'start')}/{again}")
        execution = site.redriven(execution)
        assert (execution.status, execution.states[-1]) == ("FAILED", again), execution.why
        site.aws.heal()
    _back_again(site, site.redriven(execution), step.end, before)
    assert site.airflow.ran().count("restore_metadata") == (0 if step.end == THERE else 1)


def go_on_with_a_start_by_a_new_one(site: Night, state: str, step: Starting, before: Mapping[str, Any]) -> None:
    """The step is late; a new execution goes on, and the first one does nothing any more."""
    step.before(site)
    first = _failed(site, "start", state, step.service, is_late=True)
    step.after(site)
    _back_again(site, site.run("start"), step.anew, before)
    assert site.airflow.ran().count("restore_metadata") == step.restores
    held = (site.environment(), site.records(), site.airflow.ran(), site.active())
    replaced = site.redriven(first)
    assert step.replaced in (replaced.error, replaced.states[-1]), replaced.why
    assert (site.environment(), site.records(), site.airflow.ran(), site.active()) == held


def nothing_is_lost(site: Night) -> None:
    """It is there with its DAGs, or gone with all that ever ran in a backup that was proved."""
    stopped = site.records().get(f"stopped/{site.place}")
    if site.status() != "NOT_FOUND":
        assert (site.active(), stopped) == ({"sales", "stock"}, None)
        return
    if not stopped:
        assert site.airflow.ran() == []  # deleted by somebody else
        return
    (deleting,) = [arn for arn in site.executions("stop") if arn == stopped["execution"]]
    states = Execution(site.build, deleting, {}).states
    verified, checked = states.index("Verify the backup and the blueprint"), _last(states, "Check that nothing")
    assert verified < checked < _last(states, "Delete the environment")
    backup = BackupRepository(site.storage).choose(site.place, stopped["backup_id"])
    taken = datetime.fromisoformat(backup.snapshot_time)
    assert [run for run, begun in site.airflow.begun.items() if run.startswith("work-") and begun >= taken] == []


def becomes(status: str) -> Callable[[Night], None]:
    """MWAA says so from now on."""
    return lambda site: site.aws.mwaa.status(REGION, site.name, status)


def begin_long_work(site: Night) -> None:
    """A run that lasts."""
    site.airflow.begin("sales", "long")


def a_failed_creation(site: Night) -> None:
    """A start before has failed."""
    site.aws.mwaa.fail_creation(REGION, site.name)
    assert site.run("start").error == "EnvironmentBroken"


def a_deletion_that_lasts(site: Night) -> None:
    """Somebody has begun to delete what is there."""
    site.appear()
    site.aws.mwaa.status(REGION, site.name, "DELETING")


def there_again(site: Night) -> None:
    """Somebody has created it by hand."""
    site.appear()
    for dag_id in ("sales", "stock"):
        site.airflow.paused[dag_id] = False


def _machine(site: Night, what: str) -> str:
    return site.plan.machine_name(site.configured, what)


def _failed(site: Night, what: str, state: str, service: str, *, is_late: bool = False, **asked: str) -> Execution:
    """A new execution that has failed in this state, and people were told; the world is well again."""
    where = f"{_machine(site, what)}/{state}"
    if is_late:
        site.aws.delay(where)
    else:
        site.aws.silence(REGION, [service], "deny", during=where)
    execution = site.run(what, **asked)
    assert (execution.status, execution.states[-1]) == ("FAILED", state), execution.why
    told = site.mail(f"{_machine(site, what)} failed: {state}"[:99])
    assert execution.arn in told.text
    site.mailbox.taken()
    site.aws.heal()
    return execution


def _back_again(site: Night, execution: Execution, end: str, before: Mapping[str, Any]) -> None:
    """All is as it was before the stop."""
    assert (execution.status, execution.states[-1]) == ("SUCCEEDED", end), execution.why
    assert site.environment() == before
    assert (site.active(), site.records()) == ({"sales", "stock"}, {})


def _work(site: Night) -> None:
    """A DAG runs, where there is an environment: what was backed up before is out of date."""
    if site.status() != "NOT_FOUND":
        run = f"work-{len(site.airflow.begun)}"
        site.airflow.begin("sales", run)
        site.airflow.runs["sales"][run] = "success"


def _last(states: list[str], words: str) -> int:
    return max(number for number, state in enumerate(states) if state.startswith(words))


def asleep(site: Night, record: Mapping[str, str]) -> None:
    """As a stop has left it that wrote this record."""
    site.vanish()
    item = {name: {"S": value} for name, value in {KEY: f"stopped/{site.place}", **record}.items()}
    site.client("dynamodb").put_item(TableName=site.plan.records_table_name, Item=item)
    site.lose()
    site.mailbox.taken()


def stopped_once(site: Night) -> dict[str, str]:
    """Stop it; the record of that."""
    found = site.ended(site.start("stop"))
    assert found.states[-1] == GONE, found.why
    eventually(lambda: site.status() == "NOT_FOUND", SECONDS)
    return site.records()[f"stopped/{site.place}"]
