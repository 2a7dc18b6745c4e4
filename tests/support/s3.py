"""S3 as moto simulates it, with faults between it and the client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.models import botocore_stubber
from urllib3.exceptions import ProtocolError

from mwaa_dr.framework import aws

BUCKET = "backups"
ALWAYS = 10**6


class Faults:
    """Stands between a boto3 client and moto and spoils the calls that it is told to spoil.

    Kinds: `refused` (503, not carried out), `timeout` (not carried out, no answer), `lost` (carried out, no
    answer), `late` (no answer, and carried out after the next call that is not spoiled), `denied` (403).
    """

    def __init__(self, client: Any) -> None:
        self.calls: list[str] = []
        self.requests: list[Any] = []
        self._plans: list[tuple[str, str, int, int]] = []
        self._cuts: list[int] = []
        self._late: list[tuple[str, Any]] = []
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", self)

    def spoil(self, operation: str, kind: str, *, nth: int = 1, times: int = 1) -> None:
        """Spoil the n-th call of an operation and, with `times`, those that follow."""
        self._plans.append((operation, kind, nth, times))

    def cut_downloads(self, *after: int) -> None:
        """Break each of the next downloads after so many bytes."""
        self._cuts.extend(after)

    def __call__(self, event_name: str, request: Any, **_: Any) -> Any:
        operation = event_name.rpartition(".")[2]
        self.calls.append(operation)
        self.requests.append((operation, request))
        kind = self._kind(operation)
        if kind in ("refused", "denied"):
            return _answer(request, 503, "SlowDown") if kind == "refused" else _answer(request, 403, "AccessDenied")
        if kind == "late":
            self._late.append((event_name, request))
        if kind in ("timeout", "late"):
            raise ReadTimeoutError(endpoint_url=request.url)
        answer: Any = botocore_stubber(event_name, request)
        while self._late:
            with suppress(KeyError):  # moto's answer to an upload that is gone
                botocore_stubber(*self._late.pop())
        if kind == "lost":
            raise ReadTimeoutError(endpoint_url=request.url)
        if operation == "GetObject" and self._cuts:
            answer.raw = _Cut(answer.raw, self._cuts.pop(0))
        return answer

    def _kind(self, operation: str) -> str:
        count = self.calls.count(operation)
        hits = (k for o, k, nth, times in self._plans if o == operation and nth <= count < nth + times)
        return next(hits, "")


class _Cut:
    """The body of an answer whose connection breaks."""

    def __init__(self, raw: Any, after: int) -> None:
        self._raw = raw
        self._left = after

    def read(self, amt: int | None = None, **_: Any) -> bytes:
        if self._left <= 0:
            raise ProtocolError("Connection broken: ConnectionResetError(104, 'Connection reset by peer')")
        data: bytes = self._raw.read(self._left if amt is None else min(amt, self._left))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@contextmanager
def simulated_s3() -> Iterator[Any]:
    """A client of a simulated S3 that has the bucket `backups`."""
    with mock_aws():
        client = aws.client("s3", "us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def uploads(client: Any) -> list[str]:
    """The keys of the multipart uploads that were neither completed nor aborted."""
    return [u["Key"] for u in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


def keys(client: Any) -> list[str]:
    """All keys of the bucket."""
    return [o["Key"] for o in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def _answer(request: Any, status: int, code: str) -> AWSResponse:
    body = f"<Error><Code>{code}</Code><Message>spoiled</Message></Error>".encode()
    return AWSResponse(request.url, status, {"content-type": "application/xml"}, _Body(body))  # type: ignore[arg-type]


class _Body:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._data

    def read(self, *_: Any) -> bytes:
        data, self._data = self._data, b""
        return data
