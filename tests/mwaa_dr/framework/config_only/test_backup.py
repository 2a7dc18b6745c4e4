"""A backup by REST and the Task SDK: what it holds, what it refuses, what it says."""

from __future__ import annotations

import gzip
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lib.functions.backup_manifest import read
from mwaa_dr.framework.config_only.backup import NOTE, take_config_backup
from mwaa_dr.framework.csv_rows import records
from mwaa_dr.framework.errors import ApiError, SecretError
from mwaa_dr.framework.manifest import InterruptedRun, Mode
from mwaa_dr.framework.model.options import OWN_DAGS, BackupOptions, Retention
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from mwaa_dr.framework.verify import Level, verify_backup
from tests.support.engine import PRIMARY, manifest_of, tables_of
from tests.support.memory_airflow import MemoryAirflow

VERSION = "3.2.1"
SECRET = "the-secret"
EXTRA = '{"private_key": "k", "ssl": true}'
RUNS, TASKS, LOG = "/dags/~/dagRuns", "/dags/~/dagRuns/~/taskInstances", "/eventLogs"


def back_up(airflow: MemoryAirflow, place: Path, **options: Any) -> Report:
    chosen = replace(BackupOptions(PRIMARY, VERSION, own_dags=OWN_DAGS, retention=Retention(0, 0)), **options)
    return take_config_backup(airflow.reached, tables_of(VERSION), LocalStorage(place), chosen)


def stored(place: Path, table: str) -> list[dict[str, str | None]]:
    manifest = manifest_of(place)
    with gzip.open(place / manifest.environment.id / manifest.backup_id / f"{table}.csv.gz") as file:
        header, *rows = records(file)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def a_run(dag_id: str, run_id: str, state: str = "success", **more: Any) -> dict[str, Any]:
    return {"dag_id": dag_id, "dag_run_id": run_id, "state": state, "conf": {}, **more}


@pytest.fixture
def airflow() -> MemoryAirflow:
    """One with a little of everything."""
    found = MemoryAirflow({"plain": "x", "password": SECRET, "json": json.dumps({"token": SECRET, "n": [1, None]})})
    found.connection_of(
        "db", host="h", port=5432, login="u", password=SECRET, extra='{"private_key": "k", "ssl": true}'
    )
    found.pool("small", 3, "few")
    found.dag("active")
    found.dag("paused", paused=True)
    found.dag("my_backup", tags=[{"name": "mwaa_dr"}])
    return found


def test_it_holds_the_values_that_rest_masks(airflow: MemoryAirflow, tmp_path: Path) -> None:
    back_up(airflow, tmp_path)
    assert {row["key"]: row["val"] for row in stored(tmp_path, "variable")} == airflow.variables
    [found] = stored(tmp_path, "connection")
    assert (found["password"], found["extra"], found["port"]) == (SECRET, EXTRA, "5432")


def test_it_says_in_the_manifest_what_it_is(airflow: MemoryAirflow, tmp_path: Path) -> None:
    report = back_up(airflow, tmp_path)
    manifest = manifest_of(tmp_path)
    assert (manifest.mode, manifest.active_dags, manifest.notes) == (Mode.CONFIG_ONLY, 2, (NOTE,))
    assert manifest.own_dags == tuple(sorted((*OWN_DAGS, "my_backup")))
    assert manifest.not_carried.keys() >= {"dag_run", "xcom"}
    assert (report.mode, report.promoted, report.notes[0]) == ("CONFIG_ONLY", True, NOTE)
    assert verify_backup(LocalStorage(tmp_path), Level.DATA).passed
    read(manifest.to_json(), PRIMARY.id, manifest.backup_id)


def test_the_history_is_kept_as_rest_gives_it(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.history[RUNS] = [a_run("active", f"r{n}", conf={"n": n}) for n in range(230)]
    airflow.history[TASKS] = [{**a_run("active", "r7"), "task_id": "t", "map_index": -1, "note": "é\n"}]
    back_up(airflow, tmp_path)
    runs = stored(tmp_path, "archive_dag_run")
    assert [row["run_id"] for row in runs] == [f"r{n}" for n in range(230)]
    assert json.loads(str(runs[229]["document"])) == a_run("active", "r229", conf={"n": 229})
    [task] = stored(tmp_path, "archive_task_instance")
    assert (task["run_id"], task["map_index"], json.loads(str(task["document"]))["note"]) == ("r7", "-1", "é\n")


def test_no_task_token_is_in_it(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.history[RUNS] = [a_run("my_backup", "r", conf={"task_token": SECRET})]
    airflow.history[LOG] = [
        {"dag_id": "my_backup", "extra": SECRET},
        {"dag_id": None, "extra": f'{{"task_token": "{SECRET}"}}'},
        {"dag_id": "active", "extra": "kept"},
    ]
    back_up(airflow, tmp_path)
    assert json.loads(str(stored(tmp_path, "archive_dag_run")[0]["document"]))["conf"] is None
    assert [json.loads(str(row["document"]))["extra"] for row in stored(tmp_path, "archive_log")] == ["kept"]


def test_runs_in_flight_are_named_with_what_becomes_of_them(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.history[RUNS] = [
        a_run("active", "on", "running"),
        a_run("active", "off"),
        a_run("my_backup", "r", "running"),
    ]
    airflow.history[TASKS] = [a_run("active", "on", state) for state in ("success", "running", "failed")]
    back_up(airflow, tmp_path)
    [run] = manifest_of(tmp_path).interrupted
    becomes = "archived: it is not restored, trigger it again where that is wanted"
    assert run == InterruptedRun("active", "on", "running", 2, 1, becomes)


@pytest.mark.parametrize("value", ["***", " *** ", '{"a": {"b": ["***"]}}', '"***"'])
def test_a_variable_that_is_masked_is_refused_by_its_name(airflow: MemoryAirflow, tmp_path: Path, value: str) -> None:
    airflow.variables["lost"] = value
    with pytest.raises(SecretError, match="variable 'lost' holds a masked value, not the real one"):
        back_up(airflow, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("field", [{"password": "***"}, {"extra": '{"key": "***"}'}])
def test_a_connection_that_is_masked_is_refused_by_its_name(
    airflow: MemoryAirflow, tmp_path: Path, field: dict[str, str]
) -> None:
    airflow.connection_of("lost", **field)
    with pytest.raises(SecretError, match="connection 'lost' holds a masked value, not the real one"):
        back_up(airflow, tmp_path)


def test_what_cannot_be_had_is_left_out_and_listed_only_as_asked(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.variables["lost"] = "***"
    report = back_up(airflow, tmp_path, skip_unreadable_secrets=True)
    assert manifest_of(tmp_path).unreadable_secrets == ("variable 'lost'",)
    assert "unreadable, left out: variable 'lost'" in report.notes
    assert "lost" not in {row["key"] for row in stored(tmp_path, "variable")}


def test_a_value_that_no_task_gets_is_refused(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.variable = {"plain": "x"}.get  # type: ignore[method-assign, assignment]
    with pytest.raises(SecretError, match="variable 'password' cannot be read by a task"):
        back_up(airflow, tmp_path)


def test_what_a_secrets_backend_has_stays_there(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.outranked = {"plain": "of the backend", "json": json.dumps({"token": SECRET, "n": [2, None]})}
    report = back_up(airflow, tmp_path)
    assert [row["key"] for row in stored(tmp_path, "variable")] == ["password"]
    assert sum("is left out: tasks get another one, of a secrets backend" in note for note in report.notes) == 2


def test_dags_that_a_stop_has_paused_are_active(airflow: MemoryAirflow, tmp_path: Path) -> None:
    back_up(airflow, tmp_path, active_dags=("paused",))
    assert {row["dag_id"]: row["is_paused"] for row in stored(tmp_path, "dag")} == {
        "active": "true",
        "my_backup": "true",
        "paused": "false",
    }


def test_a_backup_that_shrank_is_not_the_latest(airflow: MemoryAirflow, tmp_path: Path) -> None:
    first = back_up(airflow, tmp_path)
    airflow.variables = {"plain": "x"}
    second = back_up(airflow, tmp_path)
    assert second.promoted is False
    assert BackupRepository(LocalStorage(tmp_path)).latest(PRIMARY.id).backup_id == first.backup_id


def test_an_api_that_fails_halfway_leaves_nothing(airflow: MemoryAirflow, tmp_path: Path) -> None:
    airflow.history[RUNS] = [a_run("active", "r")]
    send = airflow.send

    def failing(method: str, path: str, *more: Any) -> Any:
        airflow.failing = [403] if path == TASKS else []
        return send(method, path, *more)

    airflow.send = failing  # type: ignore[method-assign, assignment]
    with pytest.raises(ApiError, match="403"):
        back_up(airflow, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_secrets_are_sealed_and_never_logged(
    airflow: MemoryAirflow, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    report = back_up(airflow, tmp_path)
    assert SECRET not in caplog.text
    assert SECRET not in report.to_json().decode()
    assert "secrets rely on the storage's own encryption" in caplog.text
