"""Backups in a storage: found, chosen, published, verified, removed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.errors import (
    DamagedBackupError,
    DrError,
    IncompatibleBackupError,
    MissingBackupError,
    SettingError,
    StorageError,
)
from mwaa_dr.framework.manifest import Environment
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.progress import Progress
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.storage.storage import Storage
from tests.support.backups import FILES, PROD, a_backup, a_manifest
from tests.support.faulty_storage import FaultyStorage
from tests.support.s3 import BUCKET, simulated_s3

B1, B2, B3 = (f"2026112{day}T230500Z-1f0c9a7{day}" for day in (1, 2, 3))
NOW = datetime(2026, 11, 23, 23, 10, tzinfo=timezone.utc)
TEST = Environment("test", "us-east-1")


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "local":
        yield LocalStorage(tmp_path)
        return
    with simulated_s3() as client:
        yield S3Storage(BUCKET, "data", client=client)


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def refused(call: Callable[[], Any], error: type[DrError], words: str) -> str:
    """The hint of the one clear line with which a call is refused."""
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in caught.value.message
    return caught.value.hint


def test_a_published_backup_is_found_again(storage: Storage) -> None:
    repository = BackupRepository(storage)
    manifest = a_backup(storage, B1)

    assert repository.environments() == ["prod.us-east-1"]
    assert repository.backup_ids(PROD.id) == [B1]
    assert repository.manifest(PROD.id, B1) == manifest
    assert repository.latest(PROD.id) == manifest
    assert repository.choose() == manifest
    assert sorted(storage.paths()) == [
        f"prod.us-east-1/{B1}/log.csv.gz",
        f"prod.us-east-1/{B1}/manifest.json",
        f"prod.us-east-1/{B1}/xcom.csv.gz",
        "prod.us-east-1/latest.json",
    ]


def test_latest_json_says_what_it_points_at(storage: Storage) -> None:
    a_backup(storage, B1)
    pointer = json.loads(storage.get("prod.us-east-1/latest.json"))
    assert pointer["backup_id"] == B1
    assert len(pointer["manifest_sha256"]) == 64
    assert pointer["snapshot_time"] == "2026-11-21T23:05:00+00:00"
    assert len(pointer) == 3


def test_a_backup_that_is_not_promoted_is_kept_and_not_the_latest(storage: Storage) -> None:
    repository = BackupRepository(storage)
    first = a_backup(storage, B1)
    shrunken = a_backup(storage, B2, promote=False)
    assert repository.latest(PROD.id) == first
    assert repository.choose(backup_id=B2) == shrunken
    assert repository.backup_ids(PROD.id) == [B1, B2]


def test_no_environment_moves_the_latest_of_another(storage: Storage) -> None:
    repository = BackupRepository(storage)
    mine, other = a_backup(storage, B1), a_backup(storage, B3, TEST)
    near = a_backup(storage, B2, Environment("prod", "us-east-10"))
    assert repository.latest(PROD.id) == mine
    assert repository.latest(TEST.id) == other
    assert repository.latest("prod.us-east-10") == near
    assert repository.backup_ids(PROD.id) == [B1]


def test_a_backup_without_a_manifest_does_not_exist(storage: Storage) -> None:
    a_backup(storage, B1)
    a_backup(storage, B2, complete=False)
    repository = BackupRepository(storage)
    assert repository.backup_ids(PROD.id) == [B1]
    hint = refused(lambda: repository.choose(backup_id=B2), MissingBackupError, "not completed, or not yet replicated")
    assert B1 in hint


def test_an_empty_storage_holds_no_backup(storage: Storage) -> None:
    repository = BackupRepository(storage)
    assert repository.environments() == []
    refused(repository.choose, MissingBackupError, "there is no backup in ")
    refused(lambda: repository.choose("prod"), MissingBackupError, "there is no backup of 'prod' in ")
    refused(lambda: repository.choose("prod", B1), MissingBackupError, "there is no backup of 'prod' in ")


def test_folders_that_are_no_environments_are_passed_by(storage: Storage) -> None:
    a_backup(storage, B1)
    a_backup(storage, B1, TEST, complete=False)
    storage.put("data/dag_run.csv", b"a folder of the peer")
    storage.put("prod.us-east-1/notes/manifest.json", b"{}")
    storage.put("prod.us-east-1/99999999T999999Z-00000000/manifest.json", b"{}")
    repository = BackupRepository(storage)
    assert repository.environments() == ["prod.us-east-1"]
    assert repository.backup_ids(PROD.id) == [B1]
    assert repository.choose().backup_id == B1


def test_of_several_environments_one_must_be_named(storage: Storage) -> None:
    a_backup(storage, B1)
    a_backup(storage, B2, TEST)
    repository = BackupRepository(storage)
    hint = refused(repository.choose, SettingError, "several environments")
    assert "prod.us-east-1, test.us-east-1" in hint
    assert repository.choose("test.us-east-1").backup_id == B2


def test_an_environment_without_a_backup_is_told_which_have_one(local: Storage) -> None:
    a_backup(local, B1)
    hint = refused(lambda: BackupRepository(local).choose("prodd"), MissingBackupError, "no backup of 'prodd'")
    assert "prod.us-east-1" in hint


def test_an_unknown_backup_id_is_told_the_newest_ones(local: Storage) -> None:
    for day in range(1, 8):
        a_backup(local, f"2026110{day}T000000Z-00000000")
    for unknown in (B1, "20261101", "latest", "../../etc", "x" * 300):
        hint = refused(partial(BackupRepository(local).choose, backup_id=unknown), MissingBackupError, "there is no")
        assert "20261107T000000Z-00000000, 20261106T000000Z-00000000" in hint
        assert "20261102T" not in hint


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"format": 1}', b'{"format": "1"}', b"null"]
)
def test_a_manifest_that_cannot_be_read_is_damage_with_another_backup_as_hint(local: Storage, data: bytes) -> None:
    a_backup(local, B1)
    a_backup(local, B2)
    local.put(f"{PROD.id}/{B2}/manifest.json", data)
    choose = BackupRepository(local).choose
    assert B1 in refused(lambda: choose(backup_id=B2), DamagedBackupError, f"backup {B2} .* cannot be read")
    assert B1 in refused(choose, DamagedBackupError, "is not the one that 'prod.us-east-1' promoted")


def test_a_manifest_with_a_field_of_another_kind_is_damage(local: Storage) -> None:
    a_backup(local, B1)
    raw = json.loads(local.get(f"{PROD.id}/{B1}/manifest.json"))
    raw["tables"][0]["size"] = "900"
    local.put(f"{PROD.id}/{B1}/manifest.json", json.dumps(raw).encode())
    refused(lambda: BackupRepository(local).choose(backup_id=B1), DamagedBackupError, "cannot be read")


def test_a_manifest_of_a_newer_format_is_refused(local: Storage) -> None:
    manifest = replace(a_manifest(B1), format=99)
    BackupRepository(local).publish(manifest, promote=True)
    for backup_id in ("", B1):
        refused(
            partial(BackupRepository(local).choose, backup_id=backup_id),
            IncompatibleBackupError,
            f"backup {B1} .* format 99",
        )


def test_a_manifest_copied_from_another_backup_or_environment_is_refused(local: Storage) -> None:
    a_backup(local, B1)
    a_backup(local, B2)
    a_backup(local, B2, TEST)
    local.put(f"{PROD.id}/{B2}/manifest.json", local.get(f"{PROD.id}/{B1}/manifest.json"))
    refused(lambda: BackupRepository(local).choose(PROD.id, B2), DamagedBackupError, f"has the manifest of {B1}")
    local.put(f"{PROD.id}/{B2}/manifest.json", local.get(f"{TEST.id}/{B2}/manifest.json"))
    refused(lambda: BackupRepository(local).choose(PROD.id, B2), DamagedBackupError, "of 'test.us-east-1'")


def test_a_manifest_altered_by_one_byte_is_not_the_latest(local: Storage) -> None:
    a_backup(local, B1)
    path = f"{PROD.id}/{B1}/manifest.json"
    local.put(path, local.get(path).replace(b'"rows": 7', b'"rows": 8', 1))
    refused(BackupRepository(local).choose, DamagedBackupError, "is not the one")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"backup_id": "../x"}', b"[" * 100_000])
def test_a_pointer_that_cannot_be_read_names_the_newest_backup(local: Storage, data: bytes) -> None:
    a_backup(local, B1)
    a_backup(local, B2)
    local.put(f"{PROD.id}/latest.json", data)
    assert B2 in refused(BackupRepository(local).choose, DamagedBackupError, "latest.json cannot be read")


def test_a_pointer_whose_backup_is_gone_names_the_newest_backup(local: Storage) -> None:
    repository = BackupRepository(local)
    a_backup(local, B1)
    a_backup(local, B2)
    repository.remove(PROD.id, B2)
    assert B1 in refused(repository.choose, MissingBackupError, f"{B2}, is not there: removed, or not yet")
    local.delete([f"{PROD.id}/latest.json"])
    assert B1 in refused(repository.choose, MissingBackupError, "no backup of .* was promoted")


def test_a_published_backup_is_never_overwritten(local: Storage) -> None:
    manifest = a_backup(local, B1)
    repository = BackupRepository(local)
    repository.publish(manifest, promote=True)
    refused(lambda: repository.publish(replace(manifest, seconds=9.0), promote=True), StorageError, "published before")
    assert repository.latest(PROD.id) == manifest


def test_an_environment_name_with_a_slash_is_refused(local: Storage) -> None:
    manifest = a_manifest(B1, Environment("a/b"))
    refused(lambda: BackupRepository(local).publish(manifest, promote=True), SettingError, "'a/b'")


class Told(Progress):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def start(self, table: str, total: int | None = None) -> None:
        self.lines.append(("start", table, total))

    def advance(self, table: str, done: int) -> None:
        self.lines.append(("advance", table, done))

    def finish(self, table: str, rows: int, seconds: float) -> None:
        self.lines.append(("finish", table, rows))


def test_a_whole_backup_is_verified_byte_by_byte(storage: Storage) -> None:
    manifest, told = a_backup(storage, B1), Told()
    BackupRepository(storage).verify_files(manifest, told)
    for name, data in FILES.items():
        assert ("start", name, len(data)) in told.lines
        assert sum(line[2] for line in told.lines if line[:2] == ("advance", name)) == len(data)
        assert ("finish", name, 7) in told.lines


XCOM = FILES["xcom"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "is missing"),
        (b"", "is truncated: 0 bytes, 2000000 by the manifest"),
        (XCOM[:-1], "is truncated"),
        (XCOM + b"\n", "is longer than it was"),
        (b"garbage" + XCOM, "is longer than it was"),
        (bytes([XCOM[0] ^ 1]) + XCOM[1:], "was altered"),
        (XCOM[:1_500_000] + b"!" + XCOM[1_500_001:], "was altered"),
        (XCOM[:-1] + bytes([XCOM[-1] ^ 128]), "was altered"),
        (XCOM[7:] + XCOM[:7], "was altered"),
        (FILES["log"], "is truncated"),
    ],
)
def test_a_damaged_file_is_named_with_what_differs(storage: Storage, data: bytes | None, words: str) -> None:
    a_backup(storage, B1)
    manifest = a_backup(storage, B2)
    path = f"{PROD.id}/{B2}/xcom.csv.gz"
    if data is None:
        storage.delete([path])
    else:
        storage.put(path, data)
    hint = refused(lambda: BackupRepository(storage).verify_files(manifest), DamagedBackupError, words)
    assert B1 in hint
    with pytest.raises(DamagedBackupError, match=f"'xcom.csv.gz' of backup {B2}"):
        BackupRepository(storage).verify_files(manifest)


def test_a_manifest_that_names_a_file_elsewhere_is_damage(local: Storage) -> None:
    a_backup(local, B1)
    manifest = a_backup(local, B2)
    elsewhere = replace(manifest.tables[0], file=f"../{B1}/log.csv.gz")
    wrong = replace(manifest, tables=(elsewhere,))
    refused(lambda: BackupRepository(local).verify_files(wrong), DamagedBackupError, "is not a file of this backup")


def test_a_removed_backup_leaves_nothing(storage: Storage) -> None:
    a_backup(storage, B1)
    a_backup(storage, B2)
    storage.put(f"{PROD.id}/{B1}/report.json", b"{}")
    BackupRepository(storage).remove(PROD.id, B1)
    assert storage.folders(PROD.id) == [B2]


def test_a_removal_that_stops_anywhere_never_leaves_a_backup_that_looks_complete(tmp_path: Path) -> None:
    for answer_lost in (False, True):
        for fail_at in (1, 2, 3, 4):
            inner = LocalStorage(tmp_path / f"{answer_lost}{fail_at}")
            a_backup(inner, B1)
            faulty = FaultyStorage(inner, fail_at=fail_at, answer_lost=answer_lost, for_good=True)
            with pytest.raises(StorageError):
                BackupRepository(faulty).remove(PROD.id, B1)
            left = list(inner.paths(f"{PROD.id}/{B1}"))
            complete = BackupRepository(inner).backup_ids(PROD.id) == [B1]
            assert complete == (len(left) == 3)
            BackupRepository(inner).remove(PROD.id, B1)
            assert list(inner.paths(f"{PROD.id}/{B1}")) == []


@pytest.mark.parametrize("answer_lost", [False, True])
def test_publishing_that_stops_anywhere_leaves_the_old_latest_or_the_new_one(tmp_path: Path, answer_lost: bool) -> None:
    for fail_at in (1, 2, 3):
        inner = LocalStorage(tmp_path / str(fail_at))
        first = a_backup(inner, B1)
        second = a_backup(inner, B2, complete=False)
        faulty = FaultyStorage(inner, fail_at=fail_at, answer_lost=answer_lost, for_good=True)
        with pytest.raises(StorageError):
            BackupRepository(faulty).publish(second, promote=True)
        arrived = fail_at == 3 and answer_lost
        assert BackupRepository(inner).latest(PROD.id) == (second if arrived else first)
        BackupRepository(inner).publish(second, promote=True)
        assert BackupRepository(inner).latest(PROD.id) == second


def test_retention_deletes_old_backups_and_what_never_completed(storage: Storage) -> None:
    repository = BackupRepository(storage)
    for backup_id in (B1, B2, B3):
        a_backup(storage, backup_id)
    old, young = "20261122T230900Z-aaaaaaaa", "20261123T000000Z-bbbbbbbb"
    a_backup(storage, old, complete=False)
    a_backup(storage, young, complete=False)
    a_backup(storage, B1, TEST)

    assert repository.expire(PROD.id, Retention(newest=2, days=0), now=NOW) == [B1, old]
    assert repository.backup_ids(PROD.id) == [B2, B3]
    assert storage.folders(PROD.id) == [B2, young, B3]
    assert repository.backup_ids(TEST.id) == [B1]
    assert repository.expire(PROD.id, Retention(newest=2, days=0), now=NOW) == []


def test_retention_0_keeps_every_complete_backup(local: Storage) -> None:
    for backup_id in (B1, B2, B3):
        a_backup(local, backup_id)
    a_backup(local, "20261101T000000Z-aaaaaaaa", complete=False)
    removed = BackupRepository(local).expire(PROD.id, Retention(0, 0), now=NOW)
    assert removed == ["20261101T000000Z-aaaaaaaa"]


@pytest.mark.parametrize("pointer", [None, b"{", b"{}"])
def test_without_a_latest_that_can_be_read_no_complete_backup_is_deleted(local: Storage, pointer: bytes | None) -> None:
    for backup_id in (B1, B2, B3):
        a_backup(local, backup_id)
    local.delete([f"{PROD.id}/latest.json"])
    if pointer is not None:
        local.put(f"{PROD.id}/latest.json", pointer)
    assert BackupRepository(local).expire(PROD.id, Retention(1, 0), now=NOW) == []
    assert BackupRepository(local).backup_ids(PROD.id) == [B1, B2, B3]


def test_retention_sweeps_what_killed_backups_left_unseen() -> None:
    with simulated_s3() as client:
        storage = S3Storage(BUCKET, "data", client=client)
        a_backup(storage, B1)
        client.create_multipart_upload(Bucket=BUCKET, Key=f"data/{PROD.id}/{B2}/log.csv.gz")
        begun = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"][0]["Initiated"]
        for hours, left in ((23, 1), (25, 0)):
            BackupRepository(storage).expire(PROD.id, Retention(), now=begun + timedelta(hours=hours))
            assert len(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())) == left


def test_retention_does_its_work_where_sweeping_is_not_allowed(local: Storage) -> None:
    class NoSweep(FaultyStorage):
        def sweep(self, path: str, before: datetime) -> None:
            raise StorageError("access is denied")

    for backup_id in (B1, B2):
        a_backup(local, backup_id)
    assert BackupRepository(NoSweep(local)).expire(PROD.id, Retention(1, 0), now=NOW) == [B1]
