"""How long what is at work in an Airflow may be silent before somebody acts on it."""

from __future__ import annotations

from dataclasses import dataclass

from mwaa_dr.framework.compatibility import minor


@dataclass(frozen=True)
class Patience:
    """In seconds, and as Airflow has it unless somebody sets it."""

    task: int = 300
    """A task without a heartbeat for so long is taken for dead, or gives itself up."""
    scheduler: int = 30
    """A scheduler without one for so long is taken for dead, and its tasks are given to another."""

    def of(self, airflow_version: str) -> int:
        """The silence that a restore may cause, which beats for schedulers as long as these wait for its locks.

        A scheduler of 2.8 to 2.11 goes on from there. One of any other version first writes down the last heartbeat
        that it remembers itself, which is from before the locks. Source: `Job.heartbeat` of 16 versions.
        """
        return self.task if (2, 8) <= minor(airflow_version) < (3, 0) else min(self.task, self.scheduler)
