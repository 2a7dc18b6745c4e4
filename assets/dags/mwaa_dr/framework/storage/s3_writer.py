"""A streaming upload: one put for a small object, else a multipart upload, whole or not there."""

from __future__ import annotations

import io
import logging
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from mwaa_dr.framework import aws
from mwaa_dr.framework.storage.s3_errors import s3_errors

FIRST_PART = 5 << 20
"""S3's smallest part; two in flight and one being filled are all the memory that an upload takes."""
GROW_EVERY = 1000
"""Parts double after so many, so that the 10,000 that S3 allows hold 4.8 TiB."""
IN_FLIGHT = 2
_TOKEN = "mwaa-dr-write"  # noqa: S105  # a name of ours, not a password

logger = logging.getLogger(__name__)


def part_size(number: int) -> int:
    """Bytes of the part with that number, the first being 1."""
    return FIRST_PART << ((number - 1) // GROW_EVERY)


def put_object(client: Any, bucket: str, key: str, data: bytes, encryption: dict[str, str]) -> None:
    """Put one object; a put that was carried out although its answer was lost is a success."""
    token = uuid.uuid4().hex
    with s3_errors(f"cannot write s3://{bucket}/{key}"):
        try:
            client.put_object(Bucket=bucket, Key=key, Body=data, Metadata={_TOKEN: token}, **encryption)
        except aws.failures():
            if not _is_there(client, bucket, key, token):
                raise


class S3Writer:
    """One object on its way; call `finish` or `abort`, then `close`."""

    def __init__(self, client: Any, bucket: str, key: str, encryption: dict[str, str]) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._encryption = encryption
        self._what = f"cannot write s3://{bucket}/{key}"
        self._token = uuid.uuid4().hex
        self._buffer = io.BytesIO()
        self._upload_id = ""
        self._sent = 0
        self._parts: list[dict[str, Any]] = []
        self._pending: set[Future[dict[str, Any]]] = set()
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="upload")

    def write(self, data: bytes, /) -> int:
        """Take all of it; raise StorageError for an earlier part that failed meanwhile."""
        rest = memoryview(data)
        while rest:
            room = part_size(self._sent + 1) - self._buffer.tell()
            self._buffer.write(rest[:room])
            rest = rest[room:]
            if self._buffer.tell() == part_size(self._sent + 1):
                self._send()
        return len(data)

    def finish(self) -> None:
        """Make the object appear."""
        if not self._upload_id:
            put_object(self._client, **self._names(), data=self._buffer.getvalue(), encryption=self._encryption)
            return
        if self._buffer.tell():
            self._send()
        self._collect(at_most=0)
        self._complete()

    def abort(self) -> None:
        """Leave no object and no part behind; what cannot be cleaned up is logged."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if not self._upload_id:
            return
        try:
            self._abort_upload(self._upload_id)
        except aws.failures() as err:
            reason, _ = aws.explain(err)
            logger.warning("an upload could not be aborted", extra={**self._names(), "reason": reason})
        self._upload_id = ""

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _names(self) -> dict[str, str]:
        return {"bucket": self._place["Bucket"], "key": self._place["Key"]}

    def _send(self) -> None:
        if not self._upload_id:
            self._create()
        self._collect(at_most=IN_FLIGHT - 1)
        self._sent += 1
        # The buffer itself is the body: plain bytes would be copied once more beside their headers.
        self._buffer.seek(0)
        self._pending.add(self._pool.submit(self._upload, self._sent, self._buffer))
        self._buffer = io.BytesIO()

    def _create(self) -> None:
        with s3_errors(self._what):
            try:
                answer = self._client.create_multipart_upload(
                    **self._place, Metadata={_TOKEN: self._token}, **self._encryption
                )
            except aws.failures():
                self._abort_others()
                raise
        self._upload_id = answer["UploadId"]
        if answer["ResponseMetadata"].get("RetryAttempts"):
            self._abort_others()

    def _upload(self, number: int, body: io.BytesIO) -> dict[str, Any]:
        answer = self._client.upload_part(**self._place, UploadId=self._upload_id, PartNumber=number, Body=body)
        # S3 wants the checksums back that newer botocores send by default.
        proofs = {name: value for name, value in answer.items() if name.startswith("Checksum")}
        return {"PartNumber": number, "ETag": answer["ETag"], **proofs}

    def _collect(self, *, at_most: int) -> None:
        while len(self._pending) > at_most:
            done, self._pending = wait(self._pending, return_when=FIRST_COMPLETED)
            with s3_errors(self._what):
                self._parts.extend(part.result() for part in done)

    def _complete(self) -> None:
        parts = sorted(self._parts, key=lambda part: int(part["PartNumber"]))
        with s3_errors(self._what):
            try:
                self._client.complete_multipart_upload(
                    **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": parts}
                )
            except aws.failures():
                # Once it is aborted it can no more complete: what is there now is the answer.
                self.abort()
                if not _is_there(self._client, **self._names(), token=self._token):
                    raise

    def _abort_upload(self, upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(**self._place, UploadId=upload_id)
        except aws.failures() as err:
            if aws.error_code(err) != "NoSuchUpload":
                raise

    def _abort_others(self) -> None:
        """Abort the uploads of this key whose creation was answered to nobody."""
        try:
            answer = self._client.list_multipart_uploads(Bucket=self._place["Bucket"], Prefix=self._place["Key"])
            for upload in answer.get("Uploads", ()):
                if upload["Key"] == self._place["Key"] and upload["UploadId"] != self._upload_id:
                    self._abort_upload(upload["UploadId"])
        except aws.failures() as err:
            reason, _ = aws.explain(err)
            logger.warning("forgotten uploads could not be aborted", extra={**self._names(), "reason": reason})


def _is_there(client: Any, bucket: str, key: str, token: str) -> bool:
    """Whether the object is the one that was written with this token."""
    try:
        answer = client.head_object(Bucket=bucket, Key=key)
    except aws.failures():
        return False
    return bool(answer.get("Metadata", {}).get(_TOKEN) == token)
