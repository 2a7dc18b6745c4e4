"""One failure more in a disaster, and what the solution does then: `--fault NAME`."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drill.backups import Backups
from drill.venvs import DrillError

if TYPE_CHECKING:
    from drill.executions import Execution
    from drill.story import Story

RESTORE = "Restore the metadata"
SHORT = 0.05
"""How much shorter heartbeats and time-outs are while one of them is to pass."""

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
    settings: Mapping[str, str] = field(default_factory=dict)
    older: int = 0
    """How many backups are passed over."""
    primary_survives: bool = False

    def before(self, story: Story) -> None:
        """Between the first backup and the disaster."""

    def at_the_disaster(self, story: Story) -> None:
        """Right after the Region was lost."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Again and again, while the workflow recovers."""

    def before_the_redrive(self, story: Story) -> None:
        """What a person repairs after a failure."""

    def after(self, story: Story) -> None:
        """When the secondary has taken over; raises DrillError where it is not as expected."""


class BackupAltered(Fault):
    """The newest backup was changed where it lies."""

    def before(self, story: Story) -> None:
        """There must be one before it."""
        story.until("one more backup", lambda: sum(map(story.was_seen, story.backups.stored())) > 1)

    def at_the_disaster(self, story: Story) -> None:
        """Change one byte of a table."""
        backups = story.backups
        (key,) = [key for key in backups.keys_of(backups.stored()[-1].id) if key.endswith("/task_instance.csv.gz")]
        body = bytearray(backups.body(key))
        body[len(body) // 2] ^= 1
        backups.replace(key, bytes(body))


class HalfReplicated(Fault):
    """The newest backup had come to the secondary Region in part only."""

    def before(self, story: Story) -> None:
        """Let five files of the next backup through."""
        _one_more_backup(story, copied=5)


class ReplicationLags(Fault):
    """No file of the newest backup had come."""

    def before(self, story: Story) -> None:
        """Let nothing through any more."""
        _one_more_backup(story, copied=0)


class CreationFails(Fault):
    """MWAA cannot create the environment."""

    def at_the_disaster(self, story: Story) -> None:
        """The next creation fails, and only that one."""
        place = story.site.secondary
        story.site.aws.mwaa.fail_creation(place.region, place.name, message="the drill lets it fail")


class SchedulerDown(Fault):
    """The secondary's scheduler is down when the restore is triggered, and MWAA starts it again."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Kill it before, start it a while after."""
        before = (
            "Let the standby cool off" if story.site.config.is_warm_standby else "Look at the secondary environment"
        )
        if execution.has_entered(before) and story.happens("the scheduler is killed"):
            story.secondary.airflow.end_component("scheduler")
        visit = execution.visit(RESTORE)
        if visit and time.time() - visit.entered.timestamp() > 10 and story.happens("the scheduler is back"):
            story.secondary.airflow.start("scheduler")


class WorkerKilled(Fault):
    """The worker that restores is killed in the middle of its work."""

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
        """The worker that hung is gone."""
        story.site.aws.scale(timeouts=1)
        story.secondary.signal_task("restore_metadata", signal.SIGKILL)


class SecondExecution(Fault):
    """Somebody starts the recovery again after it has succeeded."""

    def after(self, story: Story) -> None:
        """It must end without doing anything."""
        second = story.start(simulate_dr="YES")
        if second.status != "SUCCEEDED" or second.path[-1] != "The primary has failed over already":
            raise DrillError(f"the second execution {second.status} in {second.path[-1]!r}")


class PrimaryReturns(Fault):
    """The primary comes back while it is being recovered."""

    def meanwhile(self, story: Story, execution: Execution) -> None:
        """Let its Region answer again, and its Airflow run."""
        if execution.has_entered("Disable the health schedule") and story.happens("the primary is back"):
            story.site.aws.heal()
            story.primary.start()

    def after(self, story: Story) -> None:
        """The fence must pause every DAG there."""
        story.until("the fence", lambda: not story.primary.airflow.query("SELECT 1 FROM dag WHERE NOT is_paused"))


def _one_more_backup(story: Story, *, copied: int) -> None:
    """Wait for a backup of which only so many files come to the secondary Region."""
    here = Backups(story.site, story.site.config.primary)
    known = {backup.id for backup in here.stored()}
    story.site.aws.hold_replication(here.bucket, after=copied)
    story.until("a backup that is held", lambda: {backup.id for backup in here.stored()} - known)


FAILED = {"failed": 1}

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        BackupAltered(
            "backup-altered",
            "a file of the newest backup is altered before the recovery",
            "the backup is passed over, and the one before it restored",
            older=1,
        ),
        HalfReplicated(
            "half-replicated",
            "the newest backup is replicated in part",
            "the backup is passed over, and the one before it restored",
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
        ),
        SchedulerDown(
            "scheduler-down",
            "the secondary's scheduler is down when the restore begins",
            "the run waits for it, and the recovery goes on by itself",
        ),
        WorkerKilled(
            "worker-killed",
            "the worker is killed during the restore",
            "nothing is changed, people are told, and a redrive restores again",
            ends=("TaskKilled", "SUCCEEDED"),
            told=FAILED,
        ),
        HeartbeatLost(
            "heartbeat-lost",
            "the worker hangs during the restore, and sends no heartbeat",
            "people are told, and a redrive ends that run and restores again",
            ends=("States.HeartbeatTimeout", "SUCCEEDED"),
            told=FAILED,
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
            settings={"FENCE_PRIMARY": "YES"},
            primary_survives=True,
        ),
    )
}
"""Each with its end; CI plays them all."""

NONE = Fault("", "", "")
"""Nothing goes wrong but the disaster."""
