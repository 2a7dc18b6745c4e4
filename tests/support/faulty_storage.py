"""A storage whose n-th call fails, before or after it did its work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.storage import Reader, Storage, Writer


class FaultyStorage(Storage):
    """Hands everything on to another storage, except for one call.

    `fail_at` counts all calls from 1: opening, every write, the end of a writer, put, get, ... With
    `answer_lost` the call is carried out and then fails; with `for_good` all later calls fail too.
    `error` makes the exception.
    """

    def __init__(
        self,
        inner: Storage,
        *,
        fail_at: int = 0,
        answer_lost: bool = False,
        for_good: bool = False,
        error: Callable[[str], Exception] = StorageError,
    ) -> None:
        self.inner = inner
        self.url = inner.url
        self.calls: list[str] = []
        self._fail_at = fail_at
        self._answer_lost = answer_lost
        self._for_good = for_good
        self._error = error

    @contextmanager
    def open_writer(self, path: str) -> Iterator[Writer]:
        with self._call(f"open_writer {path}"), self.inner.open_writer(path) as writer:
            yield _FaultyWriter(self, writer)
            with self._call(f"end of writer {path}"):
                pass

    @contextmanager
    def open_reader(self, path: str) -> Iterator[Reader]:
        with self._call(f"open_reader {path}"), self.inner.open_reader(path) as reader:
            yield reader

    def put(self, path: str, data: bytes) -> None:
        with self._call(f"put {path}"):
            self.inner.put(path, data)

    def get(self, path: str) -> bytes:
        with self._call(f"get {path}"):
            return self.inner.get(path)

    def size(self, path: str) -> int:
        with self._call(f"size {path}"):
            return self.inner.size(path)

    def folders(self, path: str = "") -> list[str]:
        with self._call(f"folders {path}"):
            return self.inner.folders(path)

    def paths(self, path: str = "") -> Iterator[str]:
        with self._call(f"paths {path}"):
            return self.inner.paths(path)

    def delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            with self._call(f"delete {path}"):
                self.inner.delete([path])

    def sweep(self, path: str, before: datetime) -> None:
        with self._call(f"sweep {path}"):
            self.inner.sweep(path, before)

    def check(self) -> None:
        with self._call("check"):
            self.inner.check()

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        number = len(self.calls)
        fails = number == self._fail_at or (self._for_good and 0 < self._fail_at < number)
        if fails and not self._answer_lost:
            raise self._error(f"{name} failed")
        yield
        if fails:
            raise self._error(f"the answer to {name} was lost")


class _FaultyWriter:
    def __init__(self, storage: FaultyStorage, writer: Writer) -> None:
        self._storage = storage
        self._writer = writer

    def write(self, data: bytes, /) -> int:
        with self._storage._call("write"):
            return self._writer.write(data)
