"""What a restore promises about the rows that are there, and about the living Airflow around it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mwaa_dr.framework.errors import DatabaseError, IncompatibleBackupError, MissingBackupError, SecretError, TableError
from mwaa_dr.framework.model.options import OwnRun, Strategy
from tests.support.engine import PRIMARY, backup, line, restore, tables_of
from tests.support.fernet import decrypted, encrypted
from tests.support.metadata import FERNET, OTHER_FERNET, START, Metadata


def test_a_finished_run_of_the_target_is_replaced_as_a_whole(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1")
    secondary.dag()
    secondary.run_with_task(run_id="r1", state="failed")
    secondary.task("sales", "r1", "extra")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT task_id, state FROM task_instance") == [("load", "success")]
    assert secondary.rows("SELECT state FROM dag_run") == [("success",)]


def test_a_run_of_the_same_date_but_another_id_is_replaced(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task(run_id="theirs", execution_date=START)
    secondary.dag()
    secondary.run_with_task(run_id="ours", execution_date=START)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT run_id FROM dag_run") == [("theirs",)]


def test_rows_of_runs_come_in_the_order_of_the_backup(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    """In any other order each row finds its places in the indexes far from those of the one before."""
    for db, jobs in ((primary, 6000), (secondary, 600)):
        db.run_sql(
            "INSERT INTO job (job_type, state, hostname, start_date, end_date)"
            " SELECT 'LocalTaskJob', 'success', %s || n, now(), now() FROM generate_series(1, %s) n",
            "of the target " if db is secondary else "of the backup ",
            jobs,
        )
    for number in range(60):
        primary.dag(f"dag_{number}")
    primary.run_sql(
        "INSERT INTO dag_run (dag_id, run_id, execution_date, run_type, state, clear_number)"
        " SELECT 'dag_' || d, 'r' || n || '_' || d, timestamptz '2026-01-01' + n * interval '1 day', 'scheduled',"
        " 'success', 0"
        " FROM generate_series(1, 20) n, generate_series(0, 59) d"
    )
    primary.run_sql(
        "INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, pool, pool_slots, job_id)"
        " SELECT dag_id, run_id, 't' || t, -1, 'success', 'default_pool', 1, (id - 1) * 5 + t"
        " FROM dag_run, generate_series(1, 5) t ORDER BY id, t"
    )
    backup(primary.url, tmp_path)
    report = restore(secondary.url, tmp_path)
    assert line(report, "job").inserted == 6000
    tasks = "SELECT dag_id, run_id, task_id FROM task_instance ORDER BY ctid"
    assert secondary.rows(tasks) == primary.rows(tasks)
    moved = "SELECT count(*) FROM task_instance i JOIN job j ON j.id = i.job_id WHERE j.hostname LIKE 'of the backup%%'"
    assert secondary.one(moved) == 6000


@pytest.mark.parametrize("state", ["running", "queued"])
def test_an_unfinished_run_of_the_target_is_kept_and_reported(
    primary: Metadata, secondary: Metadata, tmp_path: Path, state: str
) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1")
    secondary.dag()
    secondary.run_with_task(run_id="r1", state=state)
    backup(primary.url, tmp_path)
    report = restore(secondary.url, tmp_path)
    assert report.kept_runs == [{"dag_id": "sales", "run_id": "r1", "state": state}]
    assert secondary.rows("SELECT state FROM dag_run") == [(state,)]
    assert secondary.one("SELECT count(*) FROM xcom") == 1


def test_the_report_accounts_once_for_each_row_of_the_backup(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    for run_id in ("new", "there", "by date", "at work", "lost"):
        primary.run_with_task(run_id=run_id, state="running" if run_id == "lost" else "success")
    dates = dict(primary.rows("SELECT run_id, execution_date FROM dag_run"))
    secondary.dag()
    secondary.run_with_task(run_id="there")
    secondary.task("sales", "there", "extra")
    secondary.run_with_task(run_id="theirs", execution_date=dates["by date"])
    secondary.run_with_task(run_id="at work", state="running")
    backup(primary.url, tmp_path)
    report = restore(secondary.url, tmp_path)
    runs, tasks = line(report, "dag_run"), line(report, "task_instance")
    assert (runs.rows, runs.inserted, runs.replaced, runs.kept, runs.dropped, runs.removed) == (5, 1, 2, 1, 1, None)
    assert (tasks.rows, tasks.inserted, tasks.replaced, tasks.dropped, tasks.removed) == (5, 1, 2, 2, 1)


def test_rows_that_only_the_target_has_stay(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1")
    secondary.dag()
    secondary.run_with_task(run_id="mine", execution_date=START - timedelta(days=9))
    secondary.insert("log", event="mine", dttm=START)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT run_id FROM dag_run ORDER BY 1") == [("mine",), ("r1",)]
    assert secondary.one("SELECT count(*) FROM log WHERE event = 'mine'") == 1


@pytest.mark.parametrize(
    ("strategy", "shared", "names"),
    [
        (Strategy.APPEND, "theirs", ["new", "shared"]),
        (Strategy.REPLACE, "ours", ["new", "shared"]),
        (Strategy.DO_NOTHING, "theirs", ["shared"]),
    ],
)
def test_variables_follow_the_strategy(
    primary: Metadata, secondary: Metadata, tmp_path: Path, strategy: Strategy, shared: str, names: list[str]
) -> None:
    for key in ("shared", "new"):
        primary.insert("variable", key=key, val=encrypted(FERNET, "ours"), is_encrypted=True)
    secondary.insert("variable", key="shared", val=encrypted(OTHER_FERNET, "theirs"), is_encrypted=True)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, variables=strategy)
    assert secondary.rows("SELECT key FROM variable ORDER BY 1") == [(name,) for name in names]
    assert decrypted(OTHER_FERNET, secondary.one("SELECT val FROM variable WHERE key = 'shared'")) == shared


def test_our_own_variables_stay_in_their_environment(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.insert("variable", key="DR_BACKUP_BUCKET", val="primary-bucket", is_encrypted=False)
    primary.insert("variable", key="DROP_ZONE", val="x", is_encrypted=False)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT key FROM variable") == [("DROP_ZONE",)]
    restore(secondary.url, tmp_path, environment=PRIMARY)
    assert secondary.rows("SELECT key FROM variable ORDER BY 1") == [("DROP_ZONE",), ("DR_BACKUP_BUCKET",)]


def test_a_restore_into_the_same_database_doubles_no_row_of_which_the_backup_hides_a_part(
    primary: Metadata, tmp_path: Path
) -> None:
    primary.insert("log", event="trigger", dag_id="backup_metadata", extra="a task_token", dttm=START)
    backup(primary.url, tmp_path)
    report = restore(primary.url, tmp_path, environment=PRIMARY, fernet_keys=FERNET)
    assert primary.rows("SELECT extra FROM log") == [("a task_token",)]
    assert line(report, "log").kept == 1


def test_what_is_due_is_computed_again_from_the_history(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.dag()
    primary.run_with_task()
    secondary.dag(
        paused=True,
        next_dagrun=START,
        next_dagrun_create_after=START,
        next_dagrun_data_interval_start=START,
        next_dagrun_data_interval_end=START,
    )
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows(
        "SELECT is_paused, is_active, next_dagrun, next_dagrun_create_after, next_dagrun_data_interval_start,"
        " next_dagrun_data_interval_end FROM dag"
    ) == [(False, True, None, None, None, None)]


def test_exactly_the_active_dags_become_active_parsed_or_not(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag("on_unparsed", next_dagrun_create_after=START, fileloc="/old/file.py")
    primary.dag("off_unparsed", paused=True)
    primary.dag("on_parsed")
    primary.dag("off_parsed", paused=True)
    secondary.dag("on_parsed", paused=True)
    secondary.dag("off_parsed", paused=False)
    secondary.dag("restore_metadata", paused=False)
    primary.dag("restore_metadata", paused=True)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, own_run=OwnRun("restore_metadata", "now"))
    assert secondary.rows("SELECT dag_id, is_paused, is_active FROM dag ORDER BY 1") == [
        ("off_parsed", True, True),
        ("off_unparsed", True, False),
        ("on_parsed", False, True),
        ("on_unparsed", False, False),
        ("restore_metadata", False, True),
    ]
    assert secondary.rows("SELECT fileloc, next_dagrun_create_after FROM dag WHERE dag_id = 'on_unparsed'") == [
        (None, None)
    ]


def test_a_drill_leaves_dags_as_the_target_has_them_and_pauses_new_ones(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    for dag_id in ("new", "paused", "active"):
        primary.dag(dag_id)
        primary.run_with_task(dag_id, "r1")
    primary.dag("off", paused=True)
    secondary.dag("paused", paused=True, next_dagrun=START)
    secondary.dag("active")
    secondary.dag("off")
    backup(primary.url, tmp_path)
    for _ in range(2):
        report = restore(secondary.url, tmp_path, activate_dags=False)
        assert secondary.rows("SELECT dag_id, is_paused, next_dagrun FROM dag ORDER BY 1") == [
            ("active", False, None),
            ("new", True, None),
            ("off", False, None),
            ("paused", True, None),
        ]
        assert secondary.one("SELECT count(*) FROM dag_run") == 3
        assert "active in the backup, paused here as asked: new, paused" in report.notes


def test_a_restore_after_a_drill_activates_what_was_active(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag("on")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, activate_dags=False)
    report = restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT is_paused FROM dag") == [(False,)]
    assert not [note for note in report.notes if "as asked" in note]


def test_a_dag_with_history_but_without_a_row_gets_a_paused_stub(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.run_with_task("forgotten", "r1")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows("SELECT dag_id, is_paused, is_active FROM dag") == [("forgotten", True, False)]


def test_sequences_end_above_the_highest_key(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    for table in ("dag_run", "log", "job", "task_fail", "task_reschedule", "dataset", "variable"):
        primary.skip_keys(table, 5000)
    primary.dag()
    primary.run_with_task()
    primary.insert("log", event="e", dttm=START)
    primary.insert("task_fail", task_id="load", dag_id="sales", run_id="r1")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.run_with_task(run_id="next") > 5001
    assert secondary.insert("log", event="e", dttm=START) > 5001


def test_the_running_restore_itself_and_live_jobs_survive(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task(run_id="r1")
    secondary.dag("restore_metadata")
    own = secondary.run_with_task("restore_metadata", "now", state="running")
    job = secondary.insert("job", job_type="SchedulerJob", state="running", start_date=START)
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path, own_run=OwnRun("restore_metadata", "now"))
    assert secondary.one("SELECT id FROM dag_run WHERE dag_id = 'restore_metadata'") == own
    assert secondary.one("SELECT id FROM job WHERE state = 'running'") == job


def test_users_of_the_target_are_not_overwritten(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    anna = primary.insert("ab_user", id=10, username="anna", email="a@x", first_name="A", last_name="A", password="h1")
    primary.insert("ab_user", id=11, username="Bob", email="b@x", first_name="B", last_name="B", created_by_fk=anna)
    primary.insert("ab_user", id=12, username="new", email="n@x", first_name="N", last_name="N", created_by_fk=anna)
    role = primary.insert("ab_role", id=20, name="Analyst")
    for number, user in enumerate((10, 11, 12)):
        primary.insert("ab_user_role", id=number + 1, user_id=user, role_id=role)
    secondary.insert("ab_user", id=12, username="anna", email="other@x", first_name="S", last_name="S", password="h2")
    secondary.insert("ab_user", id=13, username="bob", email="bob@x", first_name="S", last_name="S")
    backup(primary.url, tmp_path)
    restore(secondary.url, tmp_path)
    assert secondary.rows('SELECT username, email FROM ab_user ORDER BY username COLLATE "C"') == [
        ("anna", "other@x"),
        ("bob", "bob@x"),
        ("new", "n@x"),
    ]
    assert secondary.rows("SELECT u.username FROM ab_user_role JOIN ab_user u ON u.id = user_id") == [("new",)]
    assert secondary.one("SELECT created_by_fk FROM ab_user WHERE username = 'new'") == 12


def test_a_dry_run_changes_nothing_and_says_what_would_be(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    primary.dag()
    primary.run_with_task()
    backup(primary.url, tmp_path)
    report = restore(secondary.url, tmp_path, dry_run=True)
    assert line(report, "dag_run").inserted == 1
    assert secondary.one("SELECT count(*) FROM dag_run") == 0
    assert secondary.one("SELECT is_called FROM dag_run_id_seq") is False


def test_a_backup_of_a_newer_version_is_refused(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    backup(primary.url, tmp_path)
    with pytest.raises(IncompatibleBackupError, match=r"2\.10\.3.*2\.9\.2"):
        restore(secondary.url, tmp_path, version="2.9.2")


def test_columns_that_do_not_fit_are_named(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    primary.run_sql("ALTER TABLE log ADD COLUMN surplus text")
    backup(primary.url, tmp_path)
    with pytest.raises(IncompatibleBackupError, match=r"'log'.*'surplus'"):
        restore(secondary.url, tmp_path)


def test_there_being_no_backup_is_said_in_one_line(secondary: Metadata, tmp_path: Path) -> None:
    with pytest.raises(MissingBackupError):
        restore(secondary.url, tmp_path)


def test_an_unknown_backup_id_is_refused(primary: Metadata, secondary: Metadata, tmp_path: Path) -> None:
    backup(primary.url, tmp_path)
    with pytest.raises(MissingBackupError, match="20200101T000000Z-00000000"):
        restore(secondary.url, tmp_path, backup_id="20200101T000000Z-00000000")


def test_a_malformed_fernet_key_is_refused_without_being_shown(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    backup(primary.url, tmp_path)
    with pytest.raises(SecretError) as caught:
        restore(secondary.url, tmp_path, fernet_keys="not-a-key")
    assert "not-a-key" not in str(caught.value)


def test_an_unreachable_database_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached"):
        backup("postgresql://nobody@127.0.0.1:1/none", tmp_path)


def test_a_table_that_the_database_lacks_is_named(primary: Metadata, tmp_path: Path) -> None:
    primary.run_sql("DROP TABLE sla_miss")
    with pytest.raises(TableError, match="sla_miss"):
        backup(primary.url, tmp_path)


@pytest.mark.parametrize("lost", ["xcom", "task_instance", "job", "log_template", "dag", "ab_user"])
def test_any_choice_of_tables_works(primary: Metadata, secondary: Metadata, tmp_path: Path, lost: str) -> None:
    tables = tables_of().only(tables_of().names - {lost})
    primary.dag()
    primary.insert("job", id=5, job_type="x", state="success", start_date=START)
    primary.run_with_task(creating_job_id=5)
    primary.insert("dag_run_note", dag_run_id=1, content="c")
    backup(primary.url, tmp_path, tables=tables)
    restore(secondary.url, tmp_path, tables=tables)
    assert secondary.rows("SELECT run_id FROM dag_run") == [("r1",)]
