"""A streaming download that survives lost connections and notices a replaced object."""

from __future__ import annotations

import logging
import time
from typing import Any

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.s3_errors import s3_errors

CHUNK = 1 << 20
"""The most bytes of one read, so that a lost connection loses no more."""
TRIES = 5
"""How often in a row the connection may break with less than a chunk read in between."""

logger = logging.getLogger(__name__)


class S3Reader:
    """One object as it was when it was opened: one that is replaced meanwhile is refused."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self._what = f"cannot read s3://{bucket}/{key}"
        self._offset = 0
        self._safe_offset = 0
        self._breaks = 0
        answer = self._get()
        self._total = int(answer["ContentLength"])
        self._etag = answer["ETag"]
        self._body = answer["Body"]

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes, often fewer; `b""` only at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        while size and self._offset < self._total:
            data = self._read_once(min(size, CHUNK))
            if data:
                self._offset += len(data)
                return data
        return b""

    def close(self) -> None:
        """Give the connection back."""
        self._body.close()

    def _read_once(self, size: int) -> bytes:
        """Read, or open anew where the connection broke and return nothing."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            data: bytes = self._body.read(size)
        except (BotoCoreError, HTTPError, OSError) as err:
            self._reopen(type(err).__name__, err)
            return b""
        if not data:
            self._reopen("the answer ended early", None)
        return data

    def _reopen(self, reason: str, err: Exception | None) -> None:
        if self._offset >= self._safe_offset + CHUNK:
            self._breaks = 0
        self._safe_offset = self._offset
        self._breaks += 1
        if self._breaks > TRIES:
            hint = "Check the network and run it again."
            raise StorageError(
                f"{self._what}: the connection broke {TRIES} times at byte {self._offset} ({reason})", hint
            ) from err
        logger.warning("download taken up again", extra={"offset": self._offset, "reason": reason})
        self._body.close()
        time.sleep(min(2.0**self._breaks / 4, 5.0))
        self._body = self._get(Range=f"bytes={self._offset}-", IfMatch=self._etag)["Body"]

    def _get(self, **arguments: str) -> dict[str, Any]:
        with s3_errors(self._what):
            answer: dict[str, Any] = self._client.get_object(**self._place, **arguments)
            return answer
