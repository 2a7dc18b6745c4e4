"""A folder of mwaa-dr 2.2.0, written by the real one, and what becomes of it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from mwaa_dr.framework.errors import DamagedBackupError, IncompatibleBackupError, MissingBackupError
from mwaa_dr.framework.legacy import convert_legacy
from mwaa_dr.framework.legacy_layouts import CONFIGURATION, TABLES, layout_of
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.storage.storage import Storage
from tests.conftest import Database
from tests.support import engine, schemas
from tests.support.metadata import OTHER_FERNET, Metadata

GOLDEN = Path(__file__).parents[2] / "golden" / "legacy-2.2.0"
NASTY = 'a,b|c "d"\r\ne\nf \\. \\N é😀'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the golden folder, to be spoiled."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "data"))


def converted(folder: Path, tmp_path: Path, version: str = "") -> tuple[Storage, list[str]]:
    into = tmp_path / "converted"
    into.mkdir()
    return convert_legacy(LocalStorage(folder.parent), folder.name, version, into)


def restored(folder: Path, tmp_path: Path, target: Metadata, version: str = "2.10.3") -> Report:
    storage, _ = converted(folder, tmp_path)
    return engine.restore(target.url, storage, version=version)


def legacy(*rows: Sequence[object], delimiter: str = "|") -> bytes:
    """Rows as the peer writes them: by the standard library, without a header."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue().encode()


def test_finished_runs_come_back_with_their_tasks_and_xcoms(tmp_path: Path, secondary: Metadata) -> None:
    restored(GOLDEN, tmp_path, secondary)

    assert secondary.rows("SELECT state, conf IS NOT NULL FROM dag_run WHERE run_id = 'done'") == [("success", True)]
    assert secondary.rows("SELECT task_id, state FROM task_instance WHERE run_id = 'done' ORDER BY 1") == [
        ("give", "success"),
        ("skipped", "skipped"),
        ("stop", "success"),
    ]
    value = secondary.one("SELECT value FROM xcom WHERE run_id = 'done' AND task_id = 'give' AND key = 'return_value'")
    assert json.loads(bytes(value)) == "a|b\nc"


def test_xcoms_belong_to_the_runs_they_came_from_whatever_the_ids(tmp_path: Path, secondary: Metadata) -> None:
    secondary.skip_keys("dag_run", 77)
    restored(GOLDEN, tmp_path, secondary)

    assert secondary.one("SELECT count(*) FROM xcom") == 9
    assert not secondary.rows(
        "SELECT 1 FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id WHERE (r.dag_id, r.run_id) <> (x.dag_id, x.run_id)"
    )
    assert secondary.one("SELECT count(*) FROM xcom WHERE dag_run_id NOT IN (SELECT id FROM dag_run)") == 0


def test_runs_that_were_in_flight_come_back_as_failed_and_are_reported(tmp_path: Path, secondary: Metadata) -> None:
    report = restored(GOLDEN, tmp_path, secondary)

    assert secondary.rows("SELECT run_id, state FROM dag_run WHERE dag_id = 'example' ORDER BY 1") == [
        ("first", "failed"),
        ("second", "failed"),
    ]
    assert secondary.one("SELECT state FROM task_instance WHERE run_id = 'first' AND task_id = 'waits'") == "failed"
    told = [(run["dag_id"], run["run_id"], run["state"], run["finished_tasks"]) for run in report.interrupted]
    assert told == [("example", "first", "running", 4), ("example", "second", "running", 4)]


def test_the_run_of_the_old_backup_itself_never_comes_back(tmp_path: Path, secondary: Metadata) -> None:
    restored(GOLDEN, tmp_path, secondary)

    assert secondary.one("SELECT count(*) FROM dag_run WHERE dag_id = 'backup_metadata'") == 0


def test_rows_that_cannot_be_made_whole_are_left_out_and_counted(tmp_path: Path) -> None:
    _, notes = converted(GOLDEN, tmp_path)

    # Two tasks were running: the old format has their XComs, but not them.
    assert "left out: 2 rows of 'xcom': their task instance is not there" in notes


def test_what_the_format_lost_is_said(tmp_path: Path) -> None:
    _, notes = converted(GOLDEN, tmp_path)

    for lost in ("triggers", "NULL", "plain text", "one moment", "notes"):
        assert any(lost in note for note in notes), lost


def test_variables_come_back_exactly_and_encrypted(tmp_path: Path, secondary: Metadata) -> None:
    restored(GOLDEN, tmp_path, secondary)
    box = Fernet(OTHER_FERNET)
    rows = secondary.rows("SELECT key, val, is_encrypted FROM variable ORDER BY key")
    values = {key: box.decrypt(val.encode()).decode() if encrypted else val for key, val, encrypted in rows}

    assert values == {"api_secret": "legacy-secret-value", "empty": "", "nasty": NASTY, "plain": "value"}
    assert [key for key, _, encrypted in rows if not encrypted] == ["empty"]
    assert secondary.one("SELECT description FROM variable WHERE key = 'plain'") == "about it"


def test_connections_come_back_with_null_where_nothing_was_set(tmp_path: Path, secondary: Metadata) -> None:
    restored(GOLDEN, tmp_path, secondary)
    box = Fernet(OTHER_FERNET)

    assert secondary.rows(
        "SELECT host, login, password, schema, port, extra FROM connection WHERE conn_id = 'bare'"
    ) == [(None, None, None, None, None, None)]
    row = secondary.rows("SELECT description, port, password, extra FROM connection WHERE conn_id = 'db'")[0]
    assert row[:2] == ("two\nlines", 5432)
    assert box.decrypt(row[2].encode()) == b"legacy-secret-password"
    assert json.loads(box.decrypt(row[3].encode())) == {"sslmode": "require"}


def test_exactly_the_active_dags_become_active(tmp_path: Path, secondary: Metadata) -> None:
    secondary.dag("finished", paused=True)
    secondary.dag("sleeping", paused=True)
    restored(GOLDEN, tmp_path, secondary)

    assert secondary.rows("SELECT dag_id FROM dag WHERE NOT is_paused ORDER BY 1") == [("example",), ("finished",)]


def test_a_dag_with_runs_that_was_not_active_becomes_paused(folder: Path, tmp_path: Path, secondary: Metadata) -> None:
    secondary.dag("example", paused=False)
    (folder / "active_dag.csv").write_text("finished\n")
    restored(folder, tmp_path, secondary)

    assert secondary.one("SELECT is_paused FROM dag WHERE dag_id = 'example'") is True


def test_the_log_comes_back_without_duplicates_when_restored_twice(tmp_path: Path, secondary: Metadata) -> None:
    storage, _ = converted(GOLDEN, tmp_path)
    engine.restore(secondary.url, storage)
    before = {table: secondary.content(table) for table in ("log", "job", "task_fail", "xcom", "dag_run", "slot_pool")}
    engine.restore(secondary.url, storage)

    assert before["log"]
    assert {table: secondary.content(table) for table in before} == before


@pytest.mark.parametrize("version", ["2.10.1", "2.11.2"])
def test_it_restores_into_each_airflow_that_has_its_columns(version: str, tmp_path: Path, database: Database) -> None:
    target = Metadata(database(version))
    restored(GOLDEN, tmp_path, target, version)

    assert target.one("SELECT count(*) FROM task_instance WHERE state = 'success'") > 0


def test_an_older_airflow_than_its_columns_is_refused(tmp_path: Path, database: Database) -> None:
    target = Metadata(database("2.9.2"))

    with pytest.raises(IncompatibleBackupError, match="newer than the target's"):
        restored(GOLDEN, tmp_path, target, "2.9.2")
    assert target.one("SELECT count(*) FROM variable") == 0


def test_a_folder_of_release_1_with_commas_is_read(folder: Path, tmp_path: Path) -> None:
    for name in (*TABLES,):
        with (folder / f"{name}.csv").open(newline="") as source:
            rows = list(csv.reader(source, delimiter="|"))
        (folder / f"{name}.csv").write_bytes(legacy(*rows, delimiter=","))
    (folder / "xcom.csv").unlink()  # not in 1.x
    storage, notes = converted(folder, tmp_path)
    manifest = BackupRepository(storage).choose()

    assert "there is no file 'xcom.csv'" in notes
    assert {file.table: file.rows for file in manifest.tables}["dag_run"] == 4


@pytest.mark.parametrize("version", ["2.4.3", "2.5.1", "2.6.3", "2.7.2", "2.8.1", "2.9.2", "2.10.3", "2.11.2"])
def test_every_layout_has_only_columns_of_its_airflow(version: str) -> None:
    here = tuple(map(int, version.split(".")[:2]))
    live = {name: set(table["columns"]) for name, table in schemas.schema(version)["tables"].items()}
    known = {**CONFIGURATION, **TABLES}

    for table, layouts in known.items():
        for layout in layouts:
            if layout.since <= here:
                assert set(layout.columns) <= live[table], (table, layout.since)


def test_a_layout_is_told_by_its_number_of_columns() -> None:
    for table, layouts in {**CONFIGURATION, **TABLES}.items():
        assert len({len(layout.columns) for layout in layouts}) == len(layouts)
        assert layout_of(table, 2) is None


def test_the_version_of_the_folder_is_the_oldest_that_has_its_columns(folder: Path, tmp_path: Path) -> None:
    (folder / "task_instance.csv").write_bytes(b"")
    (folder / "log.csv").write_bytes(b"")
    storage, _ = converted(folder, tmp_path)

    assert BackupRepository(storage).choose().airflow_version == "2.8"


def test_a_table_of_another_factory_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    (folder / "slot_pool.csv").write_bytes(legacy(["a", "b", 1, 2, 3]))

    with pytest.raises(IncompatibleBackupError, match=r"file 'slot_pool\.csv' has 5 columns"):
        converted(folder, tmp_path)


def test_a_file_that_mwaa_dr_does_not_write_is_said_to_be_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "my_own.csv").write_bytes(legacy(["a"]))
    _, notes = converted(folder, tmp_path)

    assert "left out: file 'my_own.csv', which mwaa-dr does not write" in notes


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_was_cut_is_refused_by_its_name(share: float, folder: Path, tmp_path: Path) -> None:
    whole = (folder / "task_instance.csv").read_bytes()
    (folder / "task_instance.csv").write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(DamagedBackupError, match=r"file 'task_instance\.csv': record \d+ "):
        converted(folder, tmp_path)


def test_a_folder_without_any_of_its_files_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(MissingBackupError, match="there is no folder of mwaa-dr in"):
        converted(empty, tmp_path)


def test_task_tokens_of_the_old_workflow_are_left_out(folder: Path, tmp_path: Path, secondary: Metadata) -> None:
    log = (folder / "log.csv").read_text()
    token = legacy(["example", "2026-11-21 23:00:00+00:00", "trigger", "", '{"task_token": "abc"}', *[""] * 6])
    (folder / "log.csv").write_text(token.decode() + log, newline="")
    restored(folder, tmp_path, secondary)

    assert secondary.one("SELECT count(*) FROM log WHERE event = 'trigger' AND extra IS NULL") == 1
    assert secondary.one("SELECT count(*) FROM log WHERE extra LIKE '%%task_token%%'") == 0


def test_what_is_converted_is_readable_by_nobody_else(tmp_path: Path) -> None:
    converted(GOLDEN, tmp_path)

    for file in (tmp_path / "converted" / "backups").rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file
