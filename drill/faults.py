"""One failure more in a disaster, and what the solution does then: `--fault NAME`."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drill.backups import Backups
from drill.compare import Difference
from drill.fault_evidence import half_restored
from drill.venvs import DrillError

if TYPE_CHECKING:
    from drill.backups import Stored
    from drill.executions import Execution
    from drill.story import Story

RESTORE = "Restore the metadata"
SHORT = 0.05
"""How much shorter heartbeats and time-outs are while one of them is to pass."""

KILLED, BACK = "the scheduler is killed", "the scheduler is back"
RETURNED = "the primary is back"
FILES = 5
"""How many files of a backup come that does not come whole."""
OWN_WORDS = "the drill lets it fail"
BACKING_UP = "SELECT 1 FROM dag_run WHERE dag_id = 'backup_metadata' AND state IN ('queued', 'running')"
MADE_AND_DELETED = ("airflow:CreateEnvironment", "airflow:DeleteEnvironment")

BOTH = ("warm_standby", "backup_restore")


@dataclass(frozen=True)
class Fault:
    """What goes wrong besides; the methods are called as the story goes on, and do nothing here."""

    name: str
    words: str
    expected: str
    strategies: tuple[str, ...] = BOTH
    ends: tuple[str, ...] = ("SUCCEEDED",)
    """How the execution ends, and once more after each redrive: `SUCCEEDED`, or the name of its error."""
    told: Mapping[str, int] = field(default_factory=dict)
    """What people are told besides: words of a subject -> how often."""
    happens: tuple[str, ...] = ()
    """What must have happened besides: the moments of the story without which nothing was tried."""
    passed_over: str = ""
    """What the message of the beginning says of the newer backup; empty: nothing, it was not to be seen."""
    advice: tuple[str, ...] = ()
    """What the message of the failure says: why it is, and what to do."""
    restores: tuple[str, ...] = ("success",)
    """How the runs of the restore DAG ended in the secondary."""
    settings: Mapping[str, str] = field(default_factory=dict)
    older: int = 0
    """How many backups are passed over."""
    primary_survives: bool = False

    @property
    def failures(self) -> tuple[str, ...]:
        """How the execution ends before the end."""
        return self.ends[:-1]

    def before(self, story: Story) -> None:
        """Between the first backup and the disaster."""

    def at_the_disaster(self, story: Story) -> None:
        """Right after the Region was lost."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Again and again, while the workflow recovers."""

    def before_the_redrive(self, story: Story) -> None:
        """What a person repairs after a failure."""

    def after(self, story: Story) -> Iterable[Difference]:  # noqa: ARG002
        """When the secondary has taken over: what is not as expected."""
        return ()


@dataclass(frozen=True)
class Together(Fault):
    """Several of them in one disaster, each of which is to come to what it comes to alone."""

    parts: tuple[Fault, ...] = ()

    def before(self, story: Story) -> None:
        """What each does then."""
        for part in self.parts:
            part.before(story)

    def at_the_disaster(self, story: Story) -> None:
        """What each does then."""
        for part in self.parts:
            part.at_the_disaster(story)

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """What each does then, one failure after the other."""
        for part in self.parts:
            if not part.failures or part is self._failing(len(story.kept.ends)):
                part.meanwhile(story, execution)

    def before_the_redrive(self, story: Story) -> None:
        """A person repairs what has failed last."""
        if part := self._failing(len(story.kept.ends) - 1):
            part.before_the_redrive(story)

    def after(self, story: Story) -> Iterator[Difference]:
        """What is not as each expects."""
        for part in self.parts:
            yield from part.after(story)

    def _failing(self, number: int) -> Fault | None:
        """Whose failure the one of that number is."""
        owners = [part for part in self.parts for _ in part.failures]
        return owners[number] if number < len(owners) else None


class BackupAltered(Fault):
    """The newest backup was changed where it lies."""

    def before(self, story: Story) -> None:
        """There must be one before it."""
        known = story.backups.ids()
        story.back_up_now()
        story.until("one more backup", lambda: _are_seen(story, story.backups.stored(), known))

    def at_the_disaster(self, story: Story) -> None:
        """Change one byte of a table."""
        backups = story.backups
        story.kept.newer = backups.stored()[-1].id
        (key,) = [key for key in backups.keys_of(story.kept.newer) if key.endswith("/task_instance.csv.gz")]
        body = bytearray(backups.body(key))
        body[len(body) // 2] ^= 1
        backups.replace(key, bytes(body))


class HalfReplicated(Fault):
    """The newest backup had come to the secondary Region in part only."""

    def before(self, story: Story) -> None:
        """Let some files of the next backup through."""
        _one_more_backup(story, copied=FILES)

    def after(self, story: Story) -> Iterator[Difference]:
        """That many were there to mislead."""
        came = len(story.backups.keys_of(story.kept.newer))
        if came != FILES:
            yield Difference("fault", "did not happen", f"{came} files of {story.kept.newer} came, not {FILES}")


class ReplicationLags(Fault):
    """No file of the newest backup had come."""

    def before(self, story: Story) -> None:
        """Let nothing through any more."""
        _one_more_backup(story, copied=0)

    def after(self, story: Story) -> Iterator[Difference]:
        """It must not have come."""
        if story.backups.keys_of(story.kept.newer):
            yield Difference("fault", "did not happen", f"files of {story.kept.newer} came")


class CreationFails(Fault):
    """MWAA cannot create the environment."""

    def at_the_disaster(self, story: Story) -> None:
        """The next creation fails, and only that one."""
        place = story.site.secondary
        story.site.aws.mwaa.fail_creation(place.region, place.name, message=OWN_WORDS)

    def after(self, story: Story) -> Iterator[Difference]:
        """What failed was deleted, and then created again."""
        done = [
            call.action.partition(":")[2]
            for call in story.site.aws.calls()
            if call.region == story.site.secondary.region and call.status < 300 and call.action in MADE_AND_DELETED
        ]
        if done != ["CreateEnvironment", "DeleteEnvironment", "CreateEnvironment"]:
            yield Difference("environment", "wrong", f"the calls for it are {', '.join(done)}")


class SchedulerDown(Fault):
    """The secondary's scheduler is down when the restore is triggered, and MWAA starts it again."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Kill it before, start it a while after."""
        before = (
            "Let the standby cool off" if story.site.config.is_warm_standby else "Look at the secondary environment"
        )
        if execution.has_entered(before) and story.happens(KILLED):
            story.secondary.airflow.end_component("scheduler")
        visit = execution.visit(RESTORE)
        if visit and time.time() - visit.entered.timestamp() > 10 and story.happens(BACK):
            story.secondary.airflow.start("scheduler")


class WorkerKilled(Fault):
    """The worker that restores is killed in the middle of its work."""

    def before_the_redrive(self, story: Story) -> None:
        """Nothing may be half restored."""
        story.kept.differences += half_restored(story)

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Kill the process of the task as soon as there is one."""
        if execution.path[-1:] == [RESTORE] and story.happens("the worker is killed"):
            story.secondary.signal_task("restore_metadata", signal.SIGKILL)


class HeartbeatLost(Fault):
    """The worker that restores hangs, and its heartbeats end."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Stop the process of the task as soon as there is one."""
        if execution.path[-1:] == [RESTORE] and story.happens("the worker hangs"):
            story.secondary.signal_task("restore_metadata", signal.SIGSTOP)
            story.site.aws.scale(timeouts=SHORT)

    def before_the_redrive(self, story: Story) -> None:
        """Nothing may be half restored; the worker that hung is gone."""
        story.kept.differences += half_restored(story)
        story.site.aws.scale(timeouts=1)
        story.secondary.signal_task("restore_metadata", signal.SIGKILL)


class SecondExecution(Fault):
    """Somebody starts the recovery again after it has succeeded."""

    def after(self, story: Story) -> Iterator[Difference]:
        """It must end without doing anything; that there is one restore, and one message, is looked at besides."""
        second = story.start(simulate_dr="YES")
        if second.status != "SUCCEEDED" or second.path[-1] != "The primary has failed over already":
            yield Difference("workflow", "failed", f"the second execution {second.status} in {second.path[-1]!r}")


class PrimaryReturns(Fault):
    """The primary comes back while it is being recovered."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Let its Region answer again, and its Airflow run."""
        if execution.has_entered("Disable the health schedule") and story.happens(RETURNED):
            story.site.aws.heal()
            story.primary.start()

    def after(self, story: Story) -> Iterable[Difference]:
        """The fence must pause every DAG there."""
        story.until("the fence", lambda: not story.primary.airflow.query("SELECT 1 FROM dag WHERE NOT is_paused"))
        return ()


def _are_seen(story: Story, stored: Sequence[Stored], known: Container[str]) -> bool:
    """Whether the newest backup is none of those known, and the rows that it and the one before it saw are."""
    return stored[-1].id not in known and all(map(story.was_seen, stored[-2:]))


def _one_more_backup(story: Story, *, copied: int) -> None:
    """Wait for a backup of which only so many files come to the secondary Region."""
    here = Backups(story.site, story.site.config.primary)
    story.until("the end of the backups at work", lambda: not story.primary.airflow.query(BACKING_UP))
    story.site.aws.hold_replication(here.bucket, after=copied)
    known = story.backups.ids()
    story.back_up_now()
    story.until("a backup that is held", lambda: here.ids() - known)
    story.kept.newer = min(here.ids() - known)


FAILED = {"failed": 1}
REDRIVE = "aws stepfunctions redrive-execution"

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        BackupAltered(
            "backup-altered",
            "a file of the newest backup is altered before the recovery",
            "the backup is passed over, and the one before it restored",
            passed_over="is passed over: ",
            older=1,
        ),
        HalfReplicated(
            "half-replicated",
            "the newest backup is replicated in part",
            "the backup is passed over, and the one before it restored",
            passed_over="is passed over: ",
        ),
        ReplicationLags(
            "replication-lags",
            "replication lags by one backup",
            "the newest backup that has come is restored; what came after it is lost",
        ),
        CreationFails(
            "creation-fails",
            "MWAA cannot create the secondary environment",
            "people are told, and a redrive deletes what failed and creates it again",
            strategies=("backup_restore",),
            ends=("EnvironmentBroken", "SUCCEEDED"),
            told=FAILED,
            advice=(OWN_WORDS, REDRIVE),
        ),
        SchedulerDown(
            "scheduler-down",
            "the secondary's scheduler is down when the restore begins",
            "the run waits for it, and the recovery goes on by itself",
            happens=(KILLED, BACK),
        ),
        WorkerKilled(
            "worker-killed",
            "the worker is killed during the restore",
            "nothing is changed, people are told, and a redrive restores again",
            ends=("TaskKilled", "SUCCEEDED"),
            told=FAILED,
            advice=(REDRIVE,),
            restores=("failed", "success"),
        ),
        HeartbeatLost(
            "heartbeat-lost",
            "the worker hangs during the restore, and sends no heartbeat",
            "people are told, and a redrive ends that run and restores again",
            ends=("States.HeartbeatTimeout", "SUCCEEDED"),
            told=FAILED,
            advice=(REDRIVE,),
            restores=("failed", "success"),
        ),
        SecondExecution(
            "second-execution",
            "the recovery is started again after it has succeeded",
            "nothing is done, and people are told why",
            told={"No second recovery": 1},
        ),
        PrimaryReturns(
            "primary-returns",
            "the primary comes back while it is recovered",
            "the recovery goes on, and the fence pauses every DAG of the primary",
            happens=(RETURNED,),
            settings={"FENCE_PRIMARY": "YES"},
            primary_survives=True,
        ),
    )
}
"""Each with its end."""

NONE = Fault("", "", "")
"""Nothing goes wrong but the disaster."""

ABOUT_BACKUPS = (BackupAltered, HalfReplicated, ReplicationLags)
ABOUT_THE_RESTORE = (SchedulerDown, WorkerKilled, HeartbeatLost)

AND = "+"
TOGETHER = (
    "backup-altered+scheduler-down+primary-returns",
    "replication-lags+heartbeat-lost+second-execution",
    "half-replicated+creation-fails+worker-killed",
)
"""Every fault, in as few disasters as they fit into; CI plays these."""


def named(name: str) -> Fault:
    """A fault by its name, or several as `ONE+OTHER`; raises DrillError where these are none."""
    names = name.split(AND)
    if unknown := [one for one in names if one not in FAULTS]:
        raise DrillError(f"there is no fault {', '.join(unknown)}", f"Choose of {', '.join(FAULTS)}.")
    parts = [FAULTS[one] for one in names]
    return parts[0] if len(parts) == 1 else _together(name, parts)


def _together(name: str, parts: Sequence[Fault]) -> Fault:
    for what in (ABOUT_BACKUPS, ABOUT_THE_RESTORE):
        if len(same := [part for part in parts if isinstance(part, what)]) > 1:
            raise DrillError(f"{' and '.join(part.name for part in same)} cannot happen in one disaster", "Choose one.")
    told: Counter[str] = Counter()
    for part in parts:
        told.update(part.told)
    return Together(
        name,
        ", and ".join(part.words for part in parts),
        "; ".join(part.expected for part in parts),
        strategies=tuple(one for one in BOTH if all(one in part.strategies for part in parts)),
        ends=(*(end for part in parts for end in part.failures), "SUCCEEDED"),
        told=told,
        happens=tuple(words for part in parts for words in part.happens),
        passed_over="".join(part.passed_over for part in parts),
        advice=tuple(words for part in parts for words in part.advice),
        restores=(*(end for part in parts for end in part.restores[:-1]), "success"),
        settings={name: value for part in parts for name, value in part.settings.items()},
        older=max(part.older for part in parts),
        primary_survives=any(part.primary_survives for part in parts),
        parts=tuple(parts),
    )
