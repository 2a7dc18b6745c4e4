"""Before a deletion: that a backup holds everything, proved byte by byte and row by row, and that there is a way back.

Permissions: airflow:GetEnvironment; s3:ListBucket and s3:GetObject on the backup bucket, kms:Decrypt for its key;
s3:ListBucketVersions on the DAGs bucket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib.functions import blueprint, clock, mwaa
from lib.functions.airflow_versions import creation_problem, restore_problem
from lib.functions.aws import client
from lib.functions.backup_manifest import DamagedBackup, Manifest, StoredFile
from lib.functions.backup_rows import PLAIN, RowCounter
from lib.functions.backups import ARCHIVE_ONLY, SHRANK, Backup, BackupBucket
from lib.functions.blueprint import Shelf
from lib.functions.blueprint_fields import MOST_TAGS, bucket_of, carried
from lib.functions.findings import Findings
from lib.functions.listed import listed
from lib.functions.log import logger
from lib.functions.mwaa import Place
from lib.functions.object_versions import versions_in

AWAY = timedelta(days=14)
"""A version must still be created by MWAA after so long: a stop may last over holidays."""

_log = logger(__name__)


def verify(event: Mapping[str, Any]) -> dict[str, Any]:
    """`rows` and `bytes` of a backup that is whole, and `warnings`; raises PreflightFailed with every problem.

    The event is `{"environment", "bucket", "bucket_region", "path_prefix", "backup_id", "snapshot_time", "rows",
    "blueprint_key", "dags_bucket", "role_arn", "kms_key_arn"|null, "version", "owner_tag"}`; `snapshot_time` and `rows`
    are the engine's answer.
    """
    proof = Proof(event)
    with proof.noting():
        proof.look_at_the_way_back()
    with proof.noting():
        manifest = proof.look_at_the_backup()
    proof.settle("stop")
    size = sum(file.size for file in manifest.files)
    _log.info("backup proved", extra={"backup": manifest.backup_id, "rows": manifest.rows, "bytes": size})
    return {"rows": manifest.rows, "bytes": size, "warnings": proof.warnings}


@dataclass
class Proof(Findings):
    """The checks; each notes what it finds."""

    @property
    def place(self) -> Place:
        """Which environment is to be stopped."""
        return Place.of(self.event["environment"])

    def look_at_the_backup(self) -> Manifest:
        """Read all of the backup; return what it holds."""
        event = self.event
        bucket = BackupBucket.reach(event["bucket"], event["bucket_region"], event["path_prefix"])
        backup = bucket.complete(self.place.id, event["backup_id"])
        self._compare(backup)
        for file in backup.manifest.files:
            with self.noting():
                _prove(bucket, backup, file)
        return backup.manifest

    def _compare(self, backup: Backup) -> None:
        """Whether it is what the engine answered, and what can be restored."""
        manifest, event = backup.manifest, self.event
        what = f"backup {manifest.backup_id}"
        if manifest.snapshot_time != clock.moment(event["snapshot_time"]):
            said = f"{manifest.snapshot_time.isoformat()}, not {event['snapshot_time']}"
            self.problems.append(f"the manifest of {what} is of {said}")
        if manifest.rows != event["rows"]:
            self.problems.append(f"the manifest of {what} has {manifest.rows} rows, {event['rows']} were backed up")
        if manifest.is_config_only:
            hint = "HINT: A stop needs a backup of the database: leave DR_MODE out, or let the environment run."
            self.problems.append(f"{what} {ARCHIVE_ONLY}, which would be lost with the environment. {hint}")
        if not backup.is_promoted:
            hint = "HINT: Look at what it lacks; DR_SHRINK_GUARD_PERCENT says how much may be lost."
            self.problems.append(f"{what} {SHRANK} {hint}")
        if problem := restore_problem(manifest.airflow_version, event["version"]):
            self.problems.append(f"{what}: {problem}")
        if manifest.unreadable:
            self.warnings.append(f"{what} lacks what could not be decrypted: {listed(manifest.unreadable)}")

    def look_at_the_way_back(self) -> None:
        """Whether MWAA creates the same environment again from its blueprint."""
        event = self.event
        shelf = Shelf(event["bucket"], event["blueprint_key"], event["bucket_region"])
        stored = blueprint.read_whole(shelf)
        if stored.unknown:
            self.problems.append(f"the functions' SDK does not know, so it would be lost: {', '.join(stored.unknown)}")
        with self.noting():
            self._compare_with_now(stored.fields, shelf)
        self._look_at_fields(stored.fields)
        with self.noting():
            s3 = client("s3", self.place.region, attempts=5)
            versions = versions_in(s3, event["dags_bucket"], stored.fields)
            # What a recovery does without, a stop need not do without.
            self.problems += [*versions.problems, *versions.warnings]

    def _compare_with_now(self, fields: Mapping[str, Any], shelf: Shelf) -> None:
        """Whether the blueprint is that of the environment as it is."""
        found = mwaa.find(self.place)
        if found is None:
            self.problems.append(f"{self.place} is not there")
            return
        now = json.loads(json.dumps(carried(found)))
        if changed := sorted(name for name in {*now, *fields} if now.get(name) != fields.get(name)):
            self.problems.append(f"{self.place} is not as its blueprint {shelf.url} says: {', '.join(changed)}")

    def _look_at_permissions(self, fields: Mapping[str, Any]) -> None:
        """Whether a start may use what the environment uses: it is allowed what the configuration names, no more."""
        event = self.event
        named = {
            "MWAA_EXECUTION_ROLE_ARN": (event["role_arn"], fields.get("ExecutionRoleArn")),
            "MWAA_SOURCE_BUCKET_NAME": (event["dags_bucket"], bucket_of(fields)),
            "MWAA_KMS_KEY_ARN": (event["kms_key_arn"], fields.get("KmsKey")),
        }
        for variable, (allowed, used) in named.items():
            if allowed != used:
                self.problems.append(f"{self.place} uses {used or 'none'}, {variable} is {allowed or 'not set'}")

    def _look_at_fields(self, fields: Mapping[str, Any]) -> None:
        """Whether MWAA takes them."""
        event, version = self.event, str(fields.get("AirflowVersion", ""))
        self._look_at_permissions(fields)
        if version != event["version"]:
            self.problems.append(f"the blueprint is of Airflow {version}, the environment of {event['version']}")
        if problem := creation_problem(version, (clock.now() + AWAY).date()):
            self.problems.append(problem)
        if len({**fields.get("Tags", {}), **event["owner_tag"]}) > MOST_TAGS:
            self.problems.append(f"{self.place} has {MOST_TAGS} tags, and a start needs one more: remove one")
        if fields.get("EndpointManagement") == "CUSTOMER":
            self.warnings.append(f"{self.place} will wait (PENDING) at its start until you create its VPC endpoints")


def _prove(bucket: BackupBucket, backup: Backup, file: StoredFile) -> None:
    """Read a file once: its hash is the manifest's, and so is the number of its rows, unless it is sealed."""
    if not file.name.endswith(PLAIN):
        bucket.check(backup, file)
        return
    counter = RowCounter(file.path)
    bucket.check(backup, file, counter.feed)
    if (rows := counter.rows()) != file.rows + file.dropped:
        raise DamagedBackup(f"file '{file.path}' has {rows} rows, the manifest says {file.rows + file.dropped}")
