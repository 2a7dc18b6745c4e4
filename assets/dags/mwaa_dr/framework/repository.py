"""Backups in a storage: `<environment id>/<backup id>/<files>`, the manifest last, then `latest.json`."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mwaa_dr.framework.backup_id import backup_time
from mwaa_dr.framework.errors import (
    DamagedBackupError,
    IncompatibleBackupError,
    MissingBackupError,
    MissingObjectError,
    SettingError,
    StorageError,
)
from mwaa_dr.framework.manifest import LATEST_NAME, MANIFEST_NAME, Manifest, StoredFile
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.retention import expired
from mwaa_dr.framework.storage.hashing import CHUNK, HashingReader
from mwaa_dr.framework.storage.storage import Storage

ABANDONED = timedelta(hours=24)
"""A backup without a manifest may still be at work for so long."""
HINTED = 5
"""How many backup ids a hint lists."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pointer:
    """What `latest.json` holds."""

    backup_id: str
    manifest_sha256: str
    snapshot_time: str

    def to_json(self) -> bytes:
        """The pointer as its own file holds it."""
        return json.dumps(self.__dict__, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Pointer:
        """Read a pointer; raise ValueError where it is none."""
        raw = json.loads(data)
        if not isinstance(raw, dict):
            raise ValueError("a pointer is an object")  # noqa: TRY004  # the caller expects one class
        values = [raw.get(name) for name in ("backup_id", "manifest_sha256", "snapshot_time")]
        if not all(isinstance(value, str) for value in values) or not backup_time(str(values[0])):
            raise ValueError("a pointer names a backup, a hash and a time")
        return cls(*map(str, values))


class BackupRepository:
    """All backups of all environments below one storage; environments are named by `Environment.id`."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def environments(self) -> list[str]:
        """The environments that have a complete backup."""
        return [name for name in self.storage.folders() if self._listing(name)[0]]

    def backup_ids(self, environment: str) -> list[str]:
        """The complete backups, oldest first."""
        return self._listing(environment)[0]

    def path(self, environment: str, backup_id: str, file: str) -> str:
        """Where a file of a backup lies in the storage."""
        if not environment or "/" in environment:
            raise SettingError(f"'{environment}' cannot be an environment's name", "Use one without '/'.")
        return f"{environment}/{backup_id}/{file}"

    def manifest(self, environment: str, backup_id: str) -> Manifest:
        """The manifest of a backup that may be named wrongly, not be complete, or be damaged."""
        return self._parse(environment, backup_id, self._manifest_bytes(environment, backup_id))

    def latest(self, environment: str) -> Manifest:
        """The newest backup that was promoted, checked against its pointer."""
        pointer = self._pointer(environment)
        try:
            data = self.storage.get(self.path(environment, pointer.backup_id, MANIFEST_NAME))
        except MissingObjectError as err:
            message = (
                f"the latest backup of '{environment}', {pointer.backup_id}, is not there:"
                " removed, or not yet replicated to this place"
            )
            raise MissingBackupError(message, self._newest_hint(environment)) from err
        if hashlib.sha256(data).hexdigest() != pointer.manifest_sha256:
            raise DamagedBackupError(
                f"the manifest of {pointer.backup_id} is not the one that '{environment}' promoted to latest",
                self._newest_hint(environment, but=pointer.backup_id),
            )
        return self._parse(environment, pointer.backup_id, data)

    def choose(self, source: str = "", backup_id: str = "") -> Manifest:
        """The backup that a person means: by default the latest one of the only environment."""
        environment = source or self._only_environment()
        if backup_id:
            return self.manifest(environment, backup_id)
        return self.latest(environment)

    def publish(self, manifest: Manifest, *, promote: bool) -> None:
        """Make a backup exist by its manifest and, with `promote`, make it the environment's latest.

        It can be called again, to promote later: once that was tried the backup must stay, since `latest`
        may point at it even where the storage said that it failed.
        """
        environment, data = manifest.environment.id, manifest.to_json()
        path = self.path(environment, manifest.backup_id, MANIFEST_NAME)
        try:
            taken = self.storage.get(path) != data
        except MissingObjectError:
            self.storage.put(path, data)
        else:
            if taken:
                raise StorageError(f"backup {manifest.backup_id} of '{environment}' was published before")
        if promote:
            digest = hashlib.sha256(data).hexdigest()
            pointer = Pointer(manifest.backup_id, digest, manifest.snapshot_time)
            self.storage.put(f"{environment}/{LATEST_NAME}", pointer.to_json())

    def remove(self, environment: str, backup_id: str) -> None:
        """Delete a backup, its manifest first, so that one deleted by half never looks complete."""
        self.storage.delete([self.path(environment, backup_id, MANIFEST_NAME)])
        self.storage.delete(list(self.storage.paths(f"{environment}/{backup_id}")))

    def expire(self, environment: str, retention: Retention, *, now: datetime) -> list[str]:
        """Delete what retention gives up and backups that never completed; return the ids deleted."""
        complete, incomplete = self._listing(environment)
        abandoned = [i for i in incomplete if (backup_time(i) or now) < now - ABANDONED]
        given_up = {*expired(complete, retention, self._anchor(environment)), *abandoned}
        doomed = sorted(given_up - self._needed(environment, complete, given_up))
        # The newest first: one that is left when this is interrupted has all that it adds to.
        for backup_id in reversed(doomed):
            self.remove(environment, backup_id)
            logger.info("backup deleted", extra={"environment": environment, "backup_id": backup_id})
        try:
            self.storage.sweep(environment, now - ABANDONED)
        except StorageError as err:
            logger.warning("what killed backups left was not removed", extra={"reason": err.message})
        return doomed

    def _needed(self, environment: str, complete: list[str], given_up: set[str]) -> set[str]:
        """Those given up that hold files of one that stays."""
        needed: set[str] = set()
        for backup_id in complete if given_up else ():
            if backup_id in given_up or backup_id < min(given_up):
                continue
            try:
                needed |= self.manifest(environment, backup_id).references
            except (DamagedBackupError, MissingBackupError):
                continue  # nothing can be restored from it
            except IncompatibleBackupError:
                # Of a newer version of this package, which knows what it needs: it may be anything older.
                needed |= {older for older in given_up if older < backup_id}
        return needed

    def verify_files(self, manifest: Manifest, progress: Progress | None = None, *, own: bool = False) -> None:
        """Read every file whole; raise DamagedBackupError for the first that is not as the manifest says.

        With `own` only those in the backup's own folder.
        """
        for file in manifest.files:
            if not (own and file.backup_id):
                self.verify_file(manifest, file, progress or Progress())

    def verify_file(self, manifest: Manifest, file: StoredFile, progress: Progress) -> None:
        """The same of one file."""
        started = time.monotonic()
        progress.start(file.name, file.size)
        if "/" in file.file:
            raise self._damaged(manifest, file, "is not a file of this backup")
        path = self.path(manifest.environment.id, manifest.folder_of(file), file.file)
        try:
            size = self.storage.size(path)
            if size != file.size:
                what = "is truncated" if size < file.size else "is longer than it was"
                raise self._damaged(manifest, file, f"{what}: {size} bytes, {file.size} by the manifest")
            with self.storage.open_reader(path) as reader:
                hashing = HashingReader(reader)
                while data := hashing.read(CHUNK):
                    progress.advance(file.name, len(data))
        except MissingObjectError as err:
            raise self._damaged(manifest, file, "is missing") from err
        if (hashing.size, hashing.sha256) != (file.size, file.sha256):
            raise self._damaged(manifest, file, "was altered: its SHA-256 is not the manifest's")
        progress.finish(file.name, file.rows, time.monotonic() - started)

    def _damaged(self, manifest: Manifest, file: StoredFile, what: str) -> DamagedBackupError:
        environment, backup_id = manifest.environment.id, manifest.backup_id
        hint = self._newest_hint(environment, but=backup_id)
        needed = f", which backup {backup_id} adds to," if file.backup_id else ""
        place = f"file '{file.file}' of backup {manifest.folder_of(file)} of '{environment}'{needed}"
        return DamagedBackupError(f"{place} {what}", hint)

    def _listing(self, environment: str) -> tuple[list[str], list[str]]:
        """The ids of the complete and of the incomplete backups, each oldest first."""
        found: set[str] = set()
        complete: set[str] = set()
        for backup_id, file in self._files(environment):
            found.add(backup_id)
            if file == MANIFEST_NAME:
                complete.add(backup_id)
        return sorted(complete), sorted(found - complete)

    def _files(self, environment: str) -> Iterator[tuple[str, str]]:
        for path in self.storage.paths(environment):
            backup_id, _, file = path[len(environment) + 1 :].partition("/")
            if file and backup_time(backup_id):
                yield backup_id, file

    def _only_environment(self) -> str:
        environments = self.environments()
        if not environments:
            raise MissingBackupError(f"there is no backup in {self.storage.url}", "Check the storage and its prefix.")
        if len(environments) > 1:
            message = f"{self.storage.url} holds backups of several environments and none was named"
            raise SettingError(message, f"Name one of: {', '.join(environments)}.")
        return environments[0]

    def _manifest_bytes(self, environment: str, backup_id: str) -> bytes:
        if backup_time(backup_id):
            try:
                return self.storage.get(self.path(environment, backup_id, MANIFEST_NAME))
            except MissingObjectError:
                logger.debug("no manifest there", extra={"backup_id": backup_id})
        complete, incomplete = self._listing(environment)
        if not complete:
            raise self._no_backup(environment)
        if backup_id in incomplete:
            message = f"backup {backup_id} of '{environment}' has no manifest: not completed, or not yet replicated"
        else:
            message = f"there is no backup {backup_id!r} of '{environment}' in {self.storage.url}"
        newest = ", ".join(reversed(complete[-HINTED:]))
        raise MissingBackupError(message, f"The newest ones are {newest}.")

    def _parse(self, environment: str, backup_id: str, data: bytes) -> Manifest:
        place = f"backup {backup_id} of '{environment}'"
        try:
            manifest = Manifest.from_json(data)
        except IncompatibleBackupError as err:
            raise IncompatibleBackupError(f"{place}: {err.message}", err.hint) from err
        except DamagedBackupError as err:
            hint = self._newest_hint(environment, but=backup_id)
            raise DamagedBackupError(f"{place}: {err.message}", hint) from err
        if (manifest.environment.id, manifest.backup_id) != (environment, backup_id):
            raise DamagedBackupError(
                f"{place} has the manifest of {manifest.backup_id} of '{manifest.environment.id}'",
                self._newest_hint(environment, but=backup_id),
            )
        return manifest

    def _pointer(self, environment: str) -> Pointer:
        path = f"{environment}/{LATEST_NAME}"
        try:
            return Pointer.from_json(self.storage.get(path))
        except MissingObjectError as err:
            if not self.backup_ids(environment):
                raise self._no_backup(environment) from err
            message = f"no backup of '{environment}' was promoted to latest"
            raise MissingBackupError(message, self._newest_hint(environment)) from err
        except (ValueError, RecursionError) as err:
            message = f"{self.storage.url}/{path} cannot be read"
            raise DamagedBackupError(message, self._newest_hint(environment)) from err

    def _anchor(self, environment: str) -> str:
        """The id that `latest` names; empty where it names none that can be read."""
        try:
            return self.latest(environment).backup_id
        except (MissingBackupError, DamagedBackupError, IncompatibleBackupError) as err:
            logger.warning("nothing expires without a latest backup", extra={"reason": err.message})
            return ""

    def _no_backup(self, environment: str) -> MissingBackupError:
        others = self.environments()
        hint = f"There are backups of: {', '.join(others)}." if others else "Check the storage and its prefix."
        return MissingBackupError(f"there is no backup of '{environment}' in {self.storage.url}", hint)

    def _newest_hint(self, environment: str, but: str = "") -> str:
        ids = [name for name in self.backup_ids(environment) if name != but]
        return f"The newest complete backup is {ids[-1]}: name it." if ids else "There is no complete backup."
