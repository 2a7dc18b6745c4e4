"""A verifier is only worth something when it fails: each kind of damage, and what must pass."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DamagedBackupError, MissingBackupError
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.verify import Level, Verification, verify_backup
from tests.support import engine
from tests.support.metadata import Metadata

VERSION = "2.10.3"


@pytest.fixture
def place(primary: Metadata, tmp_path: Path) -> Path:
    """A good backup with rows in every table that hangs below a run."""
    primary.dag("sales")
    for number in range(3):
        run = primary.run_with_task("sales", f"r{number}")
        primary.insert("dag_run_note", dag_run_id=run, content="a\nnote")
        child = {"dag_id": "sales", "run_id": f"r{number}", "task_id": "load", "map_index": -1}
        primary.insert("task_fail", **child)
        primary.insert("rendered_task_instance_fields", **child, rendered_fields='{"sql": "a, \\"b\\""}')
    primary.insert("variable", key="k", val='v,\n"w"', is_encrypted=False)
    engine.backup(primary.url, tmp_path)
    return tmp_path


def verified(place: Path, level: Level, target: Metadata | None = None) -> Verification:
    db = MetadataDb.from_url(target.url) if target else None
    return verify_backup(LocalStorage(place), level, db=db, airflow_version=VERSION)


def folder(place: Path) -> Path:
    manifest = engine.manifest_of(place)
    return place / manifest.environment.id / manifest.backup_id


def spoil(place: Path, table: str, change: Callable[[bytes], bytes]) -> None:
    """Change the stored bytes of a table, and nothing else."""
    file = folder(place) / f"{table}.csv.gz"
    file.write_bytes(change(file.read_bytes()))


def forge(place: Path, table: str, change: Callable[[str], str], rows: int = 0) -> None:
    """Change the rows of a table and let the manifest agree: damage that no hash shows."""
    import hashlib

    file = folder(place) / f"{table}.csv.gz"
    data = gzip.compress(change(gzip.decompress(file.read_bytes()).decode()).encode())
    file.write_bytes(data)
    raw = json.loads((folder(place) / "manifest.json").read_bytes())
    entry = next(entry for entry in raw["tables"] if entry["table"] == table)
    entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=entry["rows"] + rows)
    publish(place, Manifest.from_json(json.dumps(raw).encode()))


def publish(place: Path, manifest: Manifest) -> None:
    (folder(place) / "manifest.json").unlink()
    BackupRepository(LocalStorage(place)).publish(manifest, promote=True)


def drop_row(number: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.splitlines(keepends=True)
        del lines[number]
        return "".join(lines)

    return change


@pytest.mark.parametrize("level", Level)
def test_a_good_backup_passes_every_level(level: Level, place: Path, secondary: Metadata) -> None:
    found = verified(place, level, secondary)

    assert found.passed
    assert all(line.startswith("OK ") for line in found.lines()[1:])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:-1], "is truncated"),
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:], "was altered"),
        (lambda data: b"garbage" + data[:-7], "was altered"),
        (lambda data: data + b"\0", "is longer"),
    ],
)
def test_a_file_that_is_not_the_one_of_the_manifest_fails(
    damage: Callable[[bytes], bytes], told: str, place: Path
) -> None:
    spoil(place, "dag_run", damage)
    found = verified(place, Level.FILES)

    assert [check.name for check in found.failed] == ["file dag_run.csv.gz"]
    assert told in found.failed[0].detail
    assert not found.passed


def test_two_files_that_were_swapped_fail_both(place: Path) -> None:
    one, other = folder(place) / "xcom.csv.gz", folder(place) / "log.csv.gz"
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)

    assert {check.name for check in verified(place, Level.FILES).failed} == {"file xcom.csv.gz", "file log.csv.gz"}


def test_every_damaged_file_is_named_not_only_the_first(place: Path) -> None:
    for table in ("dag_run", "xcom", "log"):
        spoil(place, table, lambda data: data[:-1])

    assert len(verified(place, Level.FILES).failed) == 3


def test_a_file_that_is_missing_fails(place: Path) -> None:
    (folder(place) / "job.csv.gz").unlink()

    assert "is missing" in verified(place, Level.FILES).failed[0].detail


def test_what_is_altered_is_not_read_any_further(place: Path) -> None:
    spoil(place, "dag_run", lambda data: data[:-1])

    assert {check.name.split()[0] for check in verified(place, Level.DATA).checks} == {"file"}


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        ("task_fail", drop_row(1), "holds 2 rows, its manifest says 3"),
        ("task_fail", lambda text: text + text.splitlines()[-1] + "\n", "holds 4 rows, its manifest says 3"),
        ("task_fail", lambda text: text.rstrip("\n"), "is cut off"),
        ("task_fail", lambda text: text.replace("sales", "sa,les", 1), "columns, not"),
        ("dag_run_note", lambda text: text.replace('"', "", 1), "record 2 "),
        ("task_fail", lambda text: text.replace("run_id", "runid", 1), "has other columns"),
    ],
)
def test_rows_that_a_forged_manifest_hides_fail_when_they_are_read(
    table: str, change: Callable[[str], str], told: str, place: Path
) -> None:
    forge(place, table, change)

    assert verified(place, Level.FILES).passed
    found = verified(place, Level.DATA)
    assert [check.name for check in found.failed] == [f"rows of {table}"]
    assert told in found.failed[0].detail


@pytest.mark.parametrize(
    ("table", "broken"),
    [
        ("dag_run", ["dag_run_note -> dag_run", "task_instance -> dag_run"]),
        ("task_instance", ["task_fail -> task_instance", "xcom -> task_instance"]),
    ],
)
def test_a_row_whose_run_or_task_is_not_in_the_backup_fails(table: str, broken: list[str], place: Path) -> None:
    forge(place, table, drop_row(2), rows=-1)
    failed = {check.name: check.detail for check in verified(place, Level.DATA).failed}

    assert set(broken) <= set(failed)
    assert failed[broken[0]] == "1 of 3 rows refer to a row that is not in the backup"


def test_references_are_followed_for_every_table_below_a_run(place: Path) -> None:
    names = {check.name for check in verified(place, Level.DATA).checks}

    children = ("task_instance", "xcom", "task_fail", "task_reschedule", "task_map", "rendered_task_instance_fields")
    assert {f"{child} -> dag_run" for child in children} <= names
    assert {f"{child} -> task_instance" for child in (*children[1:], "task_instance_note")} <= names


def test_a_rehearsal_finds_values_that_the_database_would_refuse(place: Path, secondary: Metadata) -> None:
    forge(place, "task_fail", lambda text: text.replace("\n1,", "\none,", 1))

    assert verified(place, Level.DATA).passed
    found = verified(place, Level.REHEARSE, secondary)
    assert [check.name for check in found.failed] == ["load of task_fail"]
    # The tables after it were still tried.
    assert found.checks[-1].name != "load of task_fail"


def test_a_rehearsal_leaves_nothing_and_locks_nothing(place: Path, secondary: Metadata) -> None:
    secondary.dag("other")
    before = {table: secondary.content(table) for table in ("dag", "dag_run", "variable")}
    with secondary.connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE dag_run, task_instance, dag, variable IN ROW EXCLUSIVE MODE")
        found = verified(place, Level.REHEARSE, secondary)
        cursor.execute("ROLLBACK")

    assert found.passed
    assert {table: secondary.content(table) for table in before} == before
    assert secondary.one("SELECT count(*) FROM pg_class WHERE relname LIKE 'mwaa_dr%%'") == 0


def test_a_rehearsal_in_an_older_airflow_fails_in_words(place: Path, secondary: Metadata) -> None:
    found = verify_backup(
        LocalStorage(place), Level.REHEARSE, db=MetadataDb.from_url(secondary.url), airflow_version="2.9.2"
    )

    assert found.failed[0].name == "schema"
    assert "newer than the target's 2.9.2" in found.failed[0].detail


def test_no_backup_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    with pytest.raises(MissingBackupError):
        verified(tmp_path, Level.FILES)


def test_a_manifest_that_was_altered_is_an_error(place: Path) -> None:
    manifest = folder(place) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 3', b'"rows": 2', 1))

    with pytest.raises(DamagedBackupError, match="is not the one that"):
        verified(place, Level.FILES)


def test_the_result_for_programs_says_what_failed(place: Path) -> None:
    spoil(place, "job", lambda data: data[:-1])
    document = json.loads(verified(place, Level.FILES).to_json())

    assert document["passed"] is False
    assert {"name", "passed", "detail"} == document["checks"][0].keys()
    assert document["level"] == "files"
