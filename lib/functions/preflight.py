"""Before anything is changed: everything that would make a recovery or a start fail, and the backup to restore.

Permissions: those of backups, object_versions, quota and blueprint.read, and airflow:GetEnvironment for the secondary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.functions import blueprint, clock, mwaa, quota
from lib.functions.airflow_versions import creation_problem, restore_problem
from lib.functions.aws import client
from lib.functions.backups import BackupBucket, Found
from lib.functions.blueprint import Shelf
from lib.functions.blueprint_fields import MOST_TAGS, bucket_of, options
from lib.functions.findings import Findings
from lib.functions.mwaa import Place
from lib.functions.object_versions import versions_in

WILL_NOT_BE_READY = mwaa.BROKEN | mwaa.GONE | {"DELETING"}
"""States of a standby that no waiting ends."""

START = "START"
"""The strategy of an environment that takes over from itself."""


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """The backup to restore, that of `backup_id` where one is named, and the versions to create with.

    With strategy START `primary` and `secondary` are the same environment, and its blueprint names its DAGs bucket.
    Raises PreflightFailed with every problem there is; NotReady when there is none but that AWS did not answer.
    """
    check = Preflight(event)
    found = check.find_backup()
    version = check.look_at_standby() if event["strategy"] == "WARM_STANDBY" else check.look_at_creation()
    if found:
        check.fit(found, version)
    check.settle("start" if check.is_start else "recovery")
    facts = found.backup.facts(found.warnings) if found else {"warnings": []}
    return {
        **facts,
        "warnings": [*facts["warnings"], *check.warnings],
        "object_versions": check.object_versions,
    }


@dataclass
class Preflight(Findings):
    """The checks; each notes what it finds."""

    object_versions: dict[str, str] = field(default_factory=dict)

    @property
    def is_start(self) -> bool:
        """Whether the environment comes back where it was."""
        return bool(self.event["strategy"] == START)

    @property
    def primary(self) -> Place:
        """Whose backups are looked for."""
        return Place.of(self.event["primary"])

    @property
    def secondary(self) -> Place:
        """Which environment takes over."""
        return Place.of(self.event["secondary"])

    def find_backup(self) -> Found | None:
        """The backup that is named, or the newest whole one of the primary, in the secondary's own bucket."""
        event = self.event
        bucket = BackupBucket.reach(event["backup_bucket"], self.secondary.region, event["path_prefix"])
        with self.noting():
            if backup_id := event.get("backup_id"):
                return Found(bucket.verify(self.primary.id, backup_id), ())
            return bucket.newest(self.primary.id)
        return None

    def look_at_standby(self) -> str:
        """Whether the environment that waits can become available; returns its version."""
        with self.noting():
            found = mwaa.find(self.secondary)
            status = mwaa.status_of(found)
            if status in WILL_NOT_BE_READY:
                said = mwaa.last_error(found) if found else ""
                self.problems.append(f"{self.secondary} is {status}{f', MWAA says: {said}' if said else ''}")
            elif found:
                return str(found["AirflowVersion"])
        return ""

    def look_at_creation(self) -> str:
        """Whether an environment can be created from the blueprint; returns its version."""
        event = self.event
        with self.noting():
            self._look_at_place()
        with self.noting():
            stored = blueprint.read_whole(Shelf(event["backup_bucket"], event["blueprint_key"], self.secondary.region))
            if stored.unknown:
                self.warnings.append(
                    f"the functions' SDK did not know, so it is not carried: {', '.join(stored.unknown)}"
                )
            self._look_at_blueprint(stored.fields)
            return str(stored.fields.get("AirflowVersion", ""))
        return ""

    def fit(self, found: Found, version: str) -> None:
        """Whether the backup can be restored into that version, with nothing of the primary Region."""
        manifest = found.backup.manifest
        if version and (problem := restore_problem(manifest.airflow_version, version)):
            self.problems.append(f"backup {manifest.backup_id}: {problem}")
        if manifest.key_arns and not any(arn.split(":")[3] == self.secondary.region for arn in manifest.key_arns):
            self.warnings.append(
                f"backup {manifest.backup_id} can be decrypted only with keys of other Regions"
                f" ({', '.join(manifest.key_arns)}): add one of {self.secondary.region} to DR_KMS_KEY_ARNS"
            )

    def _look_at_place(self) -> None:
        """Whether the name is free, or taken by an environment of ours, and whether there is room."""
        place, tags = self.secondary, self.event["secondary"].get("owner_tag")
        found = mwaa.find(place)
        if found and found["Status"] not in mwaa.GONE:
            if tags and not mwaa.has_tags(found, tags):
                self.problems.append(f"{place} is there ({found['Status']}) and is not ours: it lacks the tag {tags}")
            elif found["Status"] == "UNAVAILABLE":
                self.problems.append(f"{place} is UNAVAILABLE: repair or delete it")
            return
        with self.noting(as_warning=True):
            problem, warning = quota.room_for(place)
            self.problems += [problem] if problem else []
            self.warnings += [warning] if warning else []

    def _look_at_blueprint(self, fields: Mapping[str, Any]) -> None:
        """Whether MWAA takes it in this Region."""
        secondary, version = self.event["secondary"], fields.get("AirflowVersion", "")
        if problem := creation_problem(version, clock.now().date()):
            self.problems.append(problem)
        if version != self.event["version"]:
            variable = "MWAA_ENV_VERSION" if self.is_start else "MWAA_VERSION"
            self.warnings.append(f"the blueprint is of Airflow {version}, {variable} is {self.event['version']}")
        if len({**fields.get("Tags", {}), **(secondary.get("owner_tag") or {})}) > MOST_TAGS:
            self.problems.append(f"{self.primary} has {MOST_TAGS} tags, and the secondary needs one more: remove one")
        if fields.get("EndpointManagement") == "CUSTOMER":
            self.warnings.append(f"{self.secondary} will wait (PENDING) until you create its VPC endpoints")
        if fields.get("KmsKey") and "kms_key_arn" in secondary and not secondary["kms_key_arn"]:
            self.warnings.append("the primary has a key of its own, the secondary gets one of AWS")
        if not self.is_start:
            self._look_at_options(fields)
        with self.noting(as_warning=True):
            s3 = client("s3", self.secondary.region, attempts=5)
            versions = versions_in(s3, secondary.get("dags_bucket") or bucket_of(fields), fields)
            self.object_versions = versions.chosen
            self.warnings += versions.warnings
            self.problems += versions.problems

    def _look_at_options(self, fields: Mapping[str, Any]) -> None:
        """Options that name the primary Region do not work without it; their values may be secret."""
        own = options(fields, self.event["secondary"].get("config_overrides") or {})
        bound = sorted(name for name, value in own.items() if self.primary.region in value)
        if bound:
            self.warnings.append(
                f"Airflow options that name {self.primary.region}: {', '.join(bound)};"
                " SECONDARY_AIRFLOW_CONFIG_OVERRIDES replaces them"
            )
