"""A folder that follows what is below a prefix of a bucket, as MWAA's containers follow the DAGs bucket."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class BucketFolder:
    """Objects become files, changed ones are replaced at once, and deleted ones go."""

    def __init__(self, s3: Any, bucket: str, prefix: str, folder: Path) -> None:
        self._s3, self._bucket, self._prefix, self._folder = s3, bucket, prefix, folder
        self._known: dict[str, str] = {}
        """Key -> the ETag that is in the folder."""

    def follow(self) -> None:
        """Take over what has changed; a bucket that does not answer changes nothing."""
        with contextlib.suppress(ClientError, BotoCoreError):
            found = self._listed()
            for key in [key for key, tag in found.items() if self._known.get(key) != tag]:
                self._take(key, found[key])
            for key in self._known.keys() - found.keys():
                self._file(key).unlink(missing_ok=True)
                del self._known[key]

    def _listed(self) -> dict[str, str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        return {
            entry["Key"]: entry["ETag"]
            for page in pages
            for entry in page.get("Contents", ())
            if not entry["Key"].endswith("/")
        }

    def _take(self, key: str, tag: str) -> None:
        target = self._file(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        written = target.with_name(f".{target.name}.part")
        written.write_bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        written.replace(target)  # a parser never sees half a file
        self._known[key] = tag

    def _file(self, key: str) -> Path:
        return self._folder / key.removeprefix(self._prefix)
