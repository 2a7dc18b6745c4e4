"""What each command does with its arguments: build the options, call the engine, hand back what came out."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mwaa_dr.cli.arguments import FERNET_VARIABLE
from mwaa_dr.framework import text
from mwaa_dr.framework.errors import DamagedBackupError, DatabaseError, DrError, SettingError
from mwaa_dr.framework.model.options import OWN_DAGS, BackupOptions, CleanupOptions, RestoreOptions
from mwaa_dr.framework.model.tables import Tables
from mwaa_dr.framework.progress import Progress

if TYPE_CHECKING:
    from mwaa_dr.framework.database.connection import MetadataDb
    from mwaa_dr.framework.report import Report
    from mwaa_dr.framework.storage.storage import Storage


def without_password(message: str, url: str) -> str:
    """A message in which no part of a URL's password is left, however the URL was misread."""
    _, _, password = url.partition("://")[2].rpartition("@")[0].partition(":")
    for part in sorted(re.findall(r"\w{3,}", f"{password} {unquote(password)}"), key=len, reverse=True):
        message = message.replace(part, "***")
    return message


@dataclass(frozen=True)
class Outcome:
    """What a command did, for programs and for people."""

    document: bytes
    lines: list[str]
    problem: DrError | None = None
    """It was done, but what came out is not as it should be."""


@dataclass
class Session:
    """One command at work."""

    asked: argparse.Namespace
    environ: Mapping[str, str]
    progress: Progress
    db: MetadataDb | None = None
    """The database as soon as it is used, for whoever must cancel it."""
    notes: list[str] = field(default_factory=list)

    def run(self) -> Outcome:
        """Do what was asked; raise a DrError with one clear line when it fails."""
        try:
            return COMMANDS[self.asked.command](self)
        except DatabaseError as err:
            # The driver repeats parts of a URL that it cannot read.
            err.message = without_password(err.message, self.asked.database)
            err.args = (err.message,)
            raise

    def database(self) -> MetadataDb:
        """The metadata database."""
        from mwaa_dr.framework.database.connection import MetadataDb

        if "://" not in self.asked.database:
            # Never shown: what was taken for a URL may be a password.
            raise SettingError("the database's URL is none", "Use postgresql://user:password@host:port/name.")
        self.db = MetadataDb.from_url(self.asked.database)
        return self.db

    def storage(self) -> Storage:
        """The storage at the folder of the backups."""
        from mwaa_dr.framework.storage.open import open_storage

        prefix = self.asked.prefix.strip("/")
        url = f"{self.asked.storage.rstrip('/')}/{prefix}" if prefix else self.asked.storage
        return open_storage(url, kms_key_arn=self.asked.s3_kms_key_arn, region=self.asked.region)

    def airflow_version(self, db: MetadataDb) -> str:
        """As it was named, or the first one with the schema of the database."""
        from mwaa_dr.framework.database.catalog import alembic_revision, read_catalog
        from mwaa_dr.versions import version_of

        if self.asked.airflow_version:
            return str(self.asked.airflow_version)
        with db.transaction() as cursor:
            read_catalog(cursor)
            revision = alembic_revision(cursor)
        return version_of(revision)

    def tables(self, version: str) -> Tables:
        """The tables of a version, or those of them that were chosen."""
        from mwaa_dr.versions import factory_for

        tables = factory_for(version).tables
        return tables.only(self.asked.tables) if self.asked.tables else tables

    def fernet_keys(self) -> str:
        """From the file, else from the command line, else from the environment variable."""
        if self.asked.fernet_key_file:
            try:
                return Path(self.asked.fernet_key_file).read_text(encoding="ascii").strip()
            except (OSError, ValueError) as err:
                raise SettingError(
                    f"the Fernet key file cannot be read ({type(err).__name__})", "Check its path and its rights."
                ) from None
        return str(self.asked.fernet_key or self.environ.get(FERNET_VARIABLE, ""))

    def told(self, report: Report) -> Outcome:
        """A report as the outcome of the command."""
        report.notes[:0] = self.notes
        problem = None
        if report.promoted is False:
            problem = DrError(
                f"backup {report.backup_id} is complete, but it did not become the latest",
                "See its notes; restore it by its id where it is what you want.",
            )
        return Outcome(report.to_json(), report.lines(), problem)


def _backup(session: Session) -> Outcome:
    from mwaa_dr.framework.backup import take_backup

    asked, db = session.asked, session.database()
    storage = session.storage()
    fernet_keys = session.fernet_keys()
    version = session.airflow_version(db)
    options = BackupOptions(
        environment=asked.environment,
        airflow_version=version,
        fernet_keys=fernet_keys,
        kms_key_arns=tuple(asked.kms_key_arn),
        connections=asked.parallel,
        backup_mode=asked.mode,
        full_every=asked.full_every,
        skip_unreadable_secrets=asked.skip_unreadable_secrets,
        shrink_guard_percent=asked.shrink_guard,
        retention=asked.retention,
        own_dags=OWN_DAGS,
        wait_seconds=asked.wait,
    )
    return session.told(take_backup(db, session.tables(version), storage, options, session.progress))


def _restore(session: Session) -> Outcome:
    from mwaa_dr.framework.restore import restore_backup

    asked, db = session.asked, session.database()
    fernet_keys = session.fernet_keys()
    version = session.airflow_version(db)
    tables = session.tables(version)
    options = RestoreOptions(
        environment=asked.environment,
        airflow_version=version,
        backup_id="" if asked.from_legacy else asked.backup,
        source="" if asked.from_legacy else asked.source,
        variables=asked.variables,
        connections=asked.connections,
        in_flight=asked.in_flight,
        fernet_keys=fernet_keys,
        own_dags=OWN_DAGS,
        dry_run=asked.dry_run,
        lock_seconds=asked.lock_seconds,
        exclusive_seconds=asked.exclusive_seconds,
    )
    with ExitStack() as stack:
        storage = session.storage()
        if asked.from_legacy:
            storage = _converted(session, storage, stack)
        return session.told(restore_backup(db, tables, storage, options, session.progress))


def _converted(session: Session, storage: Storage, stack: ExitStack) -> Storage:
    """A backup of our own, in a folder that only we can read and that is gone afterwards."""
    from mwaa_dr.framework.legacy import convert_legacy

    session.progress.phase("convert the old backup")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mwaa-dr-legacy-"))
    converted, notes = convert_legacy(storage, "", "", Path(folder), session.progress)
    session.notes += notes
    return converted


def _cleanup(session: Session) -> Outcome:
    from mwaa_dr.framework.cleanup import clean_up

    asked, db = session.asked, session.database()
    options = CleanupOptions(
        own_dags=OWN_DAGS,
        force=asked.force,
        batch_runs=asked.batch_runs,
        dry_run=asked.dry_run,
        lock_seconds=asked.lock_seconds,
    )
    tables = session.tables(session.airflow_version(db))
    return session.told(clean_up(db, tables, options, session.progress))


def _verify(session: Session) -> Outcome:
    from mwaa_dr.framework.verify import Level, verify_backup

    asked = session.asked
    level = Level(asked.level)
    db = session.database() if level is Level.REHEARSE else None
    found = verify_backup(
        session.storage(),
        level,
        source=asked.source,
        backup_id=asked.backup,
        region=asked.region,
        db=db,
        airflow_version=session.airflow_version(db) if db else "",
        progress=session.progress,
    )
    problem = None
    if not found.passed:
        failed = text.counted(len(found.failed), "check")
        hint = "Restore another one: `list` names them."
        problem = DamagedBackupError(f"backup {found.backup_id} is not whole: {failed} failed", hint)
    return Outcome(found.to_json(), found.lines(), problem)


def _list(session: Session) -> Outcome:
    from mwaa_dr.cli.listing import listed

    storage = session.storage()
    backups = listed(storage, session.asked.source)
    document = {"report_format": 1, "operation": "list", "storage": storage.url, "backups": [vars(b) for b in backups]}
    if not backups:
        return Outcome(json.dumps(document).encode(), [f"there is no backup in {storage.url}"])
    head = ["environment", "backup", "Airflow", "rows", "bytes", ""]
    rows = [
        [b.environment, b.backup_id, b.airflow_version, f"{b.rows:,}", text.size(b.size), b.remark] for b in backups
    ]
    lines = text.aligned([head, *rows], left=(0, 1, 2, 5))
    return Outcome(json.dumps(document, indent=1).encode(), lines)


COMMANDS: Mapping[str, Callable[[Session], Outcome]] = {
    "backup": _backup,
    "restore": _restore,
    "cleanup": _cleanup,
    "verify": _verify,
    "list": _list,
}
