"""Each fault that was produced with the peers (numbered as they were measured) does not happen here."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.errors import DamagedBackupError, SecretError
from tests.conftest import Database
from tests.support.engine import PRIMARY, backup, line, manifest_of, restore, tables_of
from tests.support.fernet import decrypted, encrypted
from tests.support.metadata import FERNET, OTHER_FERNET, START, Metadata


@pytest.fixture(params=["2.10.3", "3.0.6", "3.3.1"])
def airflow(request: pytest.FixtureRequest) -> str:
    """The version of both environments."""
    return str(request.param)


@pytest.fixture
def primary(airflow: str, database: Database) -> Metadata:
    """The database that is backed up."""
    return Metadata(database(airflow), airflow)


@pytest.fixture
def secondary(airflow: str, database: Database) -> Metadata:
    """The database that is restored into."""
    return Metadata(database(airflow), airflow)


def move(primary: Metadata, secondary: Metadata, folder: Path, **options: Any) -> None:
    backup(primary.url, folder, version=primary.version)
    restore(secondary.url, folder, version=secondary.version, **options)


def test_01_a_deferred_task_instance_does_not_stop_the_restore(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1", state="running")
    trigger = primary.insert("trigger", classpath="a.B", kwargs="encrypted")
    primary.task("sales", "r1", "wait", state="deferred", trigger_id=trigger, next_method="go")
    primary.task("sales", "r1", "done")
    secondary.insert("trigger", id=trigger, classpath="foreign.Trigger", kwargs="x")
    move(primary, secondary, tmp_path)
    assert secondary.rows("SELECT state, trigger_id, next_method FROM task_instance WHERE task_id = 'wait'") == [
        ("failed", None, None)
    ]


def test_02_next_kwargs_stay_json(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    kwargs = {"event": {"it's": None, "n": 1, "t": True}}
    primary.task("sales", "r1", "waited", next_method="go", next_kwargs=json.dumps(kwargs))
    move(primary, secondary, tmp_path)
    assert secondary.one("SELECT next_kwargs FROM task_instance WHERE task_id = 'waited'") == kwargs


@pytest.mark.parametrize("state", ["running", None])
def test_03_the_xcom_of_an_unfinished_task_instance_comes_along(
    primary: Metadata, secondary: Metadata, tmp_path: Path, state: str | None
) -> None:
    primary.dag()
    primary.run_with_task()
    primary.dag_run("sales", "r2", state="running")
    primary.task("sales", "r2", "first")
    primary.task("sales", "r2", "second", state=state)
    primary.xcom("sales", "r2", "second")
    move(primary, secondary, tmp_path)
    assert secondary.one("SELECT count(*) FROM xcom") == 2


def test_04_an_unknown_log_template_is_brought_along_below_the_current_one(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    template = primary.insert("log_template", id=7, filename="old/{{ ti.task_id }}", elasticsearch_id="e")
    secondary.insert("log_template", id=3, filename="current", elasticsearch_id="e")
    primary.dag()
    primary.run_with_task(log_template_id=template)
    move(primary, secondary, tmp_path)
    assert (
        secondary.one("SELECT t.filename FROM dag_run r JOIN log_template t ON t.id = r.log_template_id")
        == "old/{{ ti.task_id }}"
    )
    assert secondary.one("SELECT filename FROM log_template ORDER BY id DESC LIMIT 1") == "current"


def test_05_and_15_values_come_back_byte_for_byte(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    nasty = [
        "",
        None,
        "\r\n",
        "\r",
        "a\nb",
        '"',
        "|",
        "\\N",
        "\\.",
        "\n\\.\n",
        "NULL",
        "émoji 🙂",
        " x ",
        ",",
        "'",
        "\x01",
    ]
    for number, value in enumerate(nasty):
        primary.insert("log", event=str(number), extra=value, dttm=START)
    primary.dag()
    primary.run_with_task()
    primary.run_sql("UPDATE task_instance SET hostname = '', queue = '', operator = NULL")
    move(primary, secondary, tmp_path)
    assert secondary.content("log") == primary.content("log")
    assert secondary.content("task_instance") == primary.content("task_instance")


def test_05_many_multi_line_values_come_back(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.run_sql(
        "INSERT INTO log (event, extra, dttm) SELECT 'e', repeat(E'line\\n', n % 7) || n, now()"
        " FROM generate_series(1, 30000) n"
    )
    move(primary, secondary, tmp_path)
    assert secondary.content("log") == primary.content("log")


def test_06_a_variable_of_a_megabyte_comes_back(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    value = "x" * (1 << 20) + '"\n'
    primary.insert("variable", key="big", val=encrypted(FERNET, value), is_encrypted=True)
    move(primary, secondary, tmp_path)
    assert decrypted(OTHER_FERNET, secondary.one("SELECT val FROM variable WHERE key = 'big'")) == value


def test_08_xcoms_point_at_their_run_and_new_ones_do_not_collide(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.skip_keys("dag_run", 40)
    primary.dag()
    for number in range(5):
        primary.run_with_task(run_id=f"r{number}")
    secondary.dag("other")
    for number in range(60):
        secondary.run_with_task("other", f"o{number}")
    move(primary, secondary, tmp_path)
    wrong = "SELECT count(*) FROM xcom x JOIN dag_run r USING (dag_id, run_id) WHERE x.dag_run_id <> r.id"
    assert secondary.one(wrong) == 0
    assert secondary.one("SELECT count(*) FROM xcom") == 65
    for number in range(20):
        secondary.run_with_task(run_id=f"new{number}")


def test_09_job_references_follow_their_job_or_are_empty(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.skip_keys("job", 100)
    job = primary.insert(
        "job", job_type="LocalTaskJob", state="success", dag_id="sales", start_date=START, hostname="a"
    )
    secondary.insert("job", id=job, job_type="SchedulerJob", state="running", start_date=START, hostname="b")
    primary.dag()
    primary.dag_run("sales", "r1", creating_job_id=job, scheduled_by_job_id=job)
    primary.task("sales", "r1", job_id=job, queued_by_job_id=99)
    move(primary, secondary, tmp_path)
    new = secondary.one("SELECT id FROM job WHERE job_type = 'LocalTaskJob'")
    assert new != job
    job_id = "job_id" if "job_id" in secondary.columns("task_instance") else "scheduled_by_job_id"  # of the run
    joined = f"SELECT {job_id}, queued_by_job_id FROM task_instance JOIN dag_run USING (dag_id, run_id)"
    assert secondary.rows(joined) == [(new, None)]
    assert secondary.one("SELECT creating_job_id FROM dag_run") == new
    assert secondary.one("SELECT job_type FROM job WHERE state = 'running'") == "SchedulerJob"


def test_10_nothing_is_lost_by_a_null(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.dag_run("sales", "r1", state="running")
    primary.task("sales", "r1", "first")
    primary.task("sales", "r1", "second", state=None)
    primary.insert("job", job_type="SchedulerJob", state="success", dag_id=None, start_date=START)
    move(primary, secondary, tmp_path)
    assert secondary.rows("SELECT task_id, state FROM task_instance ORDER BY 1") == [
        ("first", "success"),
        ("second", "upstream_failed"),
    ]
    assert secondary.one("SELECT count(*) FROM job WHERE dag_id IS NULL") == 1


def test_11_what_is_there_already_stops_no_other_row(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    secondary.insert("slot_pool", pool="default_pool", slots=128, include_deferred=False)
    primary.insert("slot_pool", pool="default_pool", slots=77, include_deferred=False)
    primary.insert("slot_pool", pool="etl", slots=3, include_deferred=True)
    for side in (primary, secondary):
        side.dag()
        side.run_with_task(run_id="shared")
    primary.run_with_task(run_id="more")
    move(primary, secondary, tmp_path)
    assert secondary.rows("SELECT pool, slots FROM slot_pool ORDER BY 1") == [("default_pool", 77), ("etl", 3)]
    assert secondary.rows("SELECT run_id FROM dag_run ORDER BY 1") == [("more",), ("shared",)]


def test_12_a_second_restore_doubles_nothing(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    names = [name for name in ("log", "job", "task_fail", "dag_run", "xcom") if primary.columns(name)]
    if "task_fail" in names:
        primary.insert("task_fail", task_id="load", dag_id="sales", run_id="r1")
    for _ in range(3):
        primary.insert("log", event="same", dttm=START)
    primary.insert("job", job_type="LocalTaskJob", state="success", start_date=START)
    move(primary, secondary, tmp_path)
    once = {name: secondary.content(name, without=["id"]) for name in names}
    restore(secondary.url, tmp_path, version=secondary.version)
    assert {name: secondary.content(name, without=["id"]) for name in once} == once
    assert len(once["log"]) == 3


def test_14_a_file_cut_or_changed_by_one_byte_is_refused(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task()
    backup(primary.url, tmp_path, version=primary.version)
    file = next(tmp_path.rglob("xcom.csv.gz"))
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) * 6 // 10], whole[:30] + bytes([whole[30] ^ 1]) + whole[31:], whole + b"x"):
        file.write_bytes(damaged)
        with pytest.raises(DamagedBackupError, match=r"xcom\.csv\.gz"):
            restore(secondary.url, tmp_path, version=secondary.version)
        assert secondary.one("SELECT count(*) FROM dag_run") == 0


def test_15_connections_keep_nulls_and_empty_strings(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.insert("connection", conn_id="bare", conn_type="http", is_encrypted=False, is_extra_encrypted=False)
    primary.insert("connection", conn_id="empty", conn_type="http", host="", login="", extra="", is_encrypted=False)
    primary.insert(
        "connection",
        conn_id="full",
        conn_type="x",
        port=0,
        password=encrypted(FERNET, "p\nw"),
        is_encrypted=True,
        extra=encrypted(FERNET, "{}"),
        is_extra_encrypted=True,
        description="it's",
    )
    move(primary, secondary, tmp_path)
    secret = ["password", "extra"]
    assert secondary.content("connection", without=secret) == primary.content("connection", without=secret)
    full = secondary.rows("SELECT password, extra FROM connection WHERE conn_id = 'full'")[0]
    assert [decrypted(OTHER_FERNET, value) for value in full] == ["p\nw", "{}"]
    assert secondary.rows("SELECT password, extra FROM connection WHERE conn_id <> 'full' ORDER BY conn_id") == [
        (None, None),
        (None, ""),
    ]


def test_16_a_variable_that_cannot_be_decrypted_fails_the_backup_by_its_key(primary: Metadata, tmp_path: Path) -> None:
    primary.insert("variable", key="lost", val=encrypted(OTHER_FERNET, "v"), is_encrypted=True)
    with pytest.raises(SecretError, match="lost"):
        backup(primary.url, tmp_path, version=primary.version)
    assert not list(tmp_path.rglob("*.csv.gz"))
    report = backup(primary.url, tmp_path, version=primary.version, skip_unreadable_secrets=True)
    assert any("lost" in note for note in report.notes)
    assert manifest_of(tmp_path).unreadable_secrets == ("variable 'lost'",)


def test_16_a_masked_value_is_an_error(primary: Metadata, tmp_path: Path) -> None:
    primary.insert("variable", key="masked", val="***", is_encrypted=False)
    with pytest.raises(SecretError, match="masked"):
        backup(primary.url, tmp_path, version=primary.version)


def test_17_local_files_are_for_their_owner_only(primary: Metadata, tmp_path: Path) -> None:
    primary.insert("variable", key="k", val=encrypted(FERNET, "v"), is_encrypted=True)
    backup(primary.url, tmp_path, version=primary.version)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in files} == {0o600}


def test_18_the_backups_own_run_is_never_restored(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag("backup_metadata")
    primary.run_with_task("backup_metadata", "old")
    primary.run_with_task(
        "backup_metadata", "now", state="running", conf=b"task_token" if primary.version < "3" else '"task_token"'
    )
    move(primary, secondary, tmp_path)
    assert secondary.rows("SELECT run_id, state FROM dag_run") == [("old", "success")]


def test_19_a_backup_writes_nothing_to_the_database(primary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    names = [name for name in tables_of(primary.version).names if primary.columns(name)]
    objects = "SELECT relname, relfilenode FROM pg_class ORDER BY 1"
    before = primary.rows(objects), {t: primary.content(t) for t in names}
    backup(primary.url, tmp_path, version=primary.version)
    assert (primary.rows(objects), {t: primary.content(t) for t in names}) == before


@pytest.mark.parametrize("airflow", ["2.10.3"], indirect=True)  # of others see test_every_table_is_restored
def test_20_the_rest_of_a_runs_story_is_carried(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    run = primary.run_with_task()
    ti = {"dag_id": "sales", "run_id": "r1", "task_id": "load", "map_index": -1}
    primary.insert("rendered_task_instance_fields", **ti, rendered_fields='{"a": 1}')
    primary.insert("task_reschedule", **ti, try_number=1)
    primary.insert("task_instance_note", **ti, content="look")
    primary.insert("dag_run_note", dag_run_id=run, content="why")
    primary.insert("task_instance_history", **ti, try_number=1, pool="default_pool", pool_slots=1)
    primary.insert("task_map", **ti, length=3, keys="[1]")
    dataset = primary.insert("dataset", uri="s3://x", extra="{}")
    event = primary.insert("dataset_event", dataset_id=dataset, extra="{}", timestamp=START)
    primary.insert("dagrun_dataset_event", dag_run_id=run, event_id=event)
    primary.insert("dataset_dag_run_queue", dataset_id=dataset, target_dag_id="sales")
    role = primary.insert("ab_role", id=50, name="analyst")
    view = primary.insert("ab_view_menu", id=70, name="DAG:sales")
    permission = primary.insert("ab_permission", id=60, name="can_read")
    pair = primary.insert("ab_permission_view", id=80, permission_id=permission, view_menu_id=view)
    primary.insert("ab_permission_view_role", id=90, permission_view_id=pair, role_id=role)
    secondary.insert("ab_role", id=50, name="Admin")
    move(primary, secondary, tmp_path)
    for name in (
        "rendered_task_instance_fields",
        "task_reschedule",
        "task_instance_note",
        "dag_run_note",
        "task_map",
        "task_instance_history",
        "dataset",
        "dataset_event",
        "dagrun_dataset_event",
        "dataset_dag_run_queue",
    ):
        assert secondary.content(name) == primary.content(name), name
    assert secondary.rows(
        "SELECT r.name, p.name, v.name FROM ab_permission_view_role x JOIN ab_role r ON r.id = x.role_id"
        " JOIN ab_permission_view y ON y.id = x.permission_view_id JOIN ab_permission p ON p.id = y.permission_id"
        " JOIN ab_view_menu v ON v.id = y.view_menu_id"
    ) == [("analyst", "can_read", "DAG:sales")]
    assert secondary.rows("SELECT dag_id, is_paused, is_active FROM dag") == [("sales", False, False)]


def test_the_report_of_a_restore_counts_what_happened(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    backup(primary.url, tmp_path, version=primary.version)
    report = restore(secondary.url, tmp_path, version=secondary.version)
    runs = line(report, "dag_run")
    assert (report.source, runs.rows, runs.inserted, runs.kept, runs.dropped) == (PRIMARY.id, 1, 1, 0, 0)
