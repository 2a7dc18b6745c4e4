"""Which versions of requirements, plugins and startup script an environment can be created with from another bucket.

Replication keeps the ids of versions; objects that were copied, or were there before, have others.
Permissions: s3:ListBucketVersions on the DAGs bucket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.functions.calls import calling

FILES = {
    "PluginsS3Path": "PluginsS3ObjectVersion",
    "RequirementsS3Path": "RequirementsS3ObjectVersion",
    "StartupScriptS3Path": "StartupScriptS3ObjectVersion",
}
"""Field of the path -> field of its version."""


@dataclass(frozen=True)
class Versions:
    """What to create with, and what is to be said about it."""

    chosen: dict[str, str] = field(default_factory=dict)
    """Field of a version -> the version in this bucket."""
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def versions_in(s3: Any, bucket: str, fields: Mapping[str, Any]) -> Versions:
    """The versions of a blueprint where the bucket has them, else its newest ones with a warning."""
    found = Versions()
    for path_field, version_field in FILES.items():
        path = fields.get(path_field)
        if not path:
            continue
        wanted, there = fields.get(version_field), _versions(s3, bucket, path)
        if not there:
            found.problems.append(f"'{path}' is not in the DAGs bucket '{bucket}': copy or replicate it there")
        elif wanted in there:
            found.chosen[version_field] = wanted
        elif wanted:
            found.chosen[version_field] = there[0]
            found.warnings.append(
                f"version {wanted} of '{path}' is not in '{bucket}': its newest version there, {there[0]}, is used"
            )
    return found


def _versions(s3: Any, bucket: str, key: str) -> list[str]:
    """The ids of an object's versions, newest first."""
    ids: list[str] = []
    with calling(f"list the versions of s3://{bucket}/{key}"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            ids += [version["VersionId"] for version in page.get("Versions", ()) if version["Key"] == key]
    return ids
