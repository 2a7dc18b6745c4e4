"""What is particular to a folder: modes, atomic renames, full disks, killed writers."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

import pytest

from mwaa_dr.framework.errors import StorageError
from mwaa_dr.framework.storage.local import LocalStorage

MIB = 1 << 20


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        LocalStorage(tmp_path / "a/b").put("env/b1/connection.csv.gz", b"x")
    finally:
        os.umask(old)
    for path in (tmp_path / "a").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(small_disk: Path) -> None:
    storage = LocalStorage(small_disk / "data")
    storage.put("env/latest.json", b"kept")
    with (
        pytest.raises(StorageError, match="no space left on device") as caught,
        storage.open_writer("env/b1/log.csv.gz") as writer,
    ):
        deque(writer.write(os.urandom(100_000)) for _ in range(100))

    assert "\n" not in caught.value.message
    assert "b1/log.csv.gz" in caught.value.message
    assert caught.value.hint
    assert everything(small_disk) == ["data", "data/env", "data/env/latest.json"]
    storage.put("env/b2/small", b"there is room again")


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "open", "mkdir"])
def test_whichever_system_call_meets_a_full_disk_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    storage = LocalStorage(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageError, match="no space left on device"):
            storage.put("env/b1/log", b"x" * 1000)
    assert [p for p in everything(tmp_path) if not (tmp_path / p).is_dir()] == []


def test_a_system_that_writes_a_little_at_a_time_is_no_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data[:7])))
    LocalStorage(tmp_path).put("x", b"0123456789" * 10)
    assert (tmp_path / "x").read_bytes() == b"0123456789" * 10


def test_a_reader_of_a_replaced_file_sees_the_old_or_the_new_one(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("latest.json", b"old" * 100)
    with storage.open_reader("latest.json") as reader:
        storage.put("latest.json", b"new")
        assert reader.read() == b"old" * 100
    assert storage.get("latest.json") == b"new"


def test_what_a_killed_writer_left_is_unseen_and_swept_once_it_is_old(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from mwaa_dr.framework.storage.local import LocalStorage\n"
        "with LocalStorage(Path(sys.argv[1])).open_writer('env/b1/log') as writer:\n"
        "    writer.write(b'x' * 1000); print('written', flush=True); time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": "assets/dags"}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    storage = LocalStorage(tmp_path)
    assert list(storage.paths()) == []
    assert len(everything(tmp_path)) == 3
    storage.sweep("", datetime.fromtimestamp(time.time() - 3600, timezone.utc))
    assert len(everything(tmp_path)) == 3
    storage.sweep("env", datetime.fromtimestamp(time.time() + 3600, timezone.utc))
    assert everything(tmp_path) == []


def test_a_root_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        storage = LocalStorage(root)
        with pytest.raises(StorageError, match="is not a folder"):
            storage.check()
        with pytest.raises(StorageError, match="cannot write"):
            storage.put("x", b"x")
        assert list(storage.paths()) == []
        assert storage.folders() == []


def test_a_root_that_can_still_be_made_passes_and_is_not_made(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "data" / "deep")
    storage.check()
    assert everything(tmp_path) == []
    assert storage.folders() == []


def test_a_folder_without_permission_is_refused_in_words(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "closed" / "data")
    storage.put("env/x", b"x")
    (tmp_path / "closed").chmod(0)
    child = os.fork()
    if not child:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            calls: list[Callable[[], object]] = [
                storage.check,
                storage.folders,
                lambda: storage.put("env/y", b"y"),
                lambda: storage.get("env/x"),
                lambda: storage.size("env/x"),
                lambda: storage.delete(["env/x"]),
                lambda: list(storage.paths()),
            ]
            for call in calls:
                with pytest.raises(StorageError, match="permission denied"):
                    call()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    (tmp_path / "closed").chmod(0o700)


def test_deleting_the_last_file_keeps_the_root(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "root")
    storage.put("e/b/x", b"x")
    storage.delete(["e/b/x"])
    assert everything(tmp_path) == ["root"]


def test_writers_that_fail_side_by_side_leave_the_folder_to_those_that_go_on(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)

    def fail(number: int) -> None:
        with suppress(RuntimeError), storage.open_writer(f"backup/broken-{number}"):
            raise RuntimeError

    def write(number: int) -> None:
        with storage.open_writer(f"backup/{number}") as writer:
            writer.write(b"x")
        storage.delete([f"backup/{number}"])

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(job, n) for n in range(300) for job in (fail, write)]:
            done.result()
