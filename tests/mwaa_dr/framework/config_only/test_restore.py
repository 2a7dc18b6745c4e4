"""A restore by REST and the Task SDK, and of its backups by the database."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mwaa_dr.framework.config_only.backup import NOTE
from mwaa_dr.framework.config_only.cleanup import clean_up_config
from mwaa_dr.framework.config_only.rest import Answer
from mwaa_dr.framework.config_only.restore import ARCHIVED, PARSE_SECONDS, restore_config
from mwaa_dr.framework.errors import ApiError, IncompatibleBackupError
from mwaa_dr.framework.model.options import OWN_DAGS, CleanupOptions, OwnRun, RestoreOptions, Strategy
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.secrets import SecretBox
from mwaa_dr.framework.storage.local import LocalStorage
from tests.conftest import Database
from tests.mwaa_dr.framework.config_only.test_backup import RUNS, VERSION, a_run, back_up
from tests.support import engine
from tests.support.engine import PRIMARY, SECONDARY, line, tables_of
from tests.support.memory_airflow import MemoryAirflow
from tests.support.metadata import OTHER_FERNET, Metadata

LONG = "a" * 80
EXTRA = '{"private_key": "k",   "deep": {"n": 1}}'


@pytest.fixture
def backed_up(tmp_path: Path) -> Path:
    """The backup of an Airflow."""
    source = MemoryAirflow({"plain": "x", "password": "s", "empty": "", "DR_CONNECTIONS": "3"})
    source.connection_of("db", host="h", port=5432, password="p", extra=EXTRA)
    source.pool("default_pool", 64)
    source.pool("small", 3, "few")
    source.dag("active")
    source.dag("paused", paused=True)
    source.dag(LONG)
    source.dag("gone", is_stale=True)
    source.history[RUNS] = [a_run("active", "r1"), a_run("active", "r2")]
    back_up(source, tmp_path)
    return tmp_path


@pytest.fixture
def target() -> MemoryAirflow:
    """Another one that has parsed the same DAGs, all of them paused."""
    found = MemoryAirflow()
    for dag_id in ("active", "paused", LONG, "restore_metadata"):
        found.dag(dag_id, paused=True)
    return found


def restore(airflow: MemoryAirflow, place: Path, **options: Any) -> Report:
    own = OwnRun("restore_metadata", "r")
    chosen = replace(RestoreOptions(SECONDARY, VERSION, own_dags=OWN_DAGS, own_run=own), **options)
    return restore_config(airflow.reached, tables_of(VERSION), LocalStorage(place), chosen)


def test_everything_that_rest_takes_comes_back(backed_up: Path, target: MemoryAirflow) -> None:
    report = restore(target, backed_up)
    assert target.variables == {"plain": "x", "password": "s", "empty": ""}
    assert target.connections["db"]["extra"] == EXTRA
    assert (target.connections["db"]["password"], target.connections["db"]["port"]) == ("p", 5432)
    assert {name: pool["slots"] for name, pool in target.pools.items()} == {"default_pool": 64, "small": 3}
    assert target.active() == [LONG, "active"]
    assert (report.mode, line(report, "variable").inserted, line(report, "variable").dropped) == ("CONFIG_ONLY", 3, 1)
    assert line(report, "dag").replaced == 2


def test_the_report_says_what_is_only_in_the_archive(backed_up: Path, target: MemoryAirflow) -> None:
    report = restore(target, backed_up)
    assert report.notes[0] == f"{ARCHIVED} (2 of dag_run)"
    archived = line(report, "archive_dag_run")
    assert (archived.rows, archived.dropped, archived.inserted) == (2, 2, None)


def test_a_second_time_changes_nothing(backed_up: Path, target: MemoryAirflow) -> None:
    restore(target, backed_up)
    before = json.dumps([target.variables, target.connections, target.pools, target.dags])
    report = restore(target, backed_up)
    assert json.dumps([target.variables, target.connections, target.pools, target.dags]) == before
    assert (line(report, "variable").kept, line(report, "connection").kept) == (3, 1)


@pytest.mark.parametrize(
    ("strategy", "variable", "host"),
    [
        (Strategy.APPEND, "mine", "mine"),
        (Strategy.REPLACE, "x", "h"),
        (Strategy.DO_NOTHING, "mine", "mine"),
    ],
)
def test_what_is_there_is_treated_as_asked(
    backed_up: Path, target: MemoryAirflow, strategy: Strategy, variable: str, host: str
) -> None:
    target.variables = {"plain": "mine"}
    target.connection_of("db", host="mine", extra='{"mine": 1}')
    report = restore(target, backed_up, variables=strategy, connections=strategy)
    assert (target.variables["plain"], target.connections["db"]["host"]) == (variable, host)
    assert ("password" in target.variables) is (strategy is not Strategy.DO_NOTHING)
    assert ("variable" in {entry.table for entry in report.tables}) is (strategy is not Strategy.DO_NOTHING)


def test_an_extra_that_is_replaced_is_not_merged_with_the_old_one(backed_up: Path, target: MemoryAirflow) -> None:
    target.connection_of("db", extra='{"mine": 1}')
    restore(target, backed_up, connections=Strategy.REPLACE)
    bodies = [body["extra"] for method, path, body in target.calls if (method, path) == ("PATCH", "/connections/db")]
    assert bodies == [None, EXTRA]


def test_settings_of_ours_return_only_into_their_environment(backed_up: Path, target: MemoryAirflow) -> None:
    restore(target, backed_up, environment=PRIMARY)
    assert target.variables["DR_CONNECTIONS"] == "3"


def test_secrets_go_one_by_one_and_variables_not_by_rest(backed_up: Path, target: MemoryAirflow) -> None:
    restore(target, backed_up)
    changes = [(method, path) for method, path, _ in target.calls if method != "GET"]
    assert [change for change in changes if "connections" in change[1]] == [("POST", "/connections")]
    assert not [change for change in changes if "variables" in change[1]]


def test_a_connection_that_rest_refuses_is_named_and_all_others_come(tmp_path: Path, target: MemoryAirflow) -> None:
    source = MemoryAirflow({"plain": "x"})
    source.connection_of("a/b", password="the-secret")
    source.connection_of("fine")
    back_up(source, tmp_path)
    with pytest.raises(
        ApiError, match="1 could not be restored, all others were: connection 'a/b': REST takes"
    ) as error:
        restore(target, tmp_path)
    assert "the-secret" not in str(error.value)
    assert (target.variables, [*target.connections]) == ({"plain": "x"}, ["fine"])


def test_a_variable_that_no_task_can_set_is_named_and_all_others_come(backed_up: Path, target: MemoryAirflow) -> None:
    set_variable = target.set_variable

    def refusing(key: str, value: str, description: str | None) -> None:
        if key == "plain":
            raise ApiError("variable 'plain' cannot be set by a task")
        set_variable(key, value, description)

    target.set_variable = refusing  # type: ignore[method-assign]
    with pytest.raises(ApiError, match="1 could not be restored, all others were: variable 'plain' cannot be set"):
        restore(target, backed_up)
    assert target.variables == {"password": "s", "empty": ""}
    assert target.active() == [LONG, "active"]


def test_a_connection_that_came_although_its_answer_was_lost_is_no_failure(
    backed_up: Path, target: MemoryAirflow
) -> None:
    send = target.send

    def lossy(method: str, path: str, *more: Any) -> Any:
        answer = send(method, path, *more)
        if (method, path) != ("POST", "/connections"):
            return answer
        posted = sum(call[:2] == ("POST", "/connections") for call in target.calls)
        return Answer(503 if posted == 1 else 409)

    target.send = lossy  # type: ignore[method-assign, assignment]
    restore(target, backed_up)
    assert target.connections["db"]["extra"] == EXTRA


def test_a_long_id_is_activated_by_a_pattern_unless_others_would_be_too(backed_up: Path, target: MemoryAirflow) -> None:
    target.dag(LONG + "_too", paused=True)
    with pytest.raises(ApiError, match=r"as a pattern it would mean a{80}_too, too"):
        restore(target, backed_up)
    assert target.active() == ["active"]


def test_a_drill_leaves_every_dag_as_it_is(backed_up: Path, target: MemoryAirflow) -> None:
    report = restore(target, backed_up, activate_dags=False)
    assert target.active() == []
    assert f"active in the backup, paused here as asked: {LONG}, active" in report.notes


def test_dags_that_are_parsed_late_are_waited_for(backed_up: Path, target: MemoryAirflow) -> None:
    late = target.dags.pop("active")
    sleep = target.sleep

    def parse(seconds: float) -> None:
        sleep(seconds)
        target.dags["active"] = late

    target.sleep = parse  # type: ignore[method-assign]
    restore(target, backed_up)
    assert "active" in target.active()
    assert target.slept < PARSE_SECONDS


def test_dags_that_are_not_parsed_are_named_after_a_while(backed_up: Path, target: MemoryAirflow) -> None:
    del target.dags["active"]
    report = restore(target, backed_up)
    assert target.slept == PARSE_SECONDS
    assert "active in the backup, not parsed here: make them active once they are: active, gone" in report.notes


def test_a_dry_run_changes_nothing(backed_up: Path, target: MemoryAirflow) -> None:
    report = restore(target, backed_up, dry_run=True)
    assert not [call for call in target.calls if call[0] != "GET"]
    assert target.variables == {}
    assert line(report, "variable").inserted == 3


def test_a_backup_of_a_newer_airflow_is_refused_before_anything(backed_up: Path, target: MemoryAirflow) -> None:
    with pytest.raises(IncompatibleBackupError, match=r"newer than the target's 3\.0\.6"):
        restore(target, backed_up, airflow_version="3.0.6")
    assert target.calls == []


def test_a_backup_of_the_database_gives_its_configuration(
    database: Database, tmp_path: Path, target: MemoryAirflow
) -> None:
    db = Metadata(database(VERSION))
    db.run_sql("INSERT INTO variable (key, val, is_encrypted) VALUES ('v', 'x', false)")
    db.run_sql("INSERT INTO slot_pool (pool, slots, include_deferred) VALUES ('small', 3, true)")
    engine.backup(db.url, tmp_path, version=VERSION)
    report = restore(target, tmp_path)
    assert (target.variables, target.pools["small"]["include_deferred"]) == ({"v": "x"}, True)
    assert "dag_run" in {entry.table for entry in report.tables}


@pytest.mark.parametrize("version", ["3.2.1", "3.3.1-fab"])
def test_a_database_takes_such_a_backup_too(database: Database, backed_up: Path, version: str) -> None:
    db = Metadata(database(version))
    report = engine.restore(db.url, backed_up, version=version.partition("-")[0])
    box = SecretBox(OTHER_FERNET)
    found = {key: box.decrypt(key, val) for key, val in db.rows("SELECT key, val FROM variable")}
    assert found == {"plain": "x", "password": "s", "empty": ""}
    [(password, extra)] = db.rows("SELECT password, extra FROM connection WHERE conn_id = 'db'")
    assert (box.decrypt("db", password), box.decrypt("db", extra)) == ("p", EXTRA)
    assert db.rows("SELECT slots FROM slot_pool WHERE pool = 'small'") == [(3,)]
    assert dict(db.rows("SELECT dag_id, is_paused FROM dag")) == {
        "active": False,
        "paused": True,
        LONG: False,
        "gone": False,
    }
    assert line(report, "variable").inserted == 3
    assert f"of the backup: {NOTE}" in report.notes


def test_a_cleanup_pauses_all_but_our_own_dags(target: MemoryAirflow) -> None:
    for dag_id in ("active", LONG, "restore_metadata"):
        target.dags[dag_id]["is_paused"] = False
    report = clean_up_config(target.reached, tables_of(VERSION), CleanupOptions(own_dags=OWN_DAGS))
    assert target.active() == ["restore_metadata"]
    assert report.active_dags == sorted([LONG, "active"])
