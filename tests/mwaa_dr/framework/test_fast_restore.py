"""The fast way of a restore gives what the merging way gives, row for row, or is not taken."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from drill.postgres import Postgres
from mwaa_dr.framework import unstaged
from mwaa_dr.framework.database import expected_locks, fast_load, keys
from mwaa_dr.framework.database.definitions import fingerprint
from mwaa_dr.framework.database.fast_load import FastLoad
from mwaa_dr.framework.database.in_place import set_own_aside
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.errors import DamagedBackupError, DatabaseError
from mwaa_dr.framework.manifest import Manifest
from mwaa_dr.framework.model.options import InFlight
from mwaa_dr.framework.model.patience import Patience
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.storage.local import LocalStorage
from tests.conftest import Database
from tests.mwaa_dr import test_every_table_is_restored as every_table
from tests.support.chains import add
from tests.support.engine import backup, restore, tables_of
from tests.support.engine_process import EngineProcess
from tests.support.filled import fill
from tests.support.metadata import START, Metadata
from tests.support.state import State, dangling, exact, natural, settle

VERSIONS_2 = ("2.4.3", "2.7.2", "2.10.3", "2.10.3-upgraded-from-2.4.3", "2.11.2")
VERSIONS = (*VERSIONS_2, "3.0.6", "3.1.8", "3.2.1", "3.3.1", "3.3.1-fab")
SECRETS = {"variable", "connection"}
"""Encrypted anew by each restore: compared by what they mean."""
FORCED = {"exclusive_rows": 0}
KILLS = 8

ROWS_OF = Manifest.rows_of

Twin = Callable[[Metadata], Metadata]


@pytest.fixture
def twin(postgres: Postgres) -> Iterator[Twin]:
    """Makes a second database that is what another one is now."""
    copies: list[str] = []

    def copy(of: Metadata) -> Metadata:
        name = of.one("SELECT current_database()")
        of.close()
        copies.append(f"{name}_twin_{len(copies)}")
        return Metadata(postgres.create(copies[-1], name))

    yield copy
    for name in copies:
        postgres.drop(name)


def restore_fast(url: str, place: Path, **options: Any) -> Report:
    return restore(url, place, **{**FORCED, **options})


def own_work(db: Metadata) -> None:
    """What a fresh environment writes itself until it restores, under keys that the backup has, too."""
    db.dag("restore_metadata")
    db.run_with_task("restore_metadata", "manual__now", state="running")
    db.insert("job", job_type="SchedulerJob", state="running", hostname="scheduler")
    db.insert("log", event="cli_scheduler", owner="airflow")
    db.insert("slot_pool", pool="default_pool", slots=128, include_deferred=False)


def history(db: Metadata) -> None:
    """Runs of its own, some of which the backup has, too: replaced where they are finished, kept where not."""
    own_work(db)
    fill(db, "other", runs=5, logs=20)
    db.dag("sales", paused=True)
    db.run_with_task("sales", "r0", state="failed")
    db.run_with_task("sales", "r1", state="running")


def way_of(report: Report) -> str:
    [way] = [note for note in report.notes if " way" in note]
    return way.partition(" way")[0].rpartition(" ")[2] + ": " + way.partition(": ")[2]


def definitions(url: str) -> frozenset[tuple[str, str]]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        return fingerprint(cursor)


def rows(db: Metadata) -> State:
    return {name: state for name, state in exact(db).items() if name not in SECRETS}


def sequences(db: Metadata) -> list[tuple[Any, ...]]:
    return db.rows("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")


@contextmanager
def both_ways(merged: Metadata, twin: Twin, place: Path, version: str, **options: Any) -> Iterator[Metadata]:
    """Restore by merging, and fast into a copy, which is given; its catalogue stays as it was."""
    fast = twin(merged)
    before = definitions(fast.url)
    report = restore(merged.url, place, version=version, exclusive_seconds=0, **options)
    assert not [note for note in report.notes if " way" in note]
    told = restore_fast(fast.url, place, version=version, **options)
    assert way_of(told).startswith("fast")
    assert [replace(t, seconds=0.0) for t in told.tables] == [replace(t, seconds=0.0) for t in report.tables]
    assert definitions(fast.url) == before
    yield fast
    fast.close()


@pytest.mark.parametrize("there", [own_work, history])
@pytest.mark.parametrize("in_flight", list(InFlight))
@pytest.mark.parametrize("version", VERSIONS_2)
def test_both_ways_give_the_same_rows(
    database: Database,
    twin: Twin,
    tmp_path: Path,
    version: str,
    in_flight: InFlight,
    there: Callable[[Metadata], None],
) -> None:
    primary, merged = Metadata(database(version)), Metadata(database(version))
    airflow = version.partition("-")[0]
    fill(primary, runs=12, logs=200)
    trigger = primary.insert("trigger", classpath="a.Trigger", kwargs="{}", created_date=START)
    primary.task("sales", "r0", "waits", state="deferred", trigger_id=trigger)
    there(merged)
    backup(primary.url, tmp_path, version=airflow)
    with both_ways(merged, twin, tmp_path, airflow, in_flight=in_flight) as fast:
        merged = Metadata(merged.url)
        for db in (fast, merged):
            db.run_sql("UPDATE dag_run SET queued_at = NULL WHERE state = 'queued'")  # when it was restored
        assert natural(fast, tables_of(airflow)) == natural(merged, tables_of(airflow))
        assert rows(fast) == rows(merged)
        assert sequences(fast) == sequences(merged)
        assert dangling(fast, tables_of(airflow)) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_both_ways_restore_every_table_alike(
    database: Database, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    next_key = keys.next_key
    monkeypatch.setattr(  # the same fresh UUIDs for both
        keys,
        "next_key",
        lambda work, stage: "md5(taken.old::text)::uuid" if stage.table.is_uuid else next_key(work, stage),
    )
    tables, airflow = every_table.tables_of(version), every_table.release(version)
    with (
        every_table.metadata(database, version, "ours") as primary,
        every_table.metadata(database, version, "theirs") as secondary,
    ):
        backup(primary.url, tmp_path, version=airflow, tables=tables)
        with both_ways(secondary, twin, tmp_path, airflow, tables=tables) as fast:
            assert rows(fast) == rows(Metadata(secondary.url))


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that are filled in place, as they come."""
    names: list[str] = []

    def noted(work: Work, stage: Staged) -> None:
        names.append(stage.table.name)
        set_own_aside(work, stage)

    monkeypatch.setattr(f"{fast_load.__name__}.set_own_aside", noted)
    return names


@pytest.fixture
def filled(primary: Metadata, secondary: Metadata, tmp_path: Path) -> tuple[Metadata, Path]:
    """An environment with its own work only, and a backup to restore into it."""
    fill(primary, runs=12, logs=200)
    own_work(secondary)
    backup(primary.url, tmp_path)
    return secondary, tmp_path


def assert_merged(filled: tuple[Metadata, Path], why: str, **options: Any) -> None:
    """The merging way is taken, the reason is told, all rows are there, and the catalogue is as it was."""
    target, place = filled
    before = definitions(target.url)
    report = restore_fast(target.url, place, **options)
    assert why in way_of(report)
    assert way_of(report).startswith("merging")
    assert definitions(target.url) == before
    assert target.one("SELECT count(*) FROM dag_run WHERE dag_id = 'sales'") == 12
    assert target.one("SELECT count(*) FROM log") == 201


def test_a_small_backup_is_merged(filled: tuple[Metadata, Path]) -> None:
    assert_merged(filled, "fewer than 50,000 rows", exclusive_rows=50_000)


def test_history_of_the_target_is_merged_with(filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_load, "OWN_ROWS", 0)
    monkeypatch.setattr(fast_load, "OWN_SHARE", 1e9)
    assert_merged(filled, "has history of its own")


def test_tables_of_another_owner_are_merged_into(filled: tuple[Metadata, Path], postgres: Postgres) -> None:
    with postgres.session(filled[0].one("SELECT current_database()")) as cursor:
        cursor.execute("ALTER TABLE xcom OWNER TO postgres; GRANT ALL ON xcom TO airflow")
    assert_merged(filled, "may not define table 'xcom' anew")


def test_what_would_be_locked_for_too_long_is_merged(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected_locks, "LOCKED_TO_STAGED", 1e6)
    assert_merged(filled, "s, more than 60 s")


def test_what_is_at_work_and_would_not_outlive_the_locks_is_not_locked_out(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expected_locks, "LOCKED_TO_STAGED", 1e6)
    assert_merged(filled, "and who is silent for 12 s is taken for dead here", patience=Patience(task=12))


def test_locks_that_are_held_for_too_long_are_let_go(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FastLoad, "_most_seconds", 0)
    assert_merged(filled, "it took more than 0 s")


@pytest.mark.parametrize(
    "work",
    [
        "SELECT 1 FROM xcom",
        "SELECT 1 FROM dag_run",
        "INSERT INTO log (dttm, event) VALUES (now(), 'theirs')",
        "SELECT 1 FROM slot_pool FOR NO KEY UPDATE",
    ],
)
def test_a_table_that_somebody_uses_is_merged_into(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    monkeypatch.setattr(fast_load, "PAUSE_SECONDS", 0)
    give_up = FastLoad.give_up
    with psycopg2.connect(filled[0].url) as somebody, somebody.cursor() as cursor:
        cursor.execute(work)

        def let_go(self: FastLoad, err: Exception) -> None:
            somebody.rollback()
            give_up(self, err)

        monkeypatch.setattr(FastLoad, "give_up", let_go)
        assert_merged(filled, "could not obtain lock on")


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE INDEX odd ON xcom (key) WHERE map_index > 0",
        "CREATE UNIQUE INDEX odd ON task_instance (lower(dag_id), task_id DESC NULLS LAST, run_id, map_index)",
        "CREATE INDEX odd ON log (event text_pattern_ops) INCLUDE (owner) WITH (fillfactor = 70)",
        "CREATE INDEX odd ON log USING hash (event)",
        "ALTER TABLE log ADD CONSTRAINT odd UNIQUE (id, event) DEFERRABLE INITIALLY DEFERRED",
        "ALTER TABLE task_fail DROP CONSTRAINT task_fail_ti_fkey, ADD CONSTRAINT task_fail_ti_fkey FOREIGN KEY"
        " (dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index)"
        " ON DELETE CASCADE NOT VALID",
        "CREATE TABLE theirs (id int REFERENCES dag_run, dag_id text, task_id text, run_id text, map_index int, FOREIGN"
        " KEY (dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index))",
    ],
)
def test_what_somebody_has_added_is_made_again_exactly(filled: tuple[Metadata, Path], ddl: str) -> None:
    target, place = filled
    target.run_sql(ddl)
    before = definitions(target.url)
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert definitions(target.url) == before


ODD = [
    "COMMENT ON INDEX ti_state IS 'mind this one'",
    "COMMENT ON CONSTRAINT task_instance_dag_run_fkey ON task_instance IS 'mind this one'",
    "CREATE INDEX odd ON log (lower(event)); ALTER INDEX odd ALTER COLUMN 1 SET STATISTICS 500",
    "ALTER TABLE xcom CLUSTER ON xcom_pkey",
    "ALTER TABLE xcom REPLICA IDENTITY USING INDEX xcom_pkey",
    "ALTER TABLE log DROP CONSTRAINT log_pkey, ADD CONSTRAINT log_pkey PRIMARY KEY (id) WITH (fillfactor = 70)",
    "CREATE VIEW theirs AS SELECT id, event FROM log GROUP BY id",
]


@pytest.mark.parametrize("ddl", ODD)
def test_what_cannot_be_made_again_exactly_is_not_dropped(filled: tuple[Metadata, Path], ddl: str) -> None:
    filled[0].run_sql(ddl)
    assert_merged(filled, "other objects depend" if "VIEW" in ddl else "could not be made again as it was")


@pytest.mark.parametrize("ddl", ODD[:5])
def test_a_catalogue_that_is_not_what_it_was_is_rolled_back(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch, ddl: str
) -> None:
    monkeypatch.setattr(FastLoad, "_rehearse", lambda _: None)
    filled[0].run_sql(ddl)
    assert_merged(filled, "could not be made again as it was")


def test_a_row_that_breaks_a_key_is_found_when_the_key_is_made_again(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    load = FastLoad.load

    def load_one_twice(self: FastLoad, merge: Callable[[Staged], None]) -> None:
        def merge_twice(stage: Staged) -> None:
            merge(stage)
            if stage.table.name == "xcom":
                self.work.run("INSERT INTO xcom SELECT * FROM xcom LIMIT 1")

        load(self, merge_twice)

    monkeypatch.setattr(FastLoad, "load", load_one_twice)
    assert_merged(filled, "could not create unique index")


def test_who_is_cancelled_does_not_go_on_by_the_other_way(
    filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, place = filled
    before = exact(target)
    monkeypatch.setattr(FastLoad, "load", lambda self, _: self.work.run("SELECT pg_cancel_backend(pg_backend_pid())"))
    with pytest.raises(DatabaseError, match="canceling statement"):
        restore_fast(target.url, place)
    assert exact(target) == before


def test_a_dry_run_locks_nothing(filled: tuple[Metadata, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FastLoad, "check", lambda _: pytest.fail("the fast way is looked at"))
    target, place = filled
    assert restore_fast(target.url, place, dry_run=True).dry_run


IN_PLACE = ["log", "rendered_task_instance_fields", "task_instance", "task_map", "xcom"]
"""What has no key that is given anew."""


def test_rows_that_stay_as_they_are_are_not_staged(filled: tuple[Metadata, Path], in_place: list[str]) -> None:
    target, place = filled
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert sorted(in_place) == IN_PLACE


def test_what_is_resumed_is_staged(filled: tuple[Metadata, Path], in_place: list[str]) -> None:
    target, place = filled
    assert way_of(restore_fast(target.url, place, in_flight=InFlight.RESUME)).startswith("fast")
    assert in_place == []


def test_rows_that_are_gone_from_a_file_are_staged(
    primary: Metadata, secondary: Metadata, tmp_path: Path, in_place: list[str]
) -> None:
    fill(primary, runs=3, logs=2_000)
    add(primary, tmp_path)
    primary.run_sql("DELETE FROM log WHERE id % 100 = 0")
    assert add(primary, tmp_path).dropped_of("log") is not None
    assert way_of(restore_fast(secondary.url, tmp_path)).startswith("fast")
    assert sorted(in_place) == IN_PLACE[1:]
    assert secondary.one("SELECT count(*) FROM log") == primary.one("SELECT count(*) FROM log")


@pytest.mark.parametrize(
    ("ddl", "count"),
    [
        ("CREATE TABLE theirs (of_log int REFERENCES log ON DELETE CASCADE); INSERT INTO theirs SELECT id FROM log", 1),
        (
            "CREATE TABLE theirs (of_log int); CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO theirs VALUES (OLD.id); RETURN OLD; END $$;"
            " CREATE TRIGGER theirs BEFORE DELETE ON log FOR EACH ROW EXECUTE FUNCTION theirs()",
            0,
        ),
        (
            "CREATE TABLE theirs (of_log int); CREATE RULE theirs AS ON DELETE TO log DO INSERT INTO theirs VALUES (1)",
            0,
        ),
    ],
)
def test_a_table_that_something_else_hangs_on_is_not_emptied(
    filled: tuple[Metadata, Path], in_place: list[str], ddl: str, count: int
) -> None:
    target, place = filled
    target.run_sql(ddl)
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert sorted(in_place) == IN_PLACE[1:]
    assert target.one("SELECT count(*) FROM theirs") == count


def test_rows_that_are_loaded_in_place_are_fetched_before_anything_is_locked(
    filled: tuple[Metadata, Path],
    in_place: list[str],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target, place = filled
    folder, far = tmp_path_factory.mktemp("spool"), LocalStorage.open_reader
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(LocalStorage, "is_near", False)
    locked: list[str] = []

    def open_reader(self: LocalStorage, path: str) -> Any:
        if in_place and folder not in self._root.parents:
            locked.append(path)
        return far(self, path)

    monkeypatch.setattr(LocalStorage, "open_reader", open_reader)
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert sorted(in_place) == IN_PLACE
    assert locked == []
    assert list(folder.iterdir()) == []


def test_without_room_for_them_all_rows_are_staged(
    filled: tuple[Metadata, Path], in_place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unstaged, "ROOM", 1 << 50)
    target, place = filled
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert in_place == []


def test_a_value_that_the_table_takes_no_more_is_completed_in_a_temporary_table(
    database: Database, tmp_path: Path, in_place: list[str]
) -> None:
    older, newer = Metadata(database("3.1.8")), Metadata(database("3.2.1"))
    older.insert("log", event=None, owner="airflow")
    backup(older.url, tmp_path, version="3.1.8")
    assert way_of(restore_fast(newer.url, tmp_path, version="3.2.1")).startswith("fast")
    assert "log" not in in_place
    assert newer.one("SELECT count(*) FROM log WHERE event = ''") == 1


def test_task_instances_that_something_else_hangs_on_are_staged(
    filled: tuple[Metadata, Path], in_place: list[str]
) -> None:
    target, place = filled
    target.run_sql(
        "CREATE TABLE theirs (dag_id text, task_id text, run_id text, map_index int, FOREIGN KEY"
        " (dag_id, task_id, run_id, map_index) REFERENCES task_instance (dag_id, task_id, run_id, map_index)"
        " ON DELETE CASCADE);"
        "INSERT INTO theirs SELECT dag_id, task_id, run_id, map_index FROM task_instance"
    )
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert in_place
    assert "task_instance" not in in_place
    assert target.one("SELECT count(*) FROM theirs") == 1


@pytest.mark.parametrize("column", ["job_id", "queued_by_job_id"])
def test_task_instances_that_point_at_what_is_not_locked_are_staged(
    filled: tuple[Metadata, Path], in_place: list[str], column: str
) -> None:
    target, place = filled
    target.run_sql(f"ALTER TABLE task_instance ADD FOREIGN KEY ({column}) REFERENCES job")
    assert way_of(restore_fast(target.url, place)).startswith("fast")
    assert "task_instance" not in in_place


def test_a_file_with_fewer_rows_than_promised_is_refused_where_rows_wait_for_a_trigger(
    filled: tuple[Metadata, Path], in_flight: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, place = filled
    before = exact(target)
    monkeypatch.setattr(Manifest, "rows_of", lambda self, table: ROWS_OF(self, table) + (table == "task_instance"))
    with pytest.raises(DamagedBackupError, match=r"file 'task_instance.csv.gz' holds \d+ rows, its manifest says"):
        restore_fast(target.url, place)
    assert exact(target) == before


def told(folder: Path, finished: dict[str, int]) -> str:
    """Let the manifest tell of runs of `sales` in flight, with so many finished tasks each; return the backup's id."""
    [path] = folder.rglob("manifest.json")
    manifest = json.loads(path.read_text())
    known = {"dag_id": "sales", "state": "running", "unfinished_tasks": 1, "becomes": ""}
    manifest["interrupted"] = [{**known, "run_id": run, "finished_tasks": n} for run, n in finished.items()]
    path.write_text(json.dumps(manifest))
    (path.parent.parent / "latest.json").unlink(missing_ok=True)
    return path.parent.name


@pytest.fixture
def in_flight(primary: Metadata, filled: tuple[Metadata, Path]) -> list[str]:
    """The runs that are in flight in the backup, all with finished tasks."""
    return [run for (run,) in primary.rows("SELECT run_id FROM dag_run WHERE state = 'running' AND dag_id = 'sales'")]


def test_what_the_manifest_does_not_tell_of_runs_in_flight_is_read_from_their_tasks(
    filled: tuple[Metadata, Path], in_flight: list[str], in_place: list[str]
) -> None:
    target, place = filled
    report = restore_fast(target.url, place, backup_id=told(place, dict.fromkeys(in_flight[1:], 2)))
    assert way_of(report).startswith("fast")
    assert "task_instance" not in in_place
    assert "xcom" in in_place
    assert target.one("SELECT count(*) FROM dag_run WHERE dag_id = 'sales' AND state = 'failed'") >= len(in_flight)


@pytest.mark.parametrize("finished", [{0: 0}, {0: 2, 1: 0}])
def test_a_manifest_that_tells_otherwise_than_the_tasks_is_refused(
    filled: tuple[Metadata, Path], in_flight: list[str], finished: dict[int, int]
) -> None:
    target, place = filled
    before = exact(target)
    backup_id = told(place, {run: finished.get(number, 2) for number, run in enumerate(in_flight)})
    with pytest.raises(DamagedBackupError, match="tells otherwise which runs have finished tasks"):
        restore_fast(target.url, place, backup_id=backup_id)
    assert exact(target) == before


def test_a_run_in_flight_without_a_finished_task_is_left_out(
    primary: Metadata, secondary: Metadata, tmp_path: Path, in_place: list[str]
) -> None:
    fill(primary, runs=12, logs=200)
    primary.run_with_task("sales", "begun", state="running")
    primary.run_sql("UPDATE task_instance SET state = 'running' WHERE run_id = 'begun'")
    backup(primary.url, tmp_path)
    assert way_of(restore_fast(secondary.url, tmp_path)).startswith("fast")
    assert sorted(in_place) == IN_PLACE
    for table in ("dag_run", "task_instance"):
        assert secondary.one(f"SELECT count(*) FROM {table} WHERE run_id = 'begun'") == 0
    assert secondary.one("SELECT count(*) FROM task_instance WHERE state NOT IN ('success', 'failed')") == 0


@pytest.mark.slow
def test_killed_at_any_call_it_changed_nothing(filled: tuple[Metadata, Path], postgres: Postgres, twin: Twin) -> None:
    target, place = filled
    before, defined = exact(target), definitions(target.url)
    target.close()
    calls = EngineProcess("restore", twin(Metadata(target.url)).url, place, FORCED).run()
    locked = next(number for number, call in enumerate(calls, 1) if call.startswith("LOCK TABLE"))
    commit = calls.index("commit", locked) + 1
    for number in range(KILLS):
        at = locked + 1 + (commit - locked - 1) * number // (KILLS - 1)
        killed = twin(Metadata(target.url))
        EngineProcess("restore", killed.url, place, FORCED).die_before(at)
        settle(killed)
        assert exact(killed) == before, f"killed before call {at} of {commit}: {calls[at - 1]}"
        assert definitions(killed.url) == defined
        killed.close()
