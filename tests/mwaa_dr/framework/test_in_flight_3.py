"""What becomes of interrupted work in Airflow 3: failed or resumed, by its own rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from mwaa_dr.framework.errors import IncompatibleBackupError
from mwaa_dr.framework.model.options import InFlight
from tests.conftest import Database
from tests.support.engine import backup, manifest_of, restore
from tests.support.metadata import START, Metadata

AIRFLOWS = ["3.0.6", "3.1.8", "3.2.1", "3.3.1"]
OPEN = ("running", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule", "restarting")
WAITING = ("scheduled", "queued", None)
IDS = {state: str(uuid.uuid4()) for state in (*OPEN, *WAITING, "success")}


class Pair:
    """A primary with one run in flight, and an empty secondary."""

    def __init__(self, version: str, database: Database, folder: Path) -> None:
        self.version, self.folder = version, folder
        self.primary, self.secondary = (Metadata(database(version)) for _ in range(2))
        self.primary.dag()
        self.run = self.primary.dag_run("sales", "r1", state="running", logical_date=None, run_type="asset_triggered")
        for state, number in IDS.items():
            begun = state in (*OPEN, "success")
            name = state or "none"
            self.primary.task("sales", "r1", name, state=state, id=number, try_number=int(begun), max_tries=2)

    def move(self, in_flight: InFlight, target: str = "") -> None:
        backup(self.primary.url, self.folder, version=self.version)
        restore(self.secondary.url, self.folder, version=target or self.version, in_flight=in_flight)

    def tasks(self, columns: str) -> dict[str, tuple[object, ...]]:
        rows = self.secondary.rows(f"SELECT task_id, {columns} FROM task_instance")
        return {task: tuple(values) for task, *values in rows}


@pytest.fixture(params=AIRFLOWS)
def pair(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> Iterator[Pair]:
    made = Pair(request.param, database, tmp_path)
    yield made
    made.primary.close()
    made.secondary.close()


def test_dropped_work_is_failed_where_it_had_begun_and_upstream_failed_where_not(pair: Pair) -> None:
    pair.primary.run_sql("UPDATE task_instance SET next_method = 'go', next_kwargs = '{}' WHERE state = 'deferred'")
    pair.move(InFlight.DROP)
    states = {task: state for task, (state,) in pair.tasks("state").items()}
    assert states == {
        **dict.fromkeys(OPEN, "failed"),
        **dict.fromkeys(("scheduled", "queued", "none"), "upstream_failed"),
        "success": "success",
    }
    assert pair.secondary.rows("SELECT state, logical_date FROM dag_run") == [("failed", None)]
    assert pair.tasks("next_method, next_kwargs")["deferred"] == (None, None)
    assert "Interrupted at" in pair.secondary.one("SELECT content FROM dag_run_note")
    assert pair.tasks("id::text")["running"] == (IDS["running"],)


def test_the_manifest_names_an_interrupted_run_without_a_logical_date(pair: Pair) -> None:
    pair.move(InFlight.DROP)
    assert [(run.run_id, run.finished_tasks, run.unfinished_tasks) for run in manifest_of(pair.folder).interrupted] == [
        ("r1", 1, 9)
    ]


def test_a_resumed_run_is_queued_and_its_interrupted_tries_are_kept_under_their_uuids(pair: Pair) -> None:
    pair.move(InFlight.RESUME)
    assert pair.secondary.rows("SELECT state, start_date, clear_number FROM dag_run") == [("queued", None, 1)]
    found = pair.tasks("state, max_tries, id::text")
    assert {task: state for task, (state, *_) in found.items()} == {**dict.fromkeys(found), "success": "success"}
    kept = dict(pair.secondary.rows("SELECT task_id, task_instance_id::text FROM task_instance_history"))
    assert kept == {state: IDS[state] for state in OPEN}
    assert {state for (state,) in pair.secondary.rows("SELECT state FROM task_instance_history")} == {"failed"}
    fresh = {task for task, (_, _, number) in found.items() if number not in IDS.values()}
    assert fresh == set(OPEN)
    assert found["running"][1] == 3
    assert found["queued"][1:] == (2, IDS["queued"])


def test_what_belongs_to_a_resumed_task_follows_it(pair: Pair) -> None:
    db, running = pair.primary, IDS["running"]
    db.insert("task_instance_note", ti_id=running, content="look")
    db.insert("task_instance_note", ti_id=IDS["success"], content="done")
    for state in ("up_for_reschedule", "success"):
        db.insert("task_reschedule", ti_id=IDS[state], start_date=START, end_date=START, reschedule_date=START)
    asks = bool(db.columns("hitl_detail"))
    if asks:
        db.insert("hitl_detail", ti_id=running, subject="May I?", options="[]", params="{}", params_input="{}")
    pair.move(InFlight.RESUME)
    of_note = "SELECT t.task_id, n.content FROM task_instance_note n JOIN task_instance t ON t.id = n.ti_id ORDER BY 1"
    assert pair.secondary.rows(of_note) == [("running", "look"), ("success", "done")]
    assert pair.secondary.rows("SELECT ti_id::text FROM task_reschedule") == [(IDS["success"],)]
    if asks:
        asked = "SELECT t.task_id FROM hitl_detail d JOIN task_instance t ON t.id = d.ti_id"
        assert pair.secondary.rows(asked) == [("running",)]
    if db.columns("hitl_detail_history"):
        assert pair.secondary.rows("SELECT ti_history_id::text, subject FROM hitl_detail_history") == [
            (running, "May I?")
        ]


def test_a_resumed_backfill_goes_on(pair: Pair) -> None:
    number = pair.primary.insert("backfill", dag_id="sales", id=7, from_date=START, to_date=START, created_at=START)
    pair.primary.run_sql("UPDATE dag_run SET backfill_id = %s, run_type = 'backfill'", number)
    pair.primary.insert("backfill_dag_run", backfill_id=number, dag_run_id=pair.run, logical_date=START)
    pair.primary.insert("backfill_dag_run", backfill_id=number, logical_date=START, exception_reason="in flight")
    pair.secondary.insert("backfill", dag_id="other", id=7, from_date=START, to_date=START, created_at=START)
    pair.move(InFlight.RESUME)
    joined = (
        "SELECT b.dag_id, r.run_id, r.state, b.completed_at FROM dag_run r JOIN backfill b ON b.id = r.backfill_id"
        " JOIN backfill_dag_run x ON x.backfill_id = b.id AND x.dag_run_id = r.id"
    )
    assert pair.secondary.rows(joined) == [("sales", "r1", "queued", None)]


@pytest.mark.parametrize("in_flight", list(InFlight))
def test_deadlines_come_with_resumed_runs_and_none_calls_back_for_the_past(pair: Pair, in_flight: InFlight) -> None:
    db = pair.primary
    if not db.columns("hitl_detail"):
        pair.move(in_flight)  # Airflow 3.0 watches no deadline
        assert pair.secondary.one("SELECT count(*) FROM deadline") == 0
        return
    ended = db.dag_run("sales", "ended")
    soon = datetime.now(timezone.utc) + timedelta(days=1)
    for run, moment in ((pair.run, START), (pair.run, soon), (ended, soon)):
        callback = {}
        if db.columns("callback"):
            callback = {"callback_id": str(db.insert("callback", created_at=moment, type="t", fetch_method="f"))}
        db.insert("deadline", dagrun_id=run, deadline_time=moment, **callback)
    pair.move(in_flight)
    missed = "missed" if "missed" in db.columns("deadline") else "callback_state IS NOT NULL"
    found = pair.secondary.rows(f"SELECT deadline_time, {missed} FROM deadline ORDER BY 1")
    assert found == ([(START, True), (soon, False)] if in_flight is InFlight.RESUME else [])
    if db.columns("callback"):
        assert pair.secondary.one("SELECT count(*) FROM callback") == len(found)


def test_what_a_newer_version_has_no_more_is_refused_only_where_it_was_used(database: Database, tmp_path: Path) -> None:
    primary, secondary = Metadata(database("3.1.8")), Metadata(database("3.2.1"))
    primary.insert("variable", key="global", val="v", is_encrypted=False)
    backup(primary.url, tmp_path / "plain", version="3.1.8")
    restore(secondary.url, tmp_path / "plain", version="3.2.1")
    assert secondary.rows("SELECT key, val, team_name FROM variable") == [("global", "v", None)]
    primary.insert("team", name="a")
    backup(primary.url, tmp_path / "teams", version="3.1.8")
    with pytest.raises(IncompatibleBackupError, match="the backup uses 'id' of table 'team'"):
        restore(secondary.url, tmp_path / "teams", version="3.2.1")


def test_a_null_that_an_older_version_allowed_is_filled(database: Database, tmp_path: Path) -> None:
    primary, secondary = Metadata(database("3.1.8")), Metadata(database("3.2.1"))
    primary.insert("log", dttm=START)
    primary.insert("variable", key="k", val=None, is_encrypted=None)
    backup(primary.url, tmp_path, version="3.1.8")
    restore(secondary.url, tmp_path, version="3.2.1")
    assert secondary.rows("SELECT event FROM log") == [("",)]
    assert secondary.rows("SELECT val, is_encrypted FROM variable") == [("", False)]


def test_airflow_2_into_3_is_refused_in_words(database: Database, tmp_path: Path) -> None:
    primary, secondary = Metadata(database("2.11.2")), Metadata(database("3.0.6"))
    backup(primary.url, tmp_path, version="2.11.2")
    with pytest.raises(IncompatibleBackupError, match=r"2\.11\.2, the target runs 3\.0\.6") as refused:
        restore(secondary.url, tmp_path, version="3.0.6")
    assert "UpdateEnvironment" in refused.value.hint
