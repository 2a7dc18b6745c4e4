"""A chain of backups begins anew where it must, stays whole as long as one of it is kept, and is refused broken."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.cli.listing import listed
from mwaa_dr.framework import backup as backup_module
from mwaa_dr.framework import growth, increments
from mwaa_dr.framework.chain import CHAIN_NAME
from mwaa_dr.framework.database.catalog import read_catalog
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.model.options import BackupMode, Retention
from mwaa_dr.framework.repository import ABANDONED, BackupRepository
from mwaa_dr.framework.storage.s3 import S3Storage
from mwaa_dr.framework.verify import Level, verify_backup
from tests.support.chains import add, is_as_full, manifest, taken
from tests.support.engine import ADDED_TO, PRIMARY, VERSION, backup, manifest_of, reached, restore, storage
from tests.support.engine_process import EngineProcess
from tests.support.fake_kms import HERE, use_fake_kms
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.s3 import BUCKET, simulated_s3
from tests.support.state import exact, settle

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def history(primary: Metadata) -> Metadata:
    fill(primary, logs=1_000)
    return primary


def write(db: Metadata) -> None:
    """Rows that are gone, changed and new."""
    db.run_sql("DELETE FROM log WHERE id % 13 = 0")
    db.run_sql("UPDATE log SET event = event || '!' WHERE id % 17 = 0")
    db.run_sql("INSERT INTO log (event) SELECT 'new' FROM generate_series(1, 50)")


def folder(place: Path, of: Manifest) -> Path:
    return place / PRIMARY.id / of.backup_id


def test_one_of_so_many_is_a_full_one(history: Metadata, tmp_path: Path) -> None:
    chain = []
    for _ in range(7):
        write(history)
        chain.append(add(history, tmp_path, full_every=3))
    assert [bool(one.parent) for one in chain] == [False, True, True, False, True, True, False]
    assert [one.base for one in chain[3:6]] == ["", chain[3].backup_id, chain[3].backup_id]
    assert [one.parent for one in chain[4:6]] == [chain[3].backup_id, chain[4].backup_id]


def test_a_full_one_is_written_as_older_versions_of_this_package_read_it(history: Metadata, tmp_path: Path) -> None:
    written = json.loads((folder(tmp_path, add(history, tmp_path)) / "manifest.json").read_bytes())
    golden = json.loads(next((GOLDEN / "format-2" / "plain").rglob("manifest.json")).read_bytes())
    assert written["format"] == 2
    assert set(written) == {*golden, "mode"}
    assert set(written["tables"][0]) == set(golden["tables"][0])


def lose_the_chain(place: Path, parent: Manifest) -> None:
    (folder(place, parent) / CHAIN_NAME).unlink()


def garble_the_chain(place: Path, parent: Manifest) -> None:
    (folder(place, parent) / CHAIN_NAME).write_bytes(b'{"format": 1}')


def date_the_chain(place: Path, parent: Manifest) -> None:
    raw = json.loads((folder(place, parent) / CHAIN_NAME).read_bytes())
    (folder(place, parent) / CHAIN_NAME).write_text(json.dumps({**raw, "format": 2}))


def swap_the_chain(place: Path, parent: Manifest) -> None:
    shutil.copy(folder(place, manifest(place, parent.parent)) / CHAIN_NAME, folder(place, parent) / CHAIN_NAME)


def lose_a_file_of_the_base(place: Path, parent: Manifest) -> None:
    (folder(place, manifest(place, parent.base)) / "log.csv.gz").unlink()


def lose_the_pointer(place: Path, parent: Manifest) -> None:
    (place / PRIMARY.id / "latest.json").unlink()


REASONS: dict[str, Callable[[Path, Manifest], None]] = {
    "the last one was not taken to be added to": lose_the_chain,
    "its chain.json cannot be read": garble_the_chain,
    "its chain.json has format 2, this version reads 1": date_the_chain,
    "does not belong to its manifest": swap_the_chain,
    "log.csv.gz, which the last one needs, is missing": lose_a_file_of_the_base,
    "was promoted to latest": lose_the_pointer,
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_chain_that_cannot_be_gone_on_with_begins_anew(history: Metadata, tmp_path: Path, reason: str) -> None:
    add(history, tmp_path)
    write(history)
    REASONS[reason](tmp_path, add(history, tmp_path))

    told = taken(history, tmp_path)

    assert told.notes[0].startswith("a full backup: ")
    assert reason in told.notes[0]
    assert not manifest(tmp_path, told.backup_id).parent
    assert add(history, tmp_path).parent == told.backup_id


def test_another_database_or_schema_or_a_full_backup_in_between_begins_a_chain(
    history: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(secondary, logs=1_000)
    add(history, tmp_path)
    assert not add(secondary, tmp_path).parent
    assert add(secondary, tmp_path).parent
    secondary.run_sql("UPDATE alembic_version SET version_num = 'next'")
    assert not add(secondary, tmp_path).parent
    backup(secondary.url, tmp_path)
    assert not add(secondary, tmp_path).parent
    monkeypatch.setattr(increments, "LONGEST_AGO", 3)
    write(secondary)
    assert not add(secondary, tmp_path).parent


def test_a_server_that_cannot_read_ranges_gets_plain_full_backups(
    history: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_module, "read_catalog", lambda cursor: replace(read_catalog(cursor), reads_ranges=False))
    told = taken(history, tmp_path)
    assert told.notes == [
        "a full backup, and no increment can add to it: the server is older than PostgreSQL 14",
    ]
    assert not list(tmp_path.rglob("*.places.gz"))


@pytest.mark.parametrize("kind", ["places", "dropped"])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda _: gzip.compress(b">x\n7 7 7\n"), None])
def test_a_table_is_stored_whole_where_what_is_known_of_it_is_damaged(
    history: Metadata, tmp_path: Path, kind: str, damage: Callable[[bytes], bytes] | None
) -> None:
    add(history, tmp_path)
    write(history)
    parent = add(history, tmp_path)
    path = folder(tmp_path, parent) / f"log.{kind}.gz"
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    elif kind == "places":
        path.unlink()
    write(history)

    added = add(history, tmp_path)

    assert added.parent == parent.backup_id
    assert {bool(file.backup_id) for file in added.files_of("log")} == (
        {False} if damage or kind == "places" else {True, False}
    )
    assert is_as_full(history, tmp_path, added)


def test_a_table_of_which_too_many_rows_are_gone_is_stored_whole(
    history: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "MOST_RUNS", 20)
    add(history, tmp_path)
    history.run_sql("DELETE FROM log WHERE id % 100 = 0")
    assert any(file.backup_id for file in add(history, tmp_path).files_of("log"))
    write(history)
    added = add(history, tmp_path)
    assert not any(file.backup_id for file in added.files_of("log"))
    assert is_as_full(history, tmp_path, added)


def test_a_backup_that_shrank_is_no_parent(history: Metadata, tmp_path: Path) -> None:
    good = add(history, tmp_path)
    history.run_sql("DELETE FROM variable")
    assert taken(history, tmp_path).promoted is False
    history.insert("variable", key="a", val="1")
    history.insert("variable", key="b", val="2")
    assert add(history, tmp_path).parent == good.backup_id


def test_small_tables_are_whole_by_default(history: Metadata, tmp_path: Path) -> None:
    backup(history.url, tmp_path, backup_mode=BackupMode.INCREMENTAL)
    backup(history.url, tmp_path, backup_mode=BackupMode.INCREMENTAL)
    added = manifest_of(tmp_path)
    assert added.parent
    assert not added.references


def test_retention_keeps_what_a_kept_increment_adds_to(history: Metadata, tmp_path: Path) -> None:
    first = add(history, tmp_path, full_every=4)
    chain = []
    for _ in range(5):
        write(history)
        chain.append(add(history, tmp_path, full_every=4, retention=Retention(newest=1, days=0)))
    repository = BackupRepository(storage(tmp_path))
    # The newest adds to the full one before it; what belongs to the first chain is gone.
    assert repository.backup_ids(PRIMARY.id) == [one.backup_id for one in chain[3:]]
    assert not folder(tmp_path, first).exists()
    repository.verify_files(chain[-1])


def test_retention_of_an_older_chain_leaves_its_last_one_restorable(
    history: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    chain = []
    for _ in range(3):
        write(history)
        chain.append(add(history, tmp_path))
    before = history.content("log")
    backup(history.url, tmp_path, retention=Retention(newest=2, days=0))
    repository = BackupRepository(storage(tmp_path))
    assert chain[0].backup_id in repository.backup_ids(PRIMARY.id)
    restore(secondary.url, tmp_path, backup_id=chain[2].backup_id)
    assert secondary.content("log") == before


def test_a_parent_whose_manifest_is_gone_is_not_swept_away(history: Metadata, tmp_path: Path) -> None:
    base = add(history, tmp_path)
    write(history)
    added = add(history, tmp_path)
    (folder(tmp_path, base) / "manifest.json").unlink()
    repository = BackupRepository(storage(tmp_path))
    later = datetime.now(timezone.utc) + 2 * ABANDONED
    assert repository.expire(PRIMARY.id, Retention(newest=1, days=0), now=later) == []
    repository.verify_files(added)


def test_what_a_backup_of_a_newer_format_may_need_is_kept(history: Metadata, tmp_path: Path) -> None:
    older = backup(history.url, tmp_path).backup_id
    newer = backup(history.url, tmp_path).backup_id
    path = tmp_path / PRIMARY.id / newer / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "format": 99}))
    backup(history.url, tmp_path)
    latest = backup(history.url, tmp_path, retention=Retention(newest=3, days=0)).backup_id
    left = BackupRepository(storage(tmp_path)).backup_ids(PRIMARY.id)
    assert {older, newer, latest} <= set(left)


def test_an_expiry_that_is_interrupted_leaves_no_increment_without_its_parent(
    history: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = []
    for _ in range(3):
        write(history)
        chain.append(add(history, tmp_path))
    add(history, tmp_path, full_every=1)
    repository = BackupRepository(storage(tmp_path))
    removed: list[str] = []

    def once(environment: str, backup_id: str) -> None:
        assert environment == PRIMARY.id
        removed.append(backup_id)
        raise KeyboardInterrupt

    monkeypatch.setattr(repository, "remove", once)
    with pytest.raises(KeyboardInterrupt):
        repository.expire(PRIMARY.id, Retention(newest=1, days=0), now=datetime.now(timezone.utc) + timedelta(days=1))
    assert removed == [chain[-1].backup_id]


BREAKS: dict[str, Callable[[Path, Path], object]] = {
    "is missing": lambda base, _: (base / "log.csv.gz").unlink(),
    "is truncated": lambda base, _: (base / "log.csv.gz").write_bytes((base / "log.csv.gz").read_bytes()[:-5]),
    "is missing ": lambda base, _: shutil.rmtree(base),
    "was altered": lambda base, _: altered(base / "log.csv.gz"),
    " is missing": lambda _, own: (own / "log.dropped.gz").unlink(),
    " was altered": lambda _, own: altered(own / "log.dropped.gz"),
    "it lies in another backup": lambda base, own: shutil.move(base / "log.csv.gz", own / "log.1.csv.gz"),
}


def altered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 8
    path.write_bytes(data)


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_chain_is_found_and_nothing_of_it_is_used(
    history: Metadata, secondary: Metadata, tmp_path: Path, broken: str
) -> None:
    base = add(history, tmp_path)
    write(history)
    added = add(history, tmp_path)
    BREAKS[broken](folder(tmp_path, base), folder(tmp_path, added))
    before = exact(secondary)

    with pytest.raises(DamagedBackupError) as caught:
        restore(secondary.url, tmp_path)

    assert exact(secondary) == before
    assert "\n" not in caught.value.message
    assert "log." in caught.value.message or broken == "is missing "
    found = verify_backup(storage(tmp_path), Level.REHEARSE, db=reached(secondary.url), airflow_version=VERSION)
    assert not found.passed
    assert caught.value.message in {check.detail for check in found.failed}


def test_a_whole_chain_is_verified_at_every_level(history: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    base = add(history, tmp_path)
    write(history)
    add(history, tmp_path)
    found = verify_backup(storage(tmp_path), Level.REHEARSE, db=reached(secondary.url), airflow_version=VERSION)
    assert found.failed == []
    names = {check.name for check in found.checks}
    assert {f"file {base.backup_id}/log.csv.gz", "file log.csv.gz", "file log.dropped.gz", "load of log"} <= names


def test_a_list_of_dropped_rows_that_does_not_fit_is_refused(
    history: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    """Somebody who can write to the storage makes all hashes true."""
    add(history, tmp_path)
    write(history)
    added = add(history, tmp_path)
    repository, place = BackupRepository(storage(tmp_path)), folder(tmp_path, added)
    raw = json.loads((place / "manifest.json").read_bytes())
    file = next(one for one in raw["tables"] if one["table"] == "log" and one["dropped"])
    file["rows"], file["dropped"] = file["rows"] + 1, file["dropped"] - 1
    (place / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(DamagedBackupError, match=r"holds \d+ rows, its manifest says \d+"):
        restore(secondary.url, tmp_path, source=PRIMARY.id, backup_id=added.backup_id)
    assert repository.backup_ids(PRIMARY.id)[-1] == added.backup_id


def test_the_secrets_of_an_increment_are_its_own_and_bound_to_it(
    history: Metadata, secondary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_kms(monkeypatch)
    base = add(history, tmp_path, kms_key_arns=(HERE,))
    write(history)
    added = add(history, tmp_path, kms_key_arns=(HERE,))
    assert {(file.encrypted, file.backup_id) for file in added.files_of("variable")} == {(True, "")}
    assert added.wrapped_keys != base.wrapped_keys
    name = added.files_of("variable")[0].file
    mine = (folder(tmp_path, added) / name).read_bytes()
    restore(secondary.url, tmp_path)
    assert secondary.content("log") == history.content("log")
    assert secondary.one("SELECT count(*) FROM variable") == 2

    shutil.copy(folder(tmp_path, base) / name, folder(tmp_path, added) / name)
    theirs = (folder(tmp_path, added) / name).read_bytes()
    path = folder(tmp_path, added) / "manifest.json"
    path.write_bytes(
        path.read_bytes().replace(digest(mine), digest(theirs)).replace(b"%d" % len(mine), b"%d" % len(theirs))
    )
    with pytest.raises(DamagedBackupError, match=f"file '{name}'"):
        restore(secondary.url, tmp_path, source=PRIMARY.id, backup_id=added.backup_id)


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def test_a_chain_lives_in_s3(history: Metadata, secondary: Metadata) -> None:
    with simulated_s3() as client:
        place = S3Storage(BUCKET, "data", client=client)
        add(history, place)
        for _ in range(3):
            write(history)
            added = add(history, place)
        assert added.parent
        restore(secondary.url, place)
        assert secondary.content("log") == history.content("log")
        assert {entry.backup_id: entry.remark for entry in listed(place)}[added.backup_id] == (
            f"latest, adds to {added.parent}"
        )


@pytest.mark.slow
def test_an_increment_that_is_killed_at_any_call_was_never_there_or_is_whole(history: Metadata, tmp_path: Path) -> None:
    add(history, tmp_path)
    write(history)
    options: dict[str, Any] = {**ADDED_TO, "backup_mode": "INCREMENTAL", "connections": 1}
    shutil.copytree(tmp_path, spare := tmp_path.with_name(f"{tmp_path.name}-spare"))
    calls = EngineProcess("backup", history.url, spare, options).run()
    known = manifest_of(tmp_path).backup_id
    promoted = calls.index(f"written {PRIMARY.id}/latest.json") + 1
    for call in range(1, promoted + 1, max(1, promoted // 15)):
        EngineProcess("backup", history.url, tmp_path, options).die_before(call)
        settle(history)
        latest = manifest_of(tmp_path)
        BackupRepository(storage(tmp_path)).verify_files(latest)
        assert latest.backup_id == known, calls[call - 1]
    added = add(history, tmp_path)
    assert added.parent == known
    assert is_as_full(history, tmp_path, added)
