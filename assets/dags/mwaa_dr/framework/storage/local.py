"""Backups in a folder of this machine, readable by their owner only."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from mwaa_dr.framework.errors import MissingObjectError, StorageError
from mwaa_dr.framework.storage.paths import folder_path, object_path
from mwaa_dr.framework.storage.storage import Reader, Storage, Writer

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
CREATE_ATTEMPTS = 10
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalStorage(Storage):
    """A folder; a file appears under its name only when it is whole and on disk."""

    is_near = True

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().absolute()
        self.url = self._root.as_uri()

    @contextmanager
    def open_writer(self, path: str) -> Iterator[Writer]:
        """Write beside the place, and move there when the block ended well."""
        target = self._root / object_path(path)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        with _errors("write", target):
            descriptor = _create(partial)
        try:
            try:
                yield _FileWriter(descriptor, target)
                with _errors("write", target):
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with _errors("write", target):
                os.replace(partial, target)
                _sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
                self._prune(target.parent)
            raise

    @contextmanager
    def open_reader(self, path: str) -> Iterator[Reader]:
        """Stream a file."""
        target = self._root / object_path(path)
        with _errors("read", target):
            descriptor = os.open(target, os.O_RDONLY)
        try:
            yield _FileReader(descriptor, target)
        finally:
            os.close(descriptor)

    def put(self, path: str, data: bytes) -> None:
        """Replace a small file in one step."""
        with self.open_writer(path) as writer:
            writer.write(data)

    def get(self, path: str) -> bytes:
        """Read a small file whole."""
        with self.open_reader(path) as reader:
            return reader.read()

    def size(self, path: str) -> int:
        """Bytes of a file."""
        target = self._root / object_path(path)
        with _errors("read", target):
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder")
            return target.stat().st_size

    def folders(self, path: str = "") -> list[str]:
        """The folders directly below one."""
        folder = self._root / folder_path(path)
        with _errors("list", folder):
            if not folder.is_dir():
                return []
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def paths(self, path: str = "") -> Iterator[str]:
        """All whole files below a folder; those that are still being written are not there yet."""
        return (found for found in self._files(path) if not _is_partial(found))

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files one after the other, and the folders that become empty."""
        folders: set[Path] = set()
        for path in paths:
            target = self._root / object_path(path)
            with _errors("delete", target), suppress(FileNotFoundError, NotADirectoryError):
                target.unlink()
                folders.add(target.parent)
        for folder in folders:
            with _errors("delete", folder), suppress(FileNotFoundError):
                _sync_folder(folder)
            self._prune(folder)

    def sweep(self, path: str, before: datetime) -> None:
        """Remove partial files that nothing has written to since then."""
        stale = [found for found in self._files(path) if _is_partial(found)]
        for found in stale:
            target = self._root / found
            with _errors("delete", target), suppress(FileNotFoundError):
                if target.stat().st_mtime < before.timestamp():
                    target.unlink()
                    self._prune(target.parent)

    def check(self) -> None:
        """Raise StorageError unless files can be written there, or the folder can be made."""
        place = self._root
        with _errors("use", self._root):
            while not place.exists() and place != place.parent:
                place = place.parent
            if not place.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, f"{place} is not a folder")
            if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, f"permission denied on {place}")

    def _files(self, path: str) -> Iterator[str]:
        top = self._root / folder_path(path)
        for folder, folders, files in os.walk(top, onerror=_refuse_unless_absent):
            folders.sort()
            for name in sorted(files):
                yield (Path(folder) / name).relative_to(self._root).as_posix()

    def _prune(self, folder: Path) -> None:
        # A folder that still holds something refuses to go, and ends the climb.
        with suppress(OSError):
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent


def _create(path: Path) -> int:
    """Create a file and the folders above it; another writer that fails may remove an empty folder meanwhile."""
    for _ in range(CREATE_ATTEMPTS):
        with suppress(FileNotFoundError):
            _make_folder(path.parent)
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    raise FileNotFoundError(errno.ENOENT, "its folder is removed again and again")


class _FileWriter:
    def __init__(self, descriptor: int, target: Path) -> None:
        self._descriptor = descriptor
        self._target = target

    def write(self, data: bytes, /) -> int:
        rest = memoryview(data)
        with _errors("write", self._target):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        return len(data)


class _FileReader:
    def __init__(self, descriptor: int, target: Path) -> None:
        self._descriptor = descriptor
        self._target = target

    def read(self, size: int = -1, /) -> bytes:
        with _errors("read", self._target):
            if size >= 0:
                return os.read(self._descriptor, size)
            return b"".join(iter(lambda: os.read(self._descriptor, 1 << 20), b""))


@contextmanager
def _errors(verb: str, target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as err:
        reason = (err.strerror or type(err).__name__).lower()
        if verb == "read" and err.errno in _ABSENT:
            raise MissingObjectError(f"{target.as_uri()} does not exist") from err
        hint = "Free some space there, or choose another place." if err.errno in _FULL else ""
        raise StorageError(f"cannot {verb} {target.as_uri()}: {reason}", hint) from err


def _refuse_unless_absent(err: OSError) -> None:
    if err.errno not in _ABSENT:
        with _errors("list", Path(str(err.filename))):
            raise err


def _is_partial(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(".") and name.endswith(".part")


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
