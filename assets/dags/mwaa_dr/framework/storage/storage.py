"""What every storage promises; S3 and a local folder keep it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol


class Writer(Protocol):
    """Takes bytes as they come; what was written exists only after the `with` block ended well."""

    def write(self, data: bytes, /) -> int:
        """Take all of it."""
        ...


class Reader(Protocol):
    """Gives bytes as they are asked for."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, maybe fewer; `b""` only at the end."""
        ...


class Storage(ABC):
    """A place for objects, named by paths with `/` below one root.

    Every method raises StorageError with one clear line when the storage refuses or cannot be reached,
    and MissingObjectError when the object asked for is not there. Memory does not grow with an object.
    """

    url: str
    """Where it is, for messages and reports: `s3://bucket/prefix` or `file:///folder`."""
    is_near = False
    """Whether reading waits for no network."""

    @abstractmethod
    def open_writer(self, path: str) -> AbstractContextManager[Writer]:
        """Stream a new object; when the block raises, nothing of it is left behind."""

    @abstractmethod
    def open_reader(self, path: str) -> AbstractContextManager[Reader]:
        """Stream an object."""

    @abstractmethod
    def put(self, path: str, data: bytes) -> None:
        """Store a small object in one step over what is there: readers see the old one or the new one."""

    @abstractmethod
    def get(self, path: str) -> bytes:
        """Read a small object whole."""

    @abstractmethod
    def size(self, path: str) -> int:
        """Bytes of an object."""

    @abstractmethod
    def folders(self, path: str = "") -> list[str]:
        """The names (not paths) of the folders directly below one, sorted; none where it is not there."""

    @abstractmethod
    def paths(self, path: str = "") -> Iterator[str]:
        """The paths of all objects below a folder, at any depth."""

    @abstractmethod
    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects; those that are not there are no error."""

    def sweep(self, path: str, before: datetime) -> None:  # noqa: B027  # a storage may leave nothing behind
        """Remove what writers that were killed before that moment left unseen below a folder."""

    @abstractmethod
    def check(self) -> None:
        """Raise StorageError when the storage is not there or refuses."""
