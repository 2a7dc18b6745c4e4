"""Backups in a bucket, judged by what is in it: no pointer is believed, since replication has no order.

`{"bucket", "region", "path_prefix", "environment", "backup_id"|null}` -> the facts of that backup, or of the newest
one that is whole. Permissions: s3:ListBucket and s3:GetObject on the backup bucket, kms:Decrypt for its key.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.functions import clock
from lib.functions.aws import client
from lib.functions.backup_manifest import (
    MANIFEST_NAME,
    REPORT_NAME,
    TIME_FORM,
    DamagedBackup,
    Manifest,
    StoredFile,
    backup_time,
    read,
)
from lib.functions.calls import calling
from lib.functions.errors import PreflightFailed
from lib.functions.listed import listed
from lib.functions.mwaa import Place

AFFORDABLE = 1 << 30
"""Bytes that are read to compare their SHA-256: half a minute of a small function; the restore compares them all."""

LOOK_BACK = 48
"""Backups that are looked at before it is said that none is whole."""

NAMED = 3
"""How many things of a kind a sentence lists."""

CHUNK = 1 << 20

ARCHIVE_ONLY = "is CONFIG_ONLY, the configuration and an archive of the history"

SHRANK = "lost much of what the one before it held, so the engine did not make it the latest"


@dataclass(frozen=True)
class Backup:
    """A backup whose files are all there."""

    manifest: Manifest
    is_promoted: bool
    """Whether the engine trusted it: one that lost much of what the last one held is kept, but not made the latest."""
    unread: tuple[StoredFile, ...] = ()
    """Files of which only the size was compared."""

    @property
    def id(self) -> str:
        """Its name."""
        return self.manifest.backup_id

    def facts(self, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
        """What a state machine is told of it."""
        age = clock.now() - self.manifest.snapshot_time
        return {
            "backup_id": self.id,
            "backup_environment": self.manifest.environment_id,
            "snapshot_time": self.manifest.snapshot_time.isoformat(),
            "age_seconds": int(age.total_seconds()),
            "rows": self.manifest.rows,
            "warnings": [*warnings, *self.doubts()],
        }

    def doubts(self) -> Iterator[str]:
        """What it lacks, and what was not proved about it."""
        if self.manifest.is_config_only:
            yield f"backup {self.id} {ARCHIVE_ONLY}: the history stays in the backup, and no restore brings it back"
        if self.unread:
            size, names = sum(file.size for file in self.unread), [file.path for file in self.unread]
            yield (
                f"backup {self.id}: of {listed(names, NAMED)} ({size:,} bytes) only the sizes were"
                " compared; the restore compares the rest before it changes anything"
            )


@dataclass(frozen=True)
class Found:
    """The backup to restore, and what is to be known about the choice."""

    backup: Backup
    warnings: tuple[str, ...]


@dataclass
class BackupBucket:
    """All backups below one prefix of a bucket."""

    s3: Any
    bucket: str
    path_prefix: str
    budget: int = AFFORDABLE
    """Bytes that may still be read."""

    @classmethod
    def reach(cls, bucket: str, region: str, path_prefix: str) -> BackupBucket:
        """With a client of its own, patient enough for large objects."""
        return cls(client("s3", region, read=60, attempts=5), bucket, path_prefix)

    def newest(self, environment_id: str) -> Found:
        """The newest backup that is whole and that the engine trusted; raises DamagedBackup when none is."""
        ids = self.ids(environment_id)
        warnings: list[str] = []
        untrusted: Backup | None = None
        for backup_id in ids[:LOOK_BACK]:
            backup, reason = self._judged(environment_id, backup_id)
            if backup and not reason:
                return Found(backup, _few(warnings))
            untrusted = untrusted or backup
            warnings.append(f"backup {backup_id} is passed over: {reason}")
        if untrusted:
            return Found(untrusted, (f"backup {untrusted.id} {SHRANK}; there is no other: look at what it lacks",))
        place = f"s3://{self.bucket}/{self._folder(environment_id)}"
        reasons = f": {'; '.join(_few(warnings))}" if warnings else ""
        raise DamagedBackup(f"there is no whole backup in {place} ({len(ids)} were begun){reasons}")

    def _judged(self, environment_id: str, backup_id: str) -> tuple[Backup | None, str]:
        """The backup, if it is whole, and why it should be passed over; empty: it should not."""
        try:
            backup = self._hashed(self.complete(environment_id, backup_id))
        except DamagedBackup as error:
            return None, str(error)
        return backup, "" if backup.is_promoted else f"it {SHRANK}"

    def verify(self, environment_id: str, backup_id: str) -> Backup:
        """That backup, with every file there and unaltered; raises DamagedBackup."""
        return self._hashed(self.complete(environment_id, backup_id))

    def newest_whole(self, environment_id: str, *, since: datetime | None = None, known: str = "") -> str:
        """The newest backup with all its files here, begun after a moment; empty: none. No file is read.

        What is `known` was found whole before, and is not looked at again.
        """
        for backup_id in self.ids(environment_id, since=since)[:LOOK_BACK]:
            with contextlib.suppress(DamagedBackup):
                return backup_id if backup_id == known else self.complete(environment_id, backup_id).id
        return ""

    def ids(self, environment_id: str, *, since: datetime | None = None) -> list[str]:
        """All backups that have a file here, newest first; with `since` those that were begun after it."""
        folder = self._folder(environment_id)
        after = {"StartAfter": f"{folder}{since:{TIME_FORM}}"} if since else {}
        pages = self._pages(folder, Delimiter="/", **after)
        names = (entry["Prefix"][len(folder) : -1] for page in pages for entry in page.get("CommonPrefixes", ()))
        return sorted((name for name in names if backup_time(name)), reverse=True)

    def complete(self, environment_id: str, backup_id: str) -> Backup:
        """The backup, with every file there in its size, none of them read; raises DamagedBackup."""
        folder, sizes = self._folder(environment_id, backup_id), self._sizes(environment_id, backup_id)
        if MANIFEST_NAME not in sizes:
            raise DamagedBackup("it has no manifest here: not completed, or not yet replicated")
        manifest = read(self._get(folder + MANIFEST_NAME), environment_id, backup_id)
        there = {older: self._sizes(environment_id, older) for older in sorted(manifest.folders - {backup_id})}
        for what, names in _faults(manifest, {**there, backup_id: sizes}).items():
            if names:
                raise DamagedBackup(f"{what} here: {listed(names, NAMED)}, {len(names)} of {len(manifest.files)} files")
        promoted = REPORT_NAME not in sizes or _is_promoted(self._get(folder + REPORT_NAME))
        return Backup(manifest, promoted, manifest.files)

    def _sizes(self, environment_id: str, backup_id: str) -> dict[str, int]:
        """The objects of a backup that are here, with their sizes."""
        folder = self._folder(environment_id, backup_id)
        return {
            entry["Key"][len(folder) :]: entry["Size"]
            for page in self._pages(folder)
            for entry in page.get("Contents", ())
        }

    def _hashed(self, backup: Backup) -> Backup:
        """The backup, with as many files read as can be afforded, the small ones first."""
        files = sorted(backup.manifest.files, key=lambda file: file.size)
        while files and files[0].size <= self.budget:
            file = files.pop(0)
            self.budget -= file.size
            self.check(backup, file)
        return Backup(backup.manifest, backup.is_promoted, tuple(files))

    def check(self, backup: Backup, file: StoredFile, also: Callable[[bytes], object] = lambda _: None) -> None:
        """Read a file, which `also` gets in pieces; raises DamagedBackup where its SHA-256 is another."""
        folder = self._folder(backup.manifest.environment_id, backup.manifest.folder_of(file))
        key, digest = folder + file.name, hashlib.sha256()
        with calling(f"read s3://{self.bucket}/{key}"):
            for chunk in self._open(key).iter_chunks(CHUNK):
                digest.update(chunk)
                also(chunk)
        if digest.hexdigest() != file.sha256:
            raise DamagedBackup(f"file '{file.path}' was altered: its SHA-256 is not the manifest's")

    def _get(self, key: str) -> bytes:
        with calling(f"read s3://{self.bucket}/{key}"):
            data: bytes = self._open(key).read()
        return data

    def _open(self, key: str) -> Any:
        try:
            return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"]
        except self.s3.exceptions.NoSuchKey as error:
            raise DamagedBackup(f"'{key.rpartition('/')[2]}' is gone since it was listed") from error

    def _pages(self, folder: str, **arguments: str) -> Iterator[Mapping[str, Any]]:
        with calling(f"list s3://{self.bucket}/{folder}"):
            yield from self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder, **arguments)

    def _folder(self, *names: str) -> str:
        return "/".join((*filter(None, [self.path_prefix.strip("/")]), *names, ""))


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """The facts of a backup, or of the newest; raises PreflightFailed when it is not whole."""
    place = Place.of(event["environment"])
    bucket = BackupBucket.reach(event["bucket"], event["region"], event["path_prefix"])
    backup_id = event.get("backup_id")
    try:
        if not backup_id:
            found = bucket.newest(place.id)
            return found.backup.facts(found.warnings)
        return bucket.verify(place.id, backup_id).facts()
    except DamagedBackup as error:
        what = f"backup {backup_id} of '{place.id}': " if backup_id else ""
        raise PreflightFailed(f"{what}{error}") from error


def _faults(manifest: Manifest, there: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """What is wrong -> the files that have it; `there` has the sizes in the folder of each backup."""
    found = [(file, there[manifest.folder_of(file)].get(file.name)) for file in manifest.files]
    return {
        "no files of a backup": [file.path for file, _ in found if "/" in file.name],
        "missing": [file.path for file, size in found if size is None],
        "of another size": [file.path for file, size in found if size != file.size],
    }


def _is_promoted(report: bytes) -> bool:
    """What the engine's report says; one that cannot be read says nothing."""
    try:
        return json.loads(report).get("promoted") is not False
    except (ValueError, AttributeError):
        return True


def _few(warnings: list[str]) -> tuple[str, ...]:
    more = (f"{len(warnings) - NAMED} older ones are passed over, too",) if len(warnings) > NAMED else ()
    return (*warnings[:NAMED], *more)
