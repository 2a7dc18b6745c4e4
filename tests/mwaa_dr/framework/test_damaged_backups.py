"""A backup that is not byte for byte what was written is refused in one line, before anything is changed."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.errors import DamagedBackupError, DrError, IncompatibleBackupError, MissingBackupError
from mwaa_dr.framework.manifest import FORMAT
from tests.support.engine import PRIMARY, backup, restore
from tests.support.fake_kms import HERE, use_fake_kms
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.state import exact

Damage = Callable[["Backups"], None]


class Backups:
    """Two backups of one environment in a folder: the one that will be restored, and another one."""

    def __init__(self, folder: Path, primary: Metadata, **options: Any) -> None:
        self.root = folder
        self.other = folder / PRIMARY.id / backup(primary.url, folder, **options).backup_id
        primary.insert("log", event="between")
        self.chosen = folder / PRIMARY.id / backup(primary.url, folder, **options).backup_id

    def file(self, table: str, *, other: bool = False) -> Path:
        return next((self.other if other else self.chosen).glob(f"{table}.csv.gz*"))

    @property
    def manifest(self) -> Path:
        return self.chosen / "manifest.json"

    def change_manifest(self, change: Callable[[dict[str, Any]], None]) -> None:
        """As somebody does who can write to the storage: the pointer is renewed, too."""
        raw = json.loads(self.manifest.read_bytes())
        change(raw)
        self.manifest.write_text(json.dumps(raw))
        self.forget_pointer()

    def forget_pointer(self) -> None:
        """The backup is asked for by its name: the pointer's hash of the manifest protects it no more."""
        (self.root / PRIMARY.id / "latest.json").unlink()


def flip_a_bit(backups: Backups) -> None:
    data = bytearray(backups.file("variable").read_bytes())
    data[len(data) // 2] ^= 4
    backups.file("variable").write_bytes(data)


def cut_the_tail(backups: Backups) -> None:
    data = backups.file("variable").read_bytes()
    backups.file("variable").write_bytes(data[:-11])


def prepend_garbage_and_cut_as_much(backups: Backups) -> None:
    data = backups.file("variable").read_bytes()
    backups.file("variable").write_bytes(b"garbage" + data[:-7])


def append_bytes(backups: Backups) -> None:
    with backups.file("variable").open("ab") as file:
        file.write(b"\0")


def empty_a_file(backups: Backups) -> None:
    backups.file("variable").write_bytes(b"")


def lose_a_file(backups: Backups) -> None:
    backups.file("variable").unlink()


def swap_two_tables(backups: Backups) -> None:
    one, two = backups.file("variable"), backups.file("connection")
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def double_a_file(backups: Backups) -> None:
    shutil.copy(backups.file("connection"), backups.file("variable"))


def take_the_table_of_another_backup(backups: Backups) -> None:
    shutil.copy(backups.file("log", other=True), backups.file("log"))


def add_a_row(backups: Backups) -> None:
    text = gzip.decompress(backups.file("log").read_bytes())
    backups.file("log").write_bytes(gzip.compress(text + text.splitlines(keepends=True)[-1]))


DAMAGES: list[Damage] = [
    flip_a_bit,
    cut_the_tail,
    prepend_garbage_and_cut_as_much,
    append_bytes,
    empty_a_file,
    lose_a_file,
    swap_two_tables,
    double_a_file,
    take_the_table_of_another_backup,
    add_a_row,
]


@pytest.fixture(params=["plain", pytest.param("encrypted", marks=pytest.mark.slow)])
def backups(
    request: pytest.FixtureRequest, primary: Metadata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Backups:
    use_fake_kms(monkeypatch)
    fill(primary, runs=2)
    return Backups(tmp_path, primary, kms_key_arns=(HERE,) if request.param == "encrypted" else ())


def refused(backups: Backups, secondary: Metadata, error: type[DrError] = DamagedBackupError, **options: Any) -> str:
    """What is said; nothing was changed, and the other backup can be restored still."""
    fill(secondary, "theirs", runs=1)
    before = exact(secondary)
    with pytest.raises(error) as caught:
        restore(secondary.url, backups.root, **options)
    assert exact(secondary) == before
    assert "\n" not in caught.value.message
    restore(secondary.url, backups.root, source=PRIMARY.id, backup_id=backups.other.name)
    assert secondary.one("SELECT count(*) FROM dag_run WHERE dag_id = 'sales'") == 2
    return caught.value.message


def test_what_was_not_damaged_is_restored(backups: Backups, secondary: Metadata) -> None:
    restore(secondary.url, backups.root)
    assert secondary.one("SELECT count(*) FROM log WHERE event = 'between'") == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(backups: Backups, secondary: Metadata, damage: Damage) -> None:
    damage(backups)
    assert ".csv.gz" in refused(backups, secondary)


def truncate(backups: Backups) -> None:
    backups.manifest.write_bytes(backups.manifest.read_bytes()[:-100])


def of_another_backup(backups: Backups) -> None:
    shutil.copy(backups.other / "manifest.json", backups.manifest)


def emptied(backups: Backups) -> None:
    backups.manifest.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, of_another_backup, emptied])
@pytest.mark.parametrize("by_name", [False, True])
def test_a_damaged_manifest_is_refused(backups: Backups, secondary: Metadata, damage: Damage, by_name: bool) -> None:
    damage(backups)
    assert "manifest" in refused(backups, secondary, backup_id=backups.chosen.name if by_name else "")


def test_a_missing_manifest_is_no_backup(backups: Backups, secondary: Metadata) -> None:
    backups.manifest.unlink()
    refused(backups, secondary, MissingBackupError)


def test_a_newer_format_is_refused_by_its_number(backups: Backups, secondary: Metadata) -> None:
    backups.change_manifest(lambda raw: raw.update(format=FORMAT + 1))
    said = refused(backups, secondary, IncompatibleBackupError, backup_id=backups.chosen.name)
    assert f"format {FORMAT + 1}" in said


def forge_all(backups: Backups, table: str, source: Path) -> None:
    """Put a file in the place of another and make the manifest agree, as an attacker with the storage can."""
    data = source.read_bytes()
    target = backups.file(table)
    target.write_bytes(data)

    def agree(raw: dict[str, Any]) -> None:
        entry = next(entry for entry in raw["tables"] if entry["table"] == table)
        entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    backups.change_manifest(agree)


def test_a_row_too_many_is_found_even_where_the_manifest_was_forged(backups: Backups, secondary: Metadata) -> None:
    add_a_row(backups)
    forge_all(backups, "log", backups.file("log"))
    assert "rows" in refused(backups, secondary, backup_id=backups.chosen.name)


@pytest.mark.parametrize("backups", ["encrypted"], indirect=True)
def test_an_encrypted_file_of_another_backup_is_refused_even_where_the_manifest_was_forged(
    backups: Backups, secondary: Metadata
) -> None:
    forge_all(backups, "variable", backups.file("variable", other=True))
    assert "belongs to another place" in refused(backups, secondary, backup_id=backups.chosen.name)


@pytest.mark.parametrize("backups", ["encrypted"], indirect=True)
def test_an_encrypted_file_of_another_table_is_refused_even_where_the_manifest_was_forged(
    backups: Backups, secondary: Metadata
) -> None:
    forge_all(backups, "variable", backups.file("connection"))
    assert "belongs to another place" in refused(backups, secondary, backup_id=backups.chosen.name)
