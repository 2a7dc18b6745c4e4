"""The backups of the environment that a story begins with, by what is really in a bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drill.ground import Ground
from drill.site import Site
from lib.config.recovery_sections import Side

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Stored:
    """A backup that has a manifest."""

    id: str
    manifest: dict[str, Any]

    @property
    def taken_at(self) -> datetime:
        """The moment that it holds."""
        return datetime.fromisoformat(self.manifest["snapshot_time"])


class BackupsIn:
    """Those in one bucket."""

    def __init__(self, ground: Ground, region: str, bucket: str) -> None:
        self._s3 = ground.aws.client("s3", region)
        self.bucket = bucket
        self._folder = f"/{ground.primary.name}.{ground.primary.region}/"

    def stored(self) -> list[Stored]:
        """Those that are whole as far as a manifest proves it, oldest first."""
        return [Stored(_id_in(key), self.document(key)) for key in self._manifests()]

    def ids(self) -> set[str]:
        """The ids of those that `stored` gives, of which no manifest is read."""
        return set(map(_id_in, self._manifests()))

    def keys_of(self, backup_id: str) -> list[str]:
        """The keys of all its files, and of the reports of restores."""
        return [key for key in self._keys() if f"/{backup_id}/" in key]

    def document(self, key: str) -> dict[str, Any]:
        """A JSON document."""
        return dict(json.loads(self.body(key)))

    def body(self, key: str) -> bytes:
        """What an object holds."""
        found: bytes = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return found

    def replace(self, key: str, body: bytes) -> None:
        """Overwrite an object."""
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def report_of_restore(self, backup_id: str) -> dict[str, Any]:
        """What the last restore wrote beside the backup; nothing: there is no report."""
        reports = [key for key in self.keys_of(backup_id) if key.rpartition("/")[2].startswith("restore-")]
        return self.document(max(reports)) if reports else {}

    def _manifests(self) -> list[str]:
        return sorted(key for key in self._keys() if key.endswith(f"/{MANIFEST}"))

    def _keys(self) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for entry in page.get("Contents", ()):
                if self._folder in f"/{entry['Key']}":
                    yield entry["Key"]


def _id_in(key: str) -> str:
    return key.split("/")[-2]


class Backups(BackupsIn):
    """Those in the bucket of one side of a recovery."""

    def __init__(self, site: Site, side: Side) -> None:
        super().__init__(site, side.region, site.config.backup_bucket_name(side))
