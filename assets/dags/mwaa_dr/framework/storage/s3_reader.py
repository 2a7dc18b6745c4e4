"""A download in ranges ahead of its reader, that survives lost connections and notices a replaced object."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mwaa_dr.framework import aws
from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.s3_errors import s3_errors

CHUNK = 1 << 20
"""The most bytes of one read, so that a lost connection loses no more."""
RANGE = 4 << 20
"""Bytes that are asked for at once; one that is read and those ahead of it are all the memory that a download takes."""
AHEAD = 2
TRIES = 5
"""How often in a row the connection may break with less than a chunk read in between."""
_ANSWERED = re.compile(r"bytes 0-\d+/(\d+)")
_NO_RANGE = ("InvalidRange", "416")

logger = logging.getLogger(__name__)


class S3Reader:
    """One object as it was when it was opened: one that is replaced meanwhile is refused.

    What ends within the first range is one request and no thread; of a longer object the next ranges are fetched
    while the one before is read, so that neither a slow database nor S3 waits for the other.
    """

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._source = _Source(client, bucket, key)
        self._first = self._source.first()
        self._asked = self._first.end
        self._block = memoryview(b"")
        self._ahead: deque[Future[bytearray]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        if self._asked < self._source.total:
            self._pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="download")
            self._ask()

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes, often fewer; `b""` only at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK), b""))
        if data := self._first.read(min(size, CHUNK)):
            return data
        if size and not self._block and self._ahead:
            self._block = memoryview(self._ahead[0].result())  # one that failed stays, and fails again
            self._ahead.popleft()
            self._ask()
        data, self._block = bytes(self._block[:size]), self._block[size:]
        return data

    def close(self) -> None:
        """Give the connections back; what is on its way is not waited for to its end."""
        self._source.closed.set()
        self._first.close()
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _ask(self) -> None:
        while self._pool and self._asked < self._source.total and len(self._ahead) < AHEAD:
            end = min(self._asked + RANGE, self._source.total)
            self._ahead.append(self._pool.submit(_Range(self._source, self._asked, end).read_all))
            self._asked = end


class _Source:
    """The object that all ranges are of."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._place = {"Bucket": bucket, "Key": key}
        self.what = f"cannot read s3://{bucket}/{key}"
        self.total = 0
        self.closed = threading.Event()
        self._etag = ""

    def first(self) -> _Range:
        """Ask for the first range, and learn how long the object is and which one; without a range it is the whole."""
        with s3_errors(self.what):
            try:
                answer = self._client.get_object(**self._place, Range=f"bytes=0-{RANGE - 1}")
            except aws.failures() as err:
                if aws.error_code(err) not in _NO_RANGE:
                    raise
                answer = self._client.get_object(**self._place)  # it is empty, and has no first byte
        found = _ANSWERED.fullmatch(answer.get("ContentRange", ""))
        self.total = int(found[1]) if found else int(answer["ContentLength"])
        self._etag = answer["ETag"]
        return _Range(self, 0, int(answer["ContentLength"]), answer["Body"])

    def open(self, start: int, end: int) -> Any:
        """The body with the bytes from `start` to before `end` of this very object."""
        with s3_errors(self.what):
            answer = self._client.get_object(**self._place, Range=f"bytes={start}-{end - 1}", IfMatch=self._etag)
        if answer.get("ContentRange") != f"bytes {start}-{end - 1}/{self.total}":
            answer["Body"].close()
            raise StorageError(f"{self.what}: another range was answered than bytes {start} to {end - 1}")
        return answer["Body"]


class _Range:
    """The bytes from `start` to before `end`, taken up where the connection broke."""

    def __init__(self, source: _Source, start: int, end: int, body: Any = None) -> None:
        self.end = end
        self._source, self._offset, self._body = source, start, body
        self._safe_offset = start
        self._breaks = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; `b""` at its end, or once the reader is closed."""
        while self._offset < self.end and size and not self._source.closed.is_set():
            if self._body is None:
                self._body = self._source.open(self._offset, self.end)
            data = self._read_once(min(size, self.end - self._offset))
            if data:
                self._offset += len(data)
                return data
        return b""

    def read_all(self) -> bytearray:
        """All of it, in one piece, or what there is once the reader is closed."""
        whole, filled = bytearray(self.end - self._offset), 0  # one that grew would be copied, and lie there twice
        try:
            while data := self.read(CHUNK):
                whole[filled : filled + len(data)] = data
                filled += len(data)
        finally:
            self.close()
        del whole[filled:]
        return whole

    def close(self) -> None:
        """Give the connection back."""
        if self._body is not None:
            self._body.close()

    def _read_once(self, size: int) -> bytes:
        """Read, or open anew where the connection broke and return nothing."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        try:
            data: bytes = self._body.read(size)
        except (BotoCoreError, HTTPError, OSError) as err:
            self._break(type(err).__name__, err)
            return b""
        if not data:
            self._break("the answer ended early", None)
        return data

    def _break(self, reason: str, err: Exception | None) -> None:
        if self._offset >= self._safe_offset + CHUNK:
            self._breaks = 0
        self._safe_offset = self._offset
        self._breaks += 1
        if self._breaks > TRIES:
            hint = "Check the network and run it again."
            raise StorageError(
                f"{self._source.what}: the connection broke {TRIES} times at byte {self._offset} ({reason})", hint
            ) from err
        logger.warning("download taken up again", extra={"offset": self._offset, "reason": reason})
        self._body.close()
        self._body = None
        time.sleep(min(2.0**self._breaks / 4, 5.0))
