"""The work of a task: what it reads, what it hands to the engine, what it leaves."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from lib.functions.airflow_client import DagRun
from lib.functions.dag_note import Note, NoteBook
from mwaa_dr.framework import backup, cleanup, restore
from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import DrError, SettingError, UnservedVersionError
from mwaa_dr.framework.factory.run import Failure, Installation, Run
from mwaa_dr.framework.factory.standard import RefusingFactory, standard_factory
from mwaa_dr.framework.factory.tasks import perform
from mwaa_dr.framework.model.options import BackupMode, BackupOptions, CleanupOptions, OwnRun, RestoreOptions, Strategy
from mwaa_dr.framework.model.patience import Patience
from mwaa_dr.framework.model.setting import Operation
from mwaa_dr.framework.report import Report, TableLine
from mwaa_dr.framework.settings import Variable
from mwaa_dr.framework.storage.storage import Storage
from tests.support.memory_airflow import MemoryAirflow

FERNET = "gAAAAA-a-fernet-key"
PATIENCE = Patience(task=90)


class Engine:
    """Stands where the engine stands, and keeps what it was handed."""

    def __init__(self) -> None:
        self.options: Any = None
        self.storage: Storage | None = None
        self.report = Report("restore", "", tables=[TableLine("dag_run", rows=5, inserted=3), TableLine("log", rows=2)])

    def with_storage(self, db: object, tables: object, storage: Storage, options: object, progress: object) -> Report:
        """Take a backup or restore one."""
        self.options, self.storage = options, storage
        return self.report

    def without(self, db: object, tables: object, options: object, progress: object) -> Report:
        """Clean up."""
        self.options = options
        return self.report


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine's place, taken."""
    stub = Engine()
    monkeypatch.setattr(backup, "take_backup", stub.with_storage)
    monkeypatch.setattr(restore, "restore_backup", stub.with_storage)
    monkeypatch.setattr(cleanup, "clean_up", stub.without)
    return stub


def a_database(tmp_path: Path, variable: Variable, db: Callable[[], MetadataDb]) -> Installation:
    def refuse(*_: object) -> Any:
        raise AssertionError("nobody may ask by REST")

    return Installation("2.10.3", str(tmp_path), PATIENCE, FERNET, variable, db, refuse, refuse)


def installation(tmp_path: Path, variables: Mapping[str, str]) -> Installation:
    known = {"DR_STORAGE_TYPE": "LOCAL_FS", **variables}
    db = cast("MetadataDb", object())
    return a_database(tmp_path, known.get, lambda: db)


def work(operation: Operation, tmp_path: Path, conf: object = None, **variables: str) -> dict[str, Any]:
    factory = standard_factory("my_dag", "2.10.3")
    return perform(operation, factory, Run("my_dag", "run-1", conf or {}), installation(tmp_path, variables))


def test_backups_lie_under_data_in_the_dags_folder(engine: Engine, tmp_path: Path) -> None:
    work(Operation.BACKUP, tmp_path)
    assert engine.storage is not None
    assert engine.storage.url == (tmp_path / "data").as_uri()


def test_a_bucket_and_a_prefix_make_the_url(engine: Engine, tmp_path: Path) -> None:
    more = {"DR_STORAGE_TYPE": "S3", "DR_BACKUP_BUCKET": "backups", "DR_PATH_PREFIX": "team/data"}
    work(Operation.RESTORE, tmp_path, **more)
    assert engine.storage is not None
    assert engine.storage.url == "s3://backups/team/data"


def test_a_backup_is_told_what_its_settings_say(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_ENV_NAME", "prod")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    more = {"DR_BACKUP_MODE": "incremental", "DR_FULL_EVERY": "7"}
    work(Operation.BACKUP, tmp_path, DR_CONNECTIONS="3", DR_SKIP_UNREADABLE_SECRETS="true", **more)
    options: BackupOptions = engine.options
    assert (options.environment.id, options.airflow_version) == ("prod.eu-west-1", "2.10.3")
    assert (options.connections, options.skip_unreadable_secrets) == (3, True)
    assert (options.backup_mode, options.full_every) == (BackupMode.INCREMENTAL, 7)
    assert options.fernet_keys == FERNET
    assert options.own_dags == ("backup_metadata", "restore_metadata", "cleanup_metadata", "my_dag")


def test_a_restore_is_told_what_its_conf_says(engine: Engine, tmp_path: Path) -> None:
    conf = {"backup_id": "B7", "environment": "prod.eu-west-1", "variable_restore_strategy": "REPLACE"}
    conf |= {"dry_run": "yes", "activate_dags": "no"}
    work(Operation.RESTORE, tmp_path, conf, DR_LOCK_SECONDS="60", DR_EXCLUSIVE_SECONDS="0")
    options: RestoreOptions = engine.options
    assert (options.backup_id, options.source) == ("B7", "prod.eu-west-1")
    assert (options.variables, options.connections) == (Strategy.REPLACE, Strategy.APPEND)
    assert (options.dry_run, options.activate_dags) == (True, False)
    assert (options.lock_seconds, options.exclusive_seconds, options.patience) == (60, 0, PATIENCE)
    assert options.own_run == OwnRun("my_dag", "run-1")


def test_a_cleanup_is_told_what_its_conf_says(engine: Engine, tmp_path: Path) -> None:
    work(Operation.CLEANUP, tmp_path, {"force": "yes", "batched": 500})
    options: CleanupOptions = engine.options
    assert (options.force, options.batch_runs) == (True, 500)
    assert options.own_run == OwnRun("my_dag", "run-1")


@pytest.mark.parametrize("operation", list(Operation))
def test_an_airflow_that_is_not_served_is_refused_before_anything_else(
    engine: Engine, tmp_path: Path, operation: Operation
) -> None:
    factory = standard_factory("cleanup_metadata", "9.9.9")
    assert isinstance(factory, RefusingFactory)
    with pytest.raises(UnservedVersionError, match=r"Airflow 9\.9\.9 is not served"):
        perform(operation, factory, Run("d", "r", {"nonsense": 1}), installation(tmp_path, {}))
    assert engine.options is None


def test_a_wrong_setting_is_refused_before_the_engine_starts(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        work(Operation.RESTORE, tmp_path, {"in_flight": "resume"})
    assert engine.options is None


def test_airflow_is_not_asked_once_the_engine_has_started(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    known = {"DR_STORAGE_TYPE": "LOCAL_FS"}

    def variable(key: str) -> str | None:
        asked.append(key)
        return known.get(key)

    def during(*arguments: object) -> Report:
        asked.append("the engine")
        return engine.report

    monkeypatch.setattr(restore, "restore_backup", during)
    airflow = a_database(tmp_path, variable, lambda: cast("MetadataDb", object()))
    perform(Operation.RESTORE, standard_factory("d", "2.10.3"), Run("d", "r", {}), airflow)
    assert asked[-1] == "the engine"
    assert len(asked) > 1


def test_a_cleanup_keeps_its_report_where_the_backups_are(engine: Engine, tmp_path: Path) -> None:
    engine.report.active_dags = ["etl_daily"]
    work(Operation.CLEANUP, tmp_path)
    [kept] = (tmp_path / "data").rglob("cleanup-*.json")
    assert json.loads(kept.read_text())["active_dags"] == ["etl_daily"]


def test_a_cleanup_needs_no_storage(engine: Engine, tmp_path: Path) -> None:
    assert work(Operation.CLEANUP, tmp_path, DR_STORAGE_TYPE="S3")["tables"] == 2


def test_the_result_is_small_and_counts_the_rows(engine: Engine, tmp_path: Path) -> None:
    engine.report.notes = ["n" * 10_000] * 100
    result = work(Operation.RESTORE, tmp_path)
    assert (result["tables"], result["rows"], result["inserted"]) == (2, 7, 3)
    assert len(json.dumps(result)) < 10_000


def test_the_report_is_in_the_log_and_no_secret_is(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine.report.active_dags = ["etl_daily"]
    work(Operation.CLEANUP, tmp_path)
    assert "dag_run" in caplog.text
    assert "was active: etl_daily" in caplog.text
    assert FERNET not in caplog.text


def test_a_foreign_error_is_told_without_the_lines_that_may_hold_values() -> None:
    failure = Failure.of(ValueError("invalid input\nCONTEXT: COPY variable, column val: a-secret"))
    assert str(failure) == "unexpected ValueError: invalid input"
    assert str(Failure.of(ValueError())) == "unexpected ValueError"


def test_what_holds_secrets_does_not_show_them() -> None:
    airflow = a_database(Path("/dags"), lambda _: None, lambda: cast("MetadataDb", object()))
    assert FERNET not in repr(airflow)
    assert "AQC" not in repr(Run("d", "r", {"task_token": "AQC"}))


def test_a_line_of_the_engine_tells_what_came_along_since_airflow_shows_the_message_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def engine(*_: object) -> Report:
        extra = {"folder": "prod/100%", "reason": "access is denied"}
        logging.getLogger("mwaa_dr.framework.backup").warning("not removed", extra=extra)
        return Report("cleanup", "")

    monkeypatch.setattr(cleanup, "clean_up", engine)
    airflow = installation(tmp_path, {})
    perform(Operation.CLEANUP, standard_factory("cleanup_metadata", "2.10.3"), Run("d", "r", {}), airflow)
    assert "not removed (folder: prod/100%, reason: access is denied)" in caplog.messages


@pytest.fixture
def bucket() -> Iterator[Any]:
    """The backup bucket."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="backups")
        yield s3


IN_S3 = {"DR_STORAGE_TYPE": "S3", "DR_BACKUP_BUCKET": "backups"}
NOTE = "stops/prod.us-east-1/active.json"


def test_the_dags_that_a_stop_has_paused_are_active_in_its_backup(
    engine: Engine, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    written = {"active": ["sales", "stock"], "standing": [], "noted_at": "2026-11-22T20:00:00+00:00"}
    bucket.put_object(Bucket="backups", Key=NOTE, Body=json.dumps(written))
    work(Operation.BACKUP, tmp_path, {"active_dags_key": NOTE, "dr_type": "STOP"}, **IN_S3)
    assert engine.options.active_dags == ("sales", "stock")


def test_the_note_that_a_function_writes_is_the_one_that_is_read(
    engine: Engine, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    place = {"environment": {"name": "prod", "region": "us-east-1"}, "bucket": "backups", "bucket_region": "us-east-1"}
    NoteBook.of(place).write(Note(("sales",), standing=(DagRun("retired", "r"),)))
    work(Operation.BACKUP, tmp_path, {"active_dags_key": NOTE}, **IN_S3)
    assert engine.options.active_dags == ("sales",)


@pytest.mark.parametrize(("conf", "active"), [({"active_dags": ["sales"]}, ("sales",)), ({"active_dags": []}, ())])
def test_a_few_active_dags_may_be_named_at_once(
    engine: Engine, tmp_path: Path, conf: dict[str, Any], active: tuple[str, ...]
) -> None:
    work(Operation.BACKUP, tmp_path, conf)
    assert engine.options.active_dags == active


def test_a_backup_knows_where_a_stop_would_note_what_it_pauses(engine: Engine, tmp_path: Path) -> None:
    work(Operation.BACKUP, tmp_path, DR_STOP_NOTE=f"s3://stops/{NOTE}")
    assert engine.options.stop_note == f"s3://stops/{NOTE}"


def test_unless_they_are_named_the_active_dags_are_those_of_the_database(engine: Engine, tmp_path: Path) -> None:
    work(Operation.BACKUP, tmp_path)
    assert engine.options.active_dags is None


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"paused": []}', b'{"active": "a"}', b'{"active": [1]}', None])
def test_a_list_of_active_dags_that_cannot_be_read_backs_nothing_up(
    engine: Engine, tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch, body: bytes | None
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    if body is not None:
        bucket.put_object(Bucket="backups", Key=NOTE, Body=body)
    with pytest.raises(DrError, match=rf"s3://backups/{NOTE}"):
        work(Operation.BACKUP, tmp_path, {"active_dags_key": NOTE}, **IN_S3)
    assert engine.options is None


def test_the_answer_says_which_moment_was_backed_up(engine: Engine, tmp_path: Path) -> None:
    engine.report.backup_id, engine.report.snapshot_time = "B", "2026-11-22T20:10:00+00:00"
    answer = work(Operation.BACKUP, tmp_path)
    assert (answer["backup_id"], answer["snapshot_time"], answer["rows"]) == ("B", "2026-11-22T20:10:00+00:00", 7)


WITHOUT = {"DR_MODE": "CONFIG_ONLY"}


def without_a_database(tmp_path: Path, airflow: MemoryAirflow, version: str = "3.2.1") -> Installation:
    """An Airflow whose tasks reach no database."""

    def refuse() -> MetadataDb:
        raise AssertionError("nobody may look for the database")

    known = {"DR_STORAGE_TYPE": "LOCAL_FS", **WITHOUT}
    return Installation(version, str(tmp_path), PATIENCE, FERNET, known.get, refuse, lambda _: airflow, lambda: airflow)


def test_without_a_database_each_operation_works_by_rest(tmp_path: Path) -> None:
    airflow = MemoryAirflow({"plain": "x"})
    airflow.dag("active")
    there = without_a_database(tmp_path, airflow)
    factory = standard_factory("my_dag", "3.2.1")
    told = perform(Operation.BACKUP, factory, Run("my_dag", "r1", {}), there)
    assert (told["mode"], told["promoted"]) == ("CONFIG_ONLY", True)
    told = perform(Operation.CLEANUP, factory, Run("my_dag", "r2", {}), there)
    assert (told["mode"], told["active_dags"], airflow.active()) == ("CONFIG_ONLY", ["active"], [])
    told = perform(Operation.RESTORE, factory, Run("my_dag", "r3", {"variable_restore_strategy": "REPLACE"}), there)
    assert (told["mode"], airflow.active()) == ("CONFIG_ONLY", ["active"])


@pytest.mark.parametrize("operation", list(Operation))
def test_airflow_2_is_told_that_its_tasks_reach_the_database(tmp_path: Path, operation: Operation) -> None:
    there = without_a_database(tmp_path, MemoryAirflow(), "2.10.3")
    with pytest.raises(UnservedVersionError, match=r"DR_MODE=CONFIG_ONLY is for Airflow 3, and Airflow 2\.10\.3 runs"):
        perform(operation, standard_factory("my_dag", "2.10.3"), Run("my_dag", "r", {}), there)
