"""The settings of a run, each declared once: its type, its default, where it comes from, what it means."""

# ruff: noqa: RUF009 - setting() declares a field, as dataclasses.field does

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from mwaa_dr.framework.model import setting_kinds as kinds
from mwaa_dr.framework.model.options import BackupMode, BackupOptions, InFlight, RestoreOptions, Retention, Strategy
from mwaa_dr.framework.model.place import Place
from mwaa_dr.framework.model.setting import (
    ALL,
    BACKUP,
    CLEANUP,
    RESTORE,
    DrType,
    Setting,
    setting,
)


@dataclass(frozen=True)
class Settings(Place):
    """All settings of one run, validated; those that its operation does not use keep their defaults."""

    kms_key_arns: tuple[str, ...] = setting(
        (),
        kinds.KMS_ARNS,
        "Variables and connections are encrypted before they leave the process; each key alone opens them.",
        used_by=BACKUP,
        variable="DR_KMS_KEY_ARNS",
        default_in_words="none: they rely on the bucket's encryption",
    )
    sns_topic_arn: str = setting(
        "",
        kinds.TOPIC_ARN,
        "The topic that hears of a backup that failed or shrank.",
        used_by=BACKUP,
        variable="DR_SNS_TOPIC_ARN",
        default_in_words="none",
    )
    schedule: str = setting(
        "",
        kinds.SCHEDULE,
        "When backups are taken, in UTC; a new value counts from the next parse on.",
        used_by=BACKUP,
        variable="DR_BACKUP_SCHEDULE",
        default_in_words="none: only when triggered",
    )
    retention: Retention = setting(
        Retention(),
        kinds.RETENTION,
        "Which backups stay when a new one is complete.",
        used_by=BACKUP,
        variable="DR_BACKUP_RETENTION",
        default_in_words="`24,14d`",
    )
    backup_mode: BackupMode = setting(
        BackupOptions.backup_mode,
        kinds.choice(BackupMode),
        "All rows each time, or what has changed since the last backup; not with `CONFIG_ONLY`, which stores all.",
        used_by=BACKUP,
        conf="backup_mode",
        variable="DR_BACKUP_MODE",
    )
    full_every: int = setting(
        BackupOptions.full_every,
        kinds.whole(1, 1000),
        "With `INCREMENTAL`: one backup of so many is a full one.",
        used_by=BACKUP,
        variable="DR_FULL_EVERY",
    )
    shrink_guard_percent: int = setting(
        50,
        kinds.whole(0, 100),
        "A backup in which a core table lost more rows than this is kept, but does not become `latest`.",
        used_by=BACKUP,
        variable="DR_SHRINK_GUARD_PERCENT",
    )
    skip_unreadable_secrets: bool = setting(
        False,
        kinds.YES_NO,
        "Go on without a variable or connection that cannot be decrypted, and list it.",
        used_by=BACKUP,
        variable="DR_SKIP_UNREADABLE_SECRETS",
    )
    active_dags: tuple[str, ...] | None = setting(
        None,
        kinds.DAG_IDS,
        "The DAGs that this backup has as active, and no others, whatever the database says; the backup of a stop.",
        used_by=BACKUP,
        conf="active_dags",
        default_in_words="those that are active",
    )
    active_dags_key: str = setting(
        "",
        kinds.OBJECT_KEY,
        'The same where they are many: an object of the backup bucket with `{"active": [...]}`.',
        used_by=BACKUP,
        conf="active_dags_key",
        default_in_words="none",
    )
    stop_note: str = setting(
        "",
        kinds.OBJECT_URL,
        "The note of a stop; while it is unfinished, its DAGs are active in any other backup, too.",
        used_by=BACKUP,
        variable="DR_STOP_NOTE",
        default_in_words="none",
    )
    connections: int = setting(
        2,
        kinds.whole(1, 8),
        "Database connections that copy in parallel.",
        used_by=BACKUP,
        variable="DR_CONNECTIONS",
    )
    wait_seconds: int = setting(
        600,
        kinds.whole(0, 86_400),
        "How long a backup waits for another one of the same database.",
        used_by=BACKUP,
        variable="DR_WAIT_SECONDS",
    )
    lock_seconds: int = setting(
        1800,
        kinds.whole(1, 86_400),
        "The merge is undone when it would hold its locks longer than this.",
        used_by=RESTORE | CLEANUP,
        variable="DR_LOCK_SECONDS",
    )
    exclusive_seconds: int = setting(
        RestoreOptions.exclusive_seconds,
        kinds.whole(0, 120),
        "How long a restore into empty tables may be expected to lock these as a whole, which is faster; `0`: never.",
        used_by=RESTORE,
        variable="DR_EXCLUSIVE_SECONDS",
    )
    backup_id: str = setting(
        "",
        kinds.BACKUP_ID,
        "The backup to restore.",
        used_by=RESTORE,
        conf="backup_id",
        default_in_words="`latest`",
    )
    source: str = setting(
        "",
        kinds.ENVIRONMENT_ID,
        "The environment whose backup is restored, as its folder is named: `<name>.<Region>`.",
        used_by=RESTORE,
        conf="environment",
        default_in_words="the only one that has backups there",
    )
    variable_restore_strategy: Strategy = setting(
        Strategy.APPEND,
        kinds.choice(Strategy),
        "Variables: keep those that are there, replace them, or restore none.",
        used_by=RESTORE,
        conf="variable_restore_strategy",
        variable="DR_VARIABLE_RESTORE_STRATEGY",
    )
    connection_restore_strategy: Strategy = setting(
        Strategy.APPEND,
        kinds.choice(Strategy),
        "Connections: keep those that are there, replace them, or restore none.",
        used_by=RESTORE,
        conf="connection_restore_strategy",
        variable="DR_CONNECTION_RESTORE_STRATEGY",
    )
    in_flight: InFlight = setting(
        InFlight.DROP,
        kinds.choice(InFlight),
        "Interrupted runs: not restored as running, or cleared and queued (only with `primary_fenced`).",
        used_by=RESTORE,
        conf="in_flight",
    )
    primary_fenced: bool = setting(
        False,
        kinds.YES_NO,
        "The caller's word that the primary runs nothing any more.",
        used_by=RESTORE,
        conf="primary_fenced",
    )
    activate_dags: bool = setting(
        True,
        kinds.YES_NO,
        "DAGs that were active become active; `false`, for a drill: each stays as it is here, a new one is paused.",
        used_by=RESTORE,
        conf="activate_dags",
    )
    force: bool = setting(
        False, kinds.YES_NO, "Clean up although other runs are running.", used_by=CLEANUP, conf="force"
    )
    batched: int = setting(
        0,
        kinds.BATCH,
        f"Commit after each batch of whole runs; `true` means {kinds.DEFAULT_BATCH:,} runs.",
        used_by=CLEANUP,
        conf="batched",
        default_in_words="`false`: one transaction",
    )
    dry_run: bool = setting(
        False,
        kinds.YES_NO,
        "Say what would be done and change nothing.",
        used_by=RESTORE | CLEANUP,
        conf="dry_run",
    )
    dr_type: DrType | None = setting(
        None,
        kinds.choice(DrType),
        "Which workflow asks: a recovery by its strategy, a stop or a start; told in the log.",
        used_by=ALL,
        conf="dr_type",
        default_in_words="none",
    )
    task_token: str = setting(
        "",
        kinds.TASK_TOKEN,
        "The Step Functions task that waits for the run's answer.",
        used_by=ALL,
        conf="task_token",
        default_in_words="none",
        secret=True,
    )
    task_token_region: str = setting(
        "",
        kinds.REGION,
        "The Region of the workflow that waits.",
        used_by=ALL,
        conf="task_token_region",
        default_in_words="this environment's",
    )
    heartbeat_seconds: int = setting(
        60,
        kinds.whole(1, 3600),
        "How often the waiting workflow hears that the work goes on.",
        used_by=ALL,
        variable="DR_HEARTBEAT_SECONDS",
    )


def table() -> list[Setting]:
    """Every setting, in the order of their declaration."""
    return [Setting(name=field.name, default=field.default, **field.metadata) for field in dataclasses.fields(Settings)]
