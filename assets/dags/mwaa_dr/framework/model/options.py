"""What a backup, a restore and a cleanup are asked to do, validated; the engine trusts these."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.patience import Patience

OWN_DAGS = ("backup_metadata", "restore_metadata", "cleanup_metadata")
"""The ids that this package's DAGs have unless a user chose others; those carry its tag."""


class Strategy(str, Enum):
    """What becomes of variables (or connections) that are already there."""

    APPEND = "APPEND"
    REPLACE = "REPLACE"
    DO_NOTHING = "DO_NOTHING"


class InFlight(str, Enum):
    """What becomes of the work that was interrupted at the snapshot."""

    DROP = "drop"
    RESUME = "resume"


class BackupMode(str, Enum):
    """How much a backup stores."""

    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"
    """What has changed since the last one, where that can be known; else all."""


@dataclass(frozen=True)
class Retention:
    """Which backups are kept: the newest `newest`, and the newest of each of `days` days; 0 and 0 keep all."""

    newest: int = 24
    days: int = 14

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is ever deleted."""
        return self.newest == 0 and self.days == 0


@dataclass(frozen=True)
class OwnRun:
    """The DAG run that does the work, so that it neither backs up nor removes itself."""

    dag_id: str
    run_id: str


@dataclass(frozen=True)
class BackupOptions:
    """A backup of one environment."""

    environment: Environment
    airflow_version: str
    fernet_keys: str = field(default="", repr=False)
    """As Airflow's `core.fernet_key`: comma-separated, the first one encrypts."""
    kms_key_arns: tuple[str, ...] = ()
    connections: int = 2
    piece_size: int = 32 << 20
    """Tables of fewer bytes than twice that are not split; see framework/pieces.py."""
    backup_mode: BackupMode = BackupMode.FULL
    full_every: int = 24
    """With INCREMENTAL one backup of so many is a full one."""
    increment_size: int = 1 << 20
    """Tables of fewer bytes are whole in each increment."""
    skip_unreadable_secrets: bool = False
    shrink_guard_percent: int = 50
    retention: Retention = Retention()
    own_dags: tuple[str, ...] = ()
    wait_seconds: int = 600
    """How long to wait for another backup of the same database to end."""
    active_dags: tuple[str, ...] | None = None
    """The DAGs that the backup has as active, and no others; None: those that are active in the database."""
    stop_note: str = ""
    """Where a stop notes the DAGs that it pauses, `s3://bucket/key`: without `active_dags` they are active, too."""


@dataclass(frozen=True)
class RestoreOptions:
    """A restore of one backup into one database."""

    environment: Environment
    """The target."""
    airflow_version: str
    backup_id: str = ""
    """Empty: the latest."""
    source: str = ""
    """Environment id whose backup is meant; empty: the only one that has backups there."""
    variables: Strategy = Strategy.APPEND
    connections: Strategy = Strategy.APPEND
    in_flight: InFlight = InFlight.DROP
    activate_dags: bool = True
    """False: DAGs stay paused or active as the target has them, and those that it does not know are paused."""
    fernet_keys: str = field(default="", repr=False)
    own_dags: tuple[str, ...] = ()
    own_run: OwnRun | None = None
    dry_run: bool = False
    lock_seconds: int = 1800
    """The merge gives up, and nothing is changed, when it holds its locks longer than this."""
    exclusive_seconds: int = 60
    """The fast way, which locks the tables of the runs as a whole, is taken for so long at most; 0: never."""
    patience: Patience = field(default_factory=Patience)
    """That of what is at work in the target."""
    exclusive_rows: int = 50_000
    """Fewer rows are not worth the fast way."""

    def strategy_of(self, table: str) -> Strategy | None:
        """What becomes of the rows of a table; None where the table has a rule of its own."""
        return {"variable": self.variables, "connection": self.connections}.get(table)

    def untouched_dags(self, ours: Collection[str], *, same_environment: bool) -> set[str]:
        """DAGs of ours whose paused state stays: the one that restores, lest it holds up its own run.

        The others belong to one environment.
        """
        running = {self.own_run.dag_id} if self.own_run else set()
        return running if same_environment else running | {*ours}


@dataclass(frozen=True)
class CleanupOptions:
    """Empty what a restore fills."""

    own_dags: tuple[str, ...] = ()
    own_run: OwnRun | None = None
    force: bool = False
    """Go on although other runs are running."""
    batch_runs: int = 0
    """Commit after each batch of this many whole runs; 0: one transaction."""
    dry_run: bool = False
    lock_seconds: int = 1800
