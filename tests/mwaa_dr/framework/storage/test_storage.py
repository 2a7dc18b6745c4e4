"""What S3 and a local folder promise alike."""

from __future__ import annotations

import hashlib

import pytest

from mwaa_dr.framework.errors import MissingObjectError, StorageError
from mwaa_dr.framework.storage.hashing import HashingReader, HashingWriter
from mwaa_dr.framework.storage.storage import Storage

MIB = 1 << 20


def test_what_was_written_in_pieces_is_read_back(storage: Storage) -> None:
    pieces = [b"", b"a", b"bc" * 1000, bytes(range(256)) * 40_000, b"end"]
    with storage.open_writer("env/b1/log.csv.gz") as writer:
        assert [writer.write(piece) for piece in pieces] == [len(piece) for piece in pieces]

    assert storage.get("env/b1/log.csv.gz") == b"".join(pieces)
    assert storage.size("env/b1/log.csv.gz") == sum(map(len, pieces))


@pytest.mark.parametrize("size", [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 17 * MIB + 3])
def test_an_object_of_any_size_comes_back(storage: Storage, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    with storage.open_writer("x") as writer:
        writer.write(data)

    with storage.open_reader("x") as reader:
        read = b"".join(iter(lambda: reader.read(100_000), b""))
        assert reader.read(10) == b""
    assert read == data


def test_a_block_that_raises_leaves_nothing_and_its_own_error(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), storage.open_writer("env/b1/log") as writer:
        writer.write(b"x" * (11 * MIB + writer.write(b"x" * 11 * MIB) // 0))

    assert list(storage.paths()) == []
    assert storage.folders() == []


def test_nothing_is_there_before_the_block_has_ended(storage: Storage) -> None:
    with storage.open_writer("env/log") as writer:
        writer.write(b"x" * 11 * MIB)
        assert list(storage.paths()) == []
    assert list(storage.paths()) == ["env/log"]


def test_put_replaces_what_is_there(storage: Storage) -> None:
    storage.put("env/latest.json", b"old")
    storage.put("env/latest.json", b"new")
    assert storage.get("env/latest.json") == b"new"


def test_paths_and_folders_are_those_below_a_folder_only(storage: Storage) -> None:
    for path in ("e1/b1/log", "e1/b1/deep/er/x", "e1/b2/log", "e1/latest.json", "e10/b1/log", "top"):
        storage.put(path, b"x")

    assert sorted(storage.paths("e1")) == ["e1/b1/deep/er/x", "e1/b1/log", "e1/b2/log", "e1/latest.json"]
    assert storage.folders() == ["e1", "e10"]
    assert storage.folders("e1") == ["b1", "b2"]
    assert storage.folders("nowhere") == []
    assert list(storage.paths("nowhere")) == []


def test_delete_takes_what_is_there_and_the_folders_that_become_empty(storage: Storage) -> None:
    for path in ("e1/b1/log", "e1/b1/xcom", "e1/b2/log"):
        storage.put(path, b"x")
    storage.delete(["e1/b1/log", "e1/b1/xcom", "e1/b1/never-there", "no/where"])

    assert list(storage.paths()) == ["e1/b2/log"]
    assert storage.folders("e1") == ["b2"]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../x", "a//b", "a/", "./a", "a\\..\\b", "a\nb", "\0"])
def test_a_path_that_leaves_the_root_is_refused_by_every_method(storage: Storage, path: str) -> None:
    with pytest.raises(StorageError, match="is not allowed"):
        storage.put(path, b"x")
    with pytest.raises(StorageError, match="is not allowed"):
        storage.get(path)
    with pytest.raises(StorageError, match="is not allowed"):
        storage.size(path)
    with pytest.raises(StorageError, match="is not allowed"):
        storage.delete([path])
    with pytest.raises(StorageError, match="is not allowed"):
        list(storage.paths("../x"))


def test_an_object_that_is_not_there_is_a_missing_object(storage: Storage) -> None:
    storage.put("env/x", b"x")
    for path in ("nothing", "env", "env/x/below-a-file"):
        with pytest.raises(MissingObjectError, match="does not exist"):
            storage.get(path)
        with pytest.raises(MissingObjectError, match="does not exist"):
            storage.size(path)


def test_a_storage_that_is_there_passes_its_check(storage: Storage) -> None:
    storage.check()


def test_hashing_accounts_for_all_that_goes_through(storage: Storage) -> None:
    with storage.open_writer("x") as writer:
        written = HashingWriter(writer)
        for _ in range(300):
            written.write(b"0123456789" * 1000)
    with storage.open_reader("x") as reader:
        read = HashingReader(reader)
        while read.read(70_000):
            pass

    assert written.size == read.size == 3_000_000
    assert written.sha256 == read.sha256
    assert written.sha256 == hashlib.sha256(b"0123456789" * 300_000).hexdigest()


def test_an_empty_object_is_read_as_nothing(storage: Storage) -> None:
    storage.put("x", b"")
    assert storage.get("x") == b""
    with storage.open_reader("x") as reader:
        assert reader.read(10) == b""
