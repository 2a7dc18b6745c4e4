"""Backups in an S3 bucket, below a prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

from mwaa_dr.framework import aws
from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.paths import folder_path, object_path
from mwaa_dr.framework.storage.s3_errors import s3_errors
from mwaa_dr.framework.storage.s3_reader import S3Reader
from mwaa_dr.framework.storage.s3_writer import S3Writer, put_object
from mwaa_dr.framework.storage.storage import Reader, Storage, Writer

DELETE_BATCH = 1000
"""The most keys that one DeleteObjects call takes."""
DELETE_ROUNDS = 3
_PASSING = ("InternalError", "SlowDown", "ServiceUnavailable")


class S3Storage(Storage):
    """Objects below `s3://bucket/prefix/`, encrypted with the KMS key, if any, else as the bucket says."""

    def __init__(
        self, bucket: str, prefix: str = "", *, kms_key_arn: str = "", region: str = "", client: Any = None
    ) -> None:
        self._bucket = bucket
        self._prefix = folder_path(prefix.strip("/"))
        self.url = f"s3://{bucket}/{self._prefix}".rstrip("/")
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_arn} if kms_key_arn else {}
        with s3_errors(f"cannot use {self.url}"):
            self._client = client or aws.patient_client("s3", region)

    @contextmanager
    def open_writer(self, path: str) -> Iterator[Writer]:
        """Upload in parts while the block writes; what ends within the first part is one put."""
        key = self._key(path)
        writer = S3Writer(self._client, self._bucket, key, self._encryption)
        try:
            yield writer
            writer.finish()
        except BaseException:
            writer.abort()
            raise
        finally:
            writer.close()

    @contextmanager
    def open_reader(self, path: str) -> Iterator[Reader]:
        """Download as it is read; a lost connection is taken up where it broke."""
        reader = S3Reader(self._client, self._bucket, self._key(path))
        try:
            yield reader
        finally:
            reader.close()

    def put(self, path: str, data: bytes) -> None:
        """Put one object."""
        put_object(self._client, self._bucket, self._key(path), data, self._encryption)

    def get(self, path: str) -> bytes:
        """Get one object."""
        with self.open_reader(path) as reader:
            return reader.read()

    def size(self, path: str) -> int:
        """Bytes of an object."""
        key = self._key(path)
        with s3_errors(f"cannot read s3://{self._bucket}/{key}", look_for_bucket=self.check):
            return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])

    def folders(self, path: str = "") -> list[str]:
        """The common prefixes one level below a folder."""
        below = self._prefix + folder_path(path)
        pages = self._pages("list_objects_v2", Prefix=below, Delimiter="/")
        return sorted(p["Prefix"][len(below) : -1] for page in pages for p in page.get("CommonPrefixes", ()))

    def paths(self, path: str = "") -> Iterator[str]:
        """All objects below a folder; the empty ones with which consoles mark folders are none."""
        pages = self._pages("list_objects_v2", Prefix=self._prefix + folder_path(path))
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return (key[len(self._prefix) :] for key in keys if not key.endswith("/"))

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects in batches; a key that S3 refuses to delete is an error."""
        keys = iter([self._key(path) for path in paths])
        while batch := list(islice(keys, DELETE_BATCH)):
            refused: list[dict[str, str]] = []
            for _ in range(DELETE_ROUNDS):
                refused = self._delete_batch(batch)
                batch = [entry["Key"] for entry in refused if entry.get("Code") in _PASSING]
                if not batch or len(batch) < len(refused):
                    break
            if refused:
                self._raise_refused(refused)

    def sweep(self, path: str, before: datetime) -> None:
        """Abort the multipart uploads below a folder that were begun before then."""
        pages = self._pages("list_multipart_uploads", Prefix=self._prefix + folder_path(path))
        for upload in [u for page in pages for u in page.get("Uploads", ()) if u["Initiated"] < before]:
            with s3_errors(f"cannot abort an upload of s3://{self._bucket}/{upload['Key']}"):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def check(self) -> None:
        """Raise StorageError unless the bucket exists and answers."""
        with s3_errors(f"cannot use bucket '{self._bucket}'", absent="NoSuchBucket"):
            self._client.head_bucket(Bucket=self._bucket)

    def _key(self, path: str) -> str:
        return self._prefix + object_path(path)

    def _pages(self, operation: str, **arguments: str) -> Iterator[dict[str, Any]]:
        with s3_errors(f"cannot list s3://{self._bucket}/{arguments['Prefix']}"):
            yield from self._client.get_paginator(operation).paginate(Bucket=self._bucket, **arguments)

    def _delete_batch(self, keys: list[str]) -> list[dict[str, str]]:
        with s3_errors(f"cannot delete {len(keys)} objects in {self.url}"):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        return list(answer.get("Errors", ()))

    def _raise_refused(self, refused: list[dict[str, str]]) -> None:
        first = refused[0]
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise StorageError(
            f"cannot delete s3://{self._bucket}/{first['Key']}{more}: {first.get('Code', 'refused')}",
            "Check that the role may delete objects, and that no object lock holds them.",
        )
