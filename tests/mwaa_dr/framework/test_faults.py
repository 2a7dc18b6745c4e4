"""Whatever fails, and however: a backup is complete or absent, a restore or cleanup happened whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from psycopg2 import extensions

from mwaa_dr.framework import aws
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DamagedBackupError, DatabaseError, DrError, SecretError, StorageError
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.storage import Reader, Writer
from tests.conftest import Database
from tests.support.engine import PRIMARY, VERSION, backup, cleanup, restore, tables_of
from tests.support.faulty_storage import FaultyStorage
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.state import dangling, exact, natural, settle
from tests.support.watched import Nth, Watched, unwatched, watched

TABLES = tables_of()
FEW = TABLES.only(["dag", "dag_run", "task_instance", "xcom", "variable", "log"])
"""Enough tables for each kind of call."""


def whole_backups(folder: Path) -> tuple[str, set[str]]:
    """The id of the latest backup and those of all complete ones, each of which is verified."""
    repository = BackupRepository(LocalStorage(folder))
    ids = set(repository.backup_ids(PRIMARY.id))
    for backup_id in ids:
        repository.verify_files(repository.manifest(PRIMARY.id, backup_id))
    return repository.latest(PRIMARY.id).backup_id, ids


def files(folder: Path) -> set[str]:
    return {path.name for path in (folder / PRIMARY.id).iterdir()}


def is_done(work: Callable[[], object], *expected: type[Exception]) -> bool:
    """Whether it ended well; else it raised one of these, and said so in one line."""
    try:
        work()
    except expected as err:
        said = getattr(err, "message", "")
    else:
        return True
    assert "\n" not in said
    return False


@pytest.mark.parametrize("answer_lost", [False, True])
@pytest.mark.parametrize(
    ("error", "for_good"),
    [
        (StorageError, False),
        pytest.param(StorageError, True, marks=pytest.mark.slow),
        pytest.param(TimeoutError, False, marks=pytest.mark.slow),
        pytest.param(TimeoutError, True, marks=pytest.mark.slow),
    ],
)
def test_a_backup_whose_storage_fails_at_any_call_is_complete_or_absent(
    primary: Metadata, tmp_path: Path, error: type[Exception], answer_lost: bool, for_good: bool
) -> None:
    fill(primary, runs=1)
    backup(primary.url, tmp_path, tables=FEW)
    counting = FaultyStorage(LocalStorage(tmp_path))
    good = backup(primary.url, counting, tables=FEW).backup_id
    kinds = {call.partition(" ")[0] for call in counting.calls}
    assert {"open_writer", "write", "end", "open_reader", "size", "get", "put", "paths", "check", "sweep"} == kinds
    for number in range(1, len(counting.calls) + 1):
        before = whole_backups(tmp_path)[1]
        faulty = FaultyStorage(
            LocalStorage(tmp_path), fail_at=number, answer_lost=answer_lost, for_good=for_good, error=error
        )
        done = is_done(lambda: backup(primary.url, faulty, tables=FEW), error)  # noqa: B023 - called at once
        latest, ids = whole_backups(tmp_path)
        failed_at = faulty.calls[number - 1]
        assert latest in (ids - before if done else {good, *ids - before}), failed_at
        if not for_good:
            assert files(tmp_path) == {"latest.json", *ids}, failed_at
        good = latest


@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_backup_whose_removal_fails_too_is_complete_or_without_a_manifest(
    primary: Metadata, tmp_path: Path, answer_lost: bool
) -> None:
    fill(primary, runs=1)
    good = backup(primary.url, tmp_path, tables=FEW).backup_id
    counting = FaultyStorage(_FailsToPublish(tmp_path))
    assert not is_done(lambda: backup(primary.url, counting, tables=FEW), StorageError)
    removal = [number for number, call in enumerate(counting.calls, 1) if call.startswith(("delete", "paths"))]
    for number in removal:
        place = FaultyStorage(_FailsToPublish(tmp_path), fail_at=number, answer_lost=answer_lost)
        assert not is_done(lambda: backup(primary.url, place, tables=FEW), StorageError)  # noqa: B023 - called at once
        latest, _ = whole_backups(tmp_path)
        assert latest == good
    assert len(removal) > len(FEW)


class _FailsToPublish(LocalStorage):
    """The manifest arrives, but nobody is told."""

    def put(self, path: str, data: bytes) -> None:
        super().put(path, data)
        if path.endswith("manifest.json"):
            raise StorageError("the answer was lost")


def broken(connection: Watched) -> None:
    """The statement fails, and with it the transaction."""
    with unwatched(connection) as cursor:
        cursor.execute("SELECT * FROM no_such_table")


def terminated(connection: Watched) -> None:
    """The server ends the session."""
    with psycopg2.connect(connection.dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 120000)", (connection.info.backend_pid,))


def timed_out(connection: Watched) -> None:
    """The statement takes longer than it may."""
    with unwatched(connection) as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)")


SQL_FAULTS = [broken, terminated, timed_out]


def failing_calls(
    db: Metadata, fault: Callable[[Watched], None], work: Callable[[MetadataDb], object], step: int = 1
) -> Iterator[str]:
    """Let each call fail, the first one first, until the work is done all the same; tell the call each time.

    Nobody counts them beforehand: a sequence that a failed attempt has raised stays so, and takes no call any more.
    """
    for number in itertools.count(1, step):
        nth = Nth(number, fault, but="SET LOCAL statement_timeout")
        if is_done(lambda: work(watched(db.url, nth)), DatabaseError):  # noqa: B023 - called at once
            return
        yield nth.calls[number - 1]
        settle(db)


@pytest.mark.parametrize("fault", SQL_FAULTS)
def test_a_backup_whose_statement_fails_is_absent(
    primary: Metadata, tmp_path: Path, fault: Callable[[Watched], None]
) -> None:
    fill(primary, runs=1)
    before = exact(primary)
    good = backup(primary.url, tmp_path, tables=FEW).backup_id
    counting = Nth(0, fault)
    backup(watched(primary.url, counting), tmp_path, tables=FEW)
    _, ids = whole_backups(tmp_path)
    for number in range(1, len(counting.calls) + 1):
        db = watched(primary.url, Nth(number, fault))
        done = is_done(lambda: backup(db, tmp_path, tables=FEW), DatabaseError)  # noqa: B023 - called at once
        settle(primary)
        latest, now = whole_backups(tmp_path)
        assert files(tmp_path) == {"latest.json", *now}
        assert len(now) == len(ids) + done
        assert (latest in now - ids) == done, counting.calls[number - 1]
        ids = now
    assert exact(primary) == before
    assert good in ids


@pytest.fixture
def alike(primary: Metadata, database: Database, tmp_path: Path) -> tuple[Metadata, Metadata]:
    """Two environments with the same history, and a backup of another one to restore into them."""
    fill(primary)
    backup(primary.url, tmp_path)
    like, target = (Metadata(database(VERSION)) for _ in range(2))
    for filled in (like, target):
        fill(filled, "other")
    return like, target


@pytest.mark.slow
@pytest.mark.parametrize("fault", SQL_FAULTS)
def test_a_restore_whose_statement_fails_changed_nothing(
    alike: tuple[Metadata, Metadata], tmp_path: Path, fault: Callable[[Watched], None]
) -> None:
    like, target = alike
    restore(like.url, tmp_path)
    before = exact(target)
    failed = []
    for call in failing_calls(target, fault, lambda db: restore(db, tmp_path), step=4):
        assert exact(target) == before, call
        failed.append(call)
    assert failed[0] == "rollback", "the first call of a session"
    assert len(failed) > 100
    assert natural(target, TABLES) == natural(like, TABLES)
    assert dangling(target, TABLES) == []


@pytest.mark.parametrize("call", ["RELEASE SAVEPOINT merge", "commit"])
@pytest.mark.parametrize("fault", SQL_FAULTS)
def test_a_restore_that_fails_at_its_very_end_changed_nothing(
    alike: tuple[Metadata, Metadata], tmp_path: Path, fault: Callable[[Watched], None], call: str
) -> None:
    like, target = alike
    before = exact(target)
    counting = Nth(0, fault)
    restore(watched(like.url, counting), tmp_path)
    merged = max(number for number, one in enumerate(counting.calls) if one == "RELEASE SAVEPOINT merge")
    number = counting.calls.index(call, merged) + 1
    failing = Nth(number, fault)
    assert not is_done(lambda: restore(watched(target.url, failing), tmp_path), DatabaseError)
    settle(target)
    assert failing.calls[number - 1] == call
    assert exact(target) == before


def test_a_restore_whose_commit_was_answered_to_nobody_can_be_repeated(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary)
    backup(primary.url, tmp_path)

    def lost(connection: Watched, statement: str) -> None:
        if statement == "commit" and secondary.one("SELECT count(*) FROM dag_run"):
            connection.close()
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    assert not is_done(lambda: restore(watched(secondary.url, after=lost), tmp_path), DatabaseError)
    once = natural(secondary, TABLES)
    assert once["dag_run"][0] == 7
    restore(secondary.url, tmp_path)
    assert natural(secondary, TABLES) == once


@pytest.mark.parametrize("fault", SQL_FAULTS)
def test_a_cleanup_whose_statement_fails_changed_nothing(
    primary: Metadata, tmp_path: Path, fault: Callable[[Watched], None]
) -> None:
    fill(primary)
    before = exact(primary)
    failed = []
    for call in failing_calls(primary, fault, lambda db: cleanup(db, force=True)):
        assert exact(primary) == before, call
        failed.append(call)
    assert failed[-1] == "commit"
    assert primary.one("SELECT count(*) FROM dag_run") == 0


@pytest.fixture
def kms() -> Iterator[list[str]]:
    """The ARNs of a KMS key in each of two Regions."""
    with mock_aws():
        regions = ("us-east-1", "us-west-2")
        yield [boto3.client("kms", region_name=region).create_key()["KeyMetadata"]["Arn"] for region in regions]


class FailingKms:
    """Spoils the n-th call to KMS: before it is carried out, or after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fail_at = 0
        self.for_good = False
        self.moment = "before-call"
        self._client = aws.patient_client
        monkeypatch.setattr(aws, "patient_client", self._spoiled)

    def _spoiled(self, service: str, region: str = "") -> Any:
        made = self._client(service, region)
        made.meta.events.register("before-call", self._before)
        made.meta.events.register("after-call", self._after)
        return made

    def _before(self, event_name: str = "", **_: Any) -> None:
        self.calls.append(event_name.rpartition(".")[2])
        self._fail("before-call")

    def _after(self, **_: Any) -> None:
        self._fail("after-call")

    def _fail(self, moment: str) -> None:
        if self.for_good or (len(self.calls) == self.fail_at and moment == self.moment):
            raise ReadTimeoutError(endpoint_url="https://kms")


@pytest.mark.parametrize("moment", ["before-call", "after-call"])
def test_a_backup_whose_kms_call_fails_is_absent(
    primary: Metadata, secondary: Metadata, tmp_path: Path, kms: list[str], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(primary, runs=1)
    failing = FailingKms(monkeypatch)
    good = backup(primary.url, tmp_path, kms_key_arns=tuple(kms)).backup_id
    assert failing.calls == ["GenerateDataKey", "Encrypt"]
    for number in (1, 2):
        failing.calls, failing.fail_at, failing.moment = [], number, moment
        assert not is_done(lambda: backup(primary.url, tmp_path, kms_key_arns=tuple(kms)), SecretError)
        assert whole_backups(tmp_path) == (good, {good})
        assert files(tmp_path) == {"latest.json", good}
    failing.calls, failing.fail_at = [], 1
    restore(secondary.url, tmp_path)
    assert failing.calls == ["Decrypt", "Decrypt"]
    assert secondary.one("SELECT count(*) FROM variable") == 2


def test_a_restore_that_no_kms_key_opens_changed_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path, kms: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(primary, runs=1)
    backup(primary.url, tmp_path, kms_key_arns=tuple(kms))
    FailingKms(monkeypatch).for_good = True
    before = exact(secondary)
    assert not is_done(lambda: restore(secondary.url, tmp_path), SecretError)
    assert exact(secondary) == before


@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_restore_whose_storage_fails_at_any_call_changed_nothing(
    primary: Metadata, secondary: Metadata, tmp_path: Path, answer_lost: bool
) -> None:
    fill(primary, runs=1)
    backup(primary.url, tmp_path, tables=FEW)
    before = exact(secondary)
    counting = FaultyStorage(LocalStorage(tmp_path))
    restore(secondary.url, counting, tables=FEW, dry_run=True)
    for number in range(1, len(counting.calls) + 1):
        faulty = FaultyStorage(LocalStorage(tmp_path), fail_at=number, answer_lost=answer_lost)
        assert not is_done(lambda: restore(secondary.url, faulty, tables=FEW), DrError)  # noqa: B023 - called at once
        assert exact(secondary) == before
    faulty = FaultyStorage(LocalStorage(tmp_path), fail_at=len(counting.calls) + 1, answer_lost=answer_lost)
    assert is_done(lambda: restore(secondary.url, faulty, tables=FEW))
    assert faulty.calls[-1].startswith("put "), "the report beside the backup is no part of the restore"
    assert secondary.one("SELECT count(*) FROM dag_run") == 2


class _FailsLate(LocalStorage):
    """Every file can be read whole once; the second time something happens in its middle."""

    def __init__(self, root: Path, happen: Callable[[], bytes]) -> None:
        super().__init__(root)
        self.opened: set[str] = set()
        self.happen = happen

    @contextmanager
    def open_reader(self, path: str) -> Iterator[Reader]:
        with super().open_reader(path) as reader:
            again = path in self.opened and "log" in path
            self.opened.add(path)
            yield _Late(reader, self.happen) if again else reader


class _Late:
    def __init__(self, reader: Reader, happen: Callable[[], bytes]) -> None:
        self._reader, self._happen = reader, happen
        self._reads = 0

    def read(self, size: int = -1, /) -> bytes:
        self._reads += 1
        return self._reader.read(min(size, 100)) if self._reads == 1 else self._happen()


def unreachable() -> bytes:
    raise StorageError("cannot read the file: AWS cannot be reached", "Check the network.")


def replaced() -> bytes:
    return b"other bytes"


@pytest.mark.parametrize(
    ("happen", "error", "words"),
    [(unreachable, StorageError, "AWS cannot be reached"), (replaced, DamagedBackupError, r"log\.csv\.gz")],
)
def test_what_fails_while_postgres_reads_is_told_as_what_it_is(
    primary: Metadata,
    secondary: Metadata,
    tmp_path: Path,
    happen: Callable[[], bytes],
    error: type[DrError],
    words: str,
) -> None:
    fill(primary, logs=1000)
    backup(primary.url, tmp_path)
    before = exact(secondary)
    with pytest.raises(error, match=words) as caught:
        restore(secondary.url, _FailsLate(tmp_path, happen))
    assert type(caught.value) is error
    assert exact(secondary) == before


def test_a_full_disk_while_postgres_writes_is_told_as_what_it_is(primary: Metadata, tmp_path: Path) -> None:
    fill(primary, logs=20_000)

    def drained(connection: Watched, statement: str) -> None:
        # A rollback in the middle of a COPY first reads the rest of the table, however large that is.
        assert statement != "rollback" or connection.info.transaction_status != extensions.TRANSACTION_STATUS_ACTIVE

    with pytest.raises(StorageError, match="no space left"):
        backup(watched(primary.url, drained), _Full(tmp_path))
    assert not list(tmp_path.rglob("*.gz"))


class _Full(LocalStorage):
    @contextmanager
    def open_writer(self, path: str) -> Iterator[Writer]:
        with super().open_writer(path) as writer:
            yield _NoSpace() if "log.csv" in path else writer


class _NoSpace:
    def write(self, data: bytes, /) -> int:
        raise StorageError("cannot write the file: no space left on device")
