"""One operation of the engine in a process of its own, which tells each of its calls, so that it can be killed at any.

`python -m tests.support.engine_process JSON`; a line on standard output before each call to the database or the
storage, then `ended`, and the last one is `done` with the MiB that it took.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DrError
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.open import open_storage
from mwaa_dr.framework.storage.storage import Reader, Storage, Writer
from tests.support import engine
from tests.support.watched import watched

ROOT = Path(__file__).parents[2]
_TIME_LEFT = re.compile(r"(?<=SET LOCAL statement_timeout = )\d+")
"""What differs in the calls of two like runs."""


@dataclass
class EngineProcess:
    """What a caller may ask: `options` are those of tests.support.engine."""

    operation: str
    """`backup`, `restore` or `cleanup`."""
    url: str
    place: str | Path
    """A folder, or an S3 URL."""
    options: dict[str, Any] = field(default_factory=dict)
    quiet: bool = False
    """Tell nothing of the calls: a memory test measures the engine alone."""
    dies_at: int = 0
    """The number of the call, from 1, that it tells and is killed instead."""

    def run(self) -> list[str]:
        """Run it to its end; return what it told, without the last line where it is not quiet."""
        told, code = self._told()
        assert code == 0
        return told if self.quiet else told[:-1]

    def die_before(self, call: int) -> list[str]:
        """Have it kill -9 itself instead of its n-th call (from 1); return what it told, this call the last."""
        told, code = replace(self, dies_at=call)._told()
        assert code == -signal.SIGKILL
        assert len(told) == call
        return told

    def kill_near(self, call: int, seconds: float) -> None:
        """Kill -9 so many seconds after we read of its n-th call: luck says where it is by then."""
        with self._started() as process:
            assert process.stdout
            for number, _ in enumerate(process.stdout, 1):
                if number == call:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(seconds)
                    break
            process.kill()
            process.wait()

    def _told(self) -> tuple[list[str], int]:
        with self._started() as process:
            assert process.stdout
            return [line.rstrip("\n") for line in process.stdout], process.wait()

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[str]]:
        asked = json.dumps({**self.__dict__, "place": str(self.place)})
        command = [sys.executable, "-m", "tests.support.engine_process", asked]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "assets" / "dags")])
        environment = {**os.environ, "PYTHONPATH": paths}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
            try:
                yield process
            finally:
                process.kill()


def moments(calls: int, count: int, seed: int) -> list[tuple[int, float]]:
    """Spread `count` moments over so many calls: the number of a call, and up to 30 ms after it."""
    chance = random.Random(seed)
    return [
        (min(calls, 1 + int((number + chance.random()) * calls / count)), chance.random() * 0.03)
        for number in range(count)
    ]


def rss(key: str = "VmRSS") -> int:
    """MiB of this process, now or (VmHWM) at its peak."""
    line = next(text for text in Path("/proc/self/status").read_text().splitlines() if text.startswith(key))
    return int(line.split()[1]) >> 10


def _main(asked: dict[str, Any]) -> None:
    with _lines(asked["quiet"], asked["dies_at"]) as tell:
        url, place = asked["url"], asked["place"]
        db = MetadataDb.from_url(url) if asked["quiet"] else watched(url, lambda _, statement: tell(statement))
        storage = open_storage(place) if asked["quiet"] else _TellingStorage(Path(place), tell)
        if place.startswith("s3:"):
            storage.check()  # loads what boto3 loads late
        with db.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
            idle = rss()
        try:
            _operate(asked["operation"], db, storage, dict(asked["options"]))
        except DrError as err:
            sys.exit(f"{type(err).__name__}: {err.message}")
        tell("ended")
        sys.stdout.write(f"done {json.dumps({'idle': idle, 'peak': rss('VmHWM')})}\n")


def _operate(operation: str, db: MetadataDb, storage: Storage, options: dict[str, Any]) -> None:
    if operation == "cleanup":
        engine.cleanup(db, **options)
    elif operation == "backup":
        engine.backup(db, storage, **options)
    else:
        in_flight = InFlight(options.pop("in_flight", "drop"))
        engine.restore(db, storage, in_flight=in_flight, **options)


@contextmanager
def _lines(quiet: bool, dies_at: int) -> Iterator[Callable[[str], None]]:
    """What writes a line at once, from any thread, and ends this process with one of them."""
    lock, numbers = threading.Lock(), itertools.count(1)

    def tell(text: str) -> None:
        if not quiet:
            with lock:
                sys.stdout.write(_TIME_LEFT.sub("", " ".join(text.split()))[:120] + "\n")
                sys.stdout.flush()
                if next(numbers) == dies_at:
                    os.kill(os.getpid(), signal.SIGKILL)

    yield tell


class _TellingStorage(LocalStorage):
    def __init__(self, root: Path, tell: Callable[[str], None]) -> None:
        super().__init__(root)
        self._tell = tell

    @contextmanager
    def open_writer(self, path: str) -> Iterator[Writer]:
        self._tell(f"write {path}")
        with super().open_writer(path) as writer:
            yield writer
            self._tell(f"written {path}")
        self._tell(f"stored {path}")

    @contextmanager
    def open_reader(self, path: str) -> Iterator[Reader]:
        self._tell(f"read {path}")
        with super().open_reader(path) as reader:
            yield reader

    def delete(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._tell(f"delete {path}")
            super().delete([path])


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
