"""Before anything is changed: everything that would make a recovery fail, in one report, and the backup to restore.

Permissions: those of backups, object_versions, quota and blueprint.read, and airflow:GetEnvironment for the secondary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lib.functions import blueprint, clock, mwaa, quota
from lib.functions.airflow_versions import creation_problem, restore_problem
from lib.functions.aws import client
from lib.functions.backup_manifest import DamagedBackup
from lib.functions.backups import BackupBucket, Found
from lib.functions.blueprint import Shelf
from lib.functions.blueprint_fields import MOST_TAGS, options
from lib.functions.errors import BlueprintMissing, Misconfigured, NotReady, PreflightFailed
from lib.functions.log import logger
from lib.functions.mwaa import Place
from lib.functions.object_versions import versions_in

WILL_NOT_BE_READY = mwaa.BROKEN | mwaa.GONE | {"DELETING"}
"""States of a standby that no waiting ends."""

_log = logger(__name__)


def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """The backup to restore and the versions to create with.

    Raises PreflightFailed with every problem there is; NotReady when there is none but that AWS did not answer.
    """
    check = Preflight(event)
    found = check.find_backup()
    version = check.look_at_standby() if event["strategy"] == "WARM_STANDBY" else check.look_at_creation()
    if found:
        check.fit(found, version)
    if check.problems:
        _log.warning("preflight failed", extra={"problems": check.problems})
        raise PreflightFailed(_report([*check.problems, *check.unanswered]))
    if check.unanswered or not found:
        raise NotReady("; ".join(check.unanswered))
    facts = found.backup.facts(found.warnings)
    return {
        **facts,
        "warnings": [*facts["warnings"], *check.warnings],
        "object_versions": check.object_versions,
    }


@dataclass
class Preflight:
    """Collects what is found; a check that fails does not keep the next one from being made."""

    event: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    """What AWS did not answer this time."""
    warnings: list[str] = field(default_factory=list)
    object_versions: dict[str, str] = field(default_factory=dict)

    @property
    def primary(self) -> Place:
        """Whose backups are looked for."""
        return Place.of(self.event["primary"])

    @property
    def secondary(self) -> Place:
        """Which environment takes over."""
        return Place.of(self.event["secondary"])

    def find_backup(self) -> Found | None:
        """The newest whole backup of the primary in the secondary's own bucket."""
        event = self.event
        bucket = BackupBucket.reach(event["backup_bucket"], self.secondary.region, event["path_prefix"])
        with self._noting():
            return bucket.newest(self.primary.id)
        return None

    def look_at_standby(self) -> str:
        """Whether the environment that waits can become available; returns its version."""
        with self._noting():
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
        with self._noting():
            self._look_at_place()
        with self._noting():
            stored = blueprint.read(Shelf(event["backup_bucket"], event["blueprint_key"], self.secondary.region))
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
        with self._noting(as_warning=True):
            problem, warning = quota.room_for(place)
            self.problems += [problem] if problem else []
            self.warnings += [warning] if warning else []

    def _look_at_blueprint(self, fields: Mapping[str, Any]) -> None:
        """Whether MWAA takes it in this Region."""
        secondary, version = self.event["secondary"], fields.get("AirflowVersion", "")
        if problem := creation_problem(version, clock.now().date()):
            self.problems.append(problem)
        if version != self.event["version"]:
            self.warnings.append(f"the blueprint is of Airflow {version}, MWAA_VERSION is {self.event['version']}")
        if len({**fields.get("Tags", {}), **(secondary.get("owner_tag") or {})}) > MOST_TAGS:
            self.problems.append(f"{self.primary} has {MOST_TAGS} tags, and the secondary needs one more: remove one")
        if fields.get("EndpointManagement") == "CUSTOMER":
            self.warnings.append(f"{self.secondary} will wait (PENDING) until you create its VPC endpoints")
        if fields.get("KmsKey") and "kms_key_arn" in secondary and not secondary["kms_key_arn"]:
            self.warnings.append("the primary has a key of its own, the secondary gets one of AWS")
        self._look_at_options(fields)
        with self._noting(as_warning=True):
            s3 = client("s3", self.secondary.region, attempts=5)
            versions = versions_in(s3, secondary["dags_bucket"], fields)
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

    @contextmanager
    def _noting(self, *, as_warning: bool = False) -> Iterator[None]:
        """Note an error, and go on; as a warning where the recovery itself will tell."""
        try:
            yield
        except NotReady as error:
            (self.warnings if as_warning else self.unanswered).append(str(error))
        except (BlueprintMissing, DamagedBackup, Misconfigured) as error:
            (self.warnings if as_warning else self.problems).append(str(error))


def _report(problems: list[str]) -> str:
    count = "1 thing stands" if len(problems) == 1 else f"{len(problems)} things stand"
    return f"{count} in the way of a recovery, nothing has been changed: " + "; ".join(
        f"({number}) {problem}" for number, problem in enumerate(problems, 1)
    )
