"""What a backup promises about the one before it, about others at the same time, and about its one moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import pytest
from moto import mock_aws

from mwaa_dr.framework.database.connection import MetadataDb
from mwaa_dr.framework.errors import BusyError
from mwaa_dr.framework.model.options import Retention
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.local import LocalStorage
from tests.support.engine import PRIMARY, backup, cleanup, line, manifest_of, restore, storage, tables_of
from tests.support.filled import fill
from tests.support.metadata import Metadata
from tests.support.state import natural
from tests.support.waiting import PATIENCE, until
from tests.support.watched import Watched, unwatched, watched

TABLES = tables_of()


def ids(folder: Path) -> list[str]:
    return BackupRepository(storage(folder)).backup_ids(PRIMARY.id)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("dag", "dag_id"),
        ("dag_run", "dag_id"),
        ("task_instance", "dag_id"),
        ("variable", "key"),
        ("connection", "conn_id"),
    ],
)
def test_a_backup_that_shrank_is_kept_but_not_promoted(
    primary: Metadata, tmp_path: Path, table: str, name: str
) -> None:
    for owner, runs in (("sales", 9), ("stock", 3), ("third", 1)):
        fill(primary, owner, runs=runs)
    good = backup(primary.url, tmp_path).backup_id
    primary.run_sql(f"DELETE FROM {table} WHERE {name} LIKE 's%'")
    report = backup(primary.url, tmp_path)
    assert report.promoted is False
    assert any(f"table '{table}' shrank" in note for note in report.notes)
    assert manifest_of(tmp_path).backup_id == good
    assert ids(tmp_path) == [good, report.backup_id]
    assert "NOT made the latest" in "\n".join(report.lines())


def test_a_backup_that_lost_exactly_as_much_as_is_allowed_is_promoted(primary: Metadata, tmp_path: Path) -> None:
    for number in range(10):
        primary.insert("variable", key=str(number), val="", is_encrypted=False)
    backup(primary.url, tmp_path)
    primary.run_sql("DELETE FROM variable WHERE key >= '5'")
    half = backup(primary.url, tmp_path)
    assert half.promoted
    primary.run_sql("DELETE FROM variable")
    assert backup(primary.url, tmp_path).promoted is False
    assert backup(primary.url, tmp_path, shrink_guard_percent=100).promoted


def test_old_backups_go_when_a_new_one_is_whole(primary: Metadata, tmp_path: Path) -> None:
    primary.insert("variable", key="k", val="v", is_encrypted=False)
    taken = [backup(primary.url, tmp_path, retention=Retention(2, 0)).backup_id for _ in range(4)]
    assert ids(tmp_path) == taken[-2:]
    primary.run_sql("DELETE FROM variable")
    for _ in range(4):
        assert backup(primary.url, tmp_path, retention=Retention(2, 0)).promoted is False
    assert manifest_of(tmp_path).backup_id == taken[-1]
    assert set(taken[-2:]) < set(ids(tmp_path))


def active(metadata: Metadata) -> set[str]:
    return {str(dag_id) for (dag_id,) in metadata.rows("SELECT dag_id FROM dag WHERE NOT is_paused")}


QUOTED = 'it\'s\\ a "dag"'


@pytest.mark.parametrize("named", [("sales", QUOTED, "gone"), ()])
def test_exactly_the_dags_that_are_named_are_active_after_a_restore(
    primary: Metadata, secondary: Metadata, tmp_path: Path, named: tuple[str, ...]
) -> None:
    for dag_id in ("sales", QUOTED, "stock", "retired"):
        primary.dag(dag_id, paused=dag_id != "stock")
    primary.dag("lost_file", paused=True, active=False)
    secondary.dag("stock")
    secondary.dag("retired")

    report = backup(primary.url, tmp_path, active_dags=named)
    restore(secondary.url, tmp_path)

    assert active(primary) == {"stock"}
    assert active(secondary) == set(named) - {"gone"}
    assert manifest_of(tmp_path).active_dags == len(active(secondary))
    told = [note for note in report.notes if "not in this environment" in note]
    assert told == (["named as active, but not in this environment: gone"] if named else [])


def test_a_run_of_a_dag_that_is_named_as_active_runs_again_by_itself(primary: Metadata, tmp_path: Path) -> None:
    for dag_id in ("sales", "retired"):
        primary.dag(dag_id, paused=True)
        primary.dag_run(dag_id, state="queued", run_type="scheduled")

    report = backup(primary.url, tmp_path, active_dags=("sales",))

    becomes = {run["dag_id"]: run["becomes"] for run in report.interrupted}
    assert becomes == {"retired": "left out: trigger it again", "sales": "left out: runs again by itself"}


def test_thousands_of_dags_with_the_longest_ids_may_be_named(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    ids = [f"{number:05}" + "x" * 245 for number in range(3000)]
    primary.dag(ids[0], paused=True)
    same = "jsonb_populate_record(d, jsonb_build_object('dag_id', n))"
    primary.run_sql(f"INSERT INTO dag SELECT ({same}).* FROM dag d, unnest(%s) n", ids[1:])
    backup(primary.url, tmp_path, active_dags=(*ids[1:], "unknown_" + "x" * 200))
    restore(secondary.url, tmp_path)
    assert active(secondary) == set(ids[1:])


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes the note of a stop, as whole or as broken as it is given."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="stops")

        def write(body: object) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body)
            s3.put_object(Bucket="stops", Key="stops/prod.us-east-1/active.json", Body=data)

        yield write


STOP_NOTE = "s3://stops/stops/prod.us-east-1/active.json"
UNFINISHED: dict[str, Any] = {"active": ["sales", "gone"], "standing": [], "execution": "arn", "ended_at": ""}


def test_what_a_stop_has_paused_is_active_in_a_backup_beside_what_is_active(
    primary: Metadata, secondary: Metadata, tmp_path: Path, stops: Callable[[object], None]
) -> None:
    for dag_id, paused in (("sales", True), ("retired", True), ("later", False)):
        primary.dag(dag_id, paused=paused)
    primary.dag_run("sales", state="queued", run_type="scheduled")
    stops(UNFINISHED)

    report = backup(primary.url, tmp_path, stop_note=STOP_NOTE)
    told = restore(secondary.url, tmp_path).notes

    assert active(primary) == {"later"}
    assert active(secondary) == {"sales", "later"}
    manifest = manifest_of(tmp_path)
    assert manifest.active_dags == 2
    assert [run["becomes"] for run in report.interrupted] == ["left out: runs again by itself"]
    (note,) = manifest.notes
    assert note == f"a stop is not over, the DAGs that it noted are backed up as active: 2 of {STOP_NOTE}"
    assert note in report.notes
    assert "named as active, but not in this environment: gone" in report.notes
    assert f"of the backup: {note}" in told


def test_a_stop_that_is_over_or_that_never_was_changes_nothing(
    primary: Metadata, tmp_path: Path, stops: Callable[[object], None]
) -> None:
    primary.dag("sales", paused=True)
    never = backup(primary.url, tmp_path, stop_note=STOP_NOTE)
    assert (manifest_of(tmp_path).active_dags, never.notes) == (0, [])
    stops({**UNFINISHED, "ended_at": "2026-11-22T20:30:00+00:00"})
    over = backup(primary.url, tmp_path, stop_note=STOP_NOTE)
    assert (manifest_of(tmp_path).active_dags, over.notes, manifest_of(tmp_path).notes) == (0, [], ())


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"active": [1]}', b"\xff"])
def test_a_note_that_cannot_be_read_is_told_and_keeps_no_backup_from_being_taken(
    primary: Metadata, tmp_path: Path, stops: Callable[[object], None], body: bytes
) -> None:
    primary.dag("sales")
    stops(body)
    report = backup(primary.url, tmp_path, stop_note=STOP_NOTE)
    (note,) = report.notes
    assert note.startswith(f"DAGs that a stop has paused are backed up as paused: {STOP_NOTE} is no list")
    assert manifest_of(tmp_path).notes == (note,)
    assert (manifest_of(tmp_path).active_dags, report.promoted) == (1, True)


def test_a_bucket_of_notes_that_is_gone_is_told(primary: Metadata, tmp_path: Path, stops: object) -> None:
    note = "s3://nowhere/stops/prod.us-east-1/active.json"
    report = backup(primary.url, tmp_path, stop_note=note)
    reason = f"cannot read {note}: the bucket does not exist"
    assert report.notes == [f"DAGs that a stop has paused are backed up as paused: {reason}"]
    assert report.notes == [*manifest_of(tmp_path).notes]


def test_the_backup_of_the_stop_itself_asks_no_note(
    primary: Metadata, tmp_path: Path, stops: Callable[[object], None]
) -> None:
    for dag_id in ("sales", "stock"):
        primary.dag(dag_id, paused=True)
    stops(UNFINISHED)
    report = backup(primary.url, tmp_path, active_dags=("stock",), stop_note=STOP_NOTE)
    assert (manifest_of(tmp_path).active_dags, report.notes) == (1, [])


class _Held(LocalStorage):
    """Waits, once, before it writes a path that ends so."""

    def __init__(self, root: Path, end: str) -> None:
        super().__init__(root)
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._end = end

    @contextmanager
    def open_writer(self, path: str) -> Iterator[Any]:
        if path.endswith(self._end):
            self.reached.set()
            assert self.go_on.wait(PATIENCE)
        with super().open_writer(path) as writer:
            yield writer


@contextmanager
def held(place: _Held, work: Callable[[], Report]) -> Iterator[Future[Report]]:
    """Do the work in another thread, and let it go on after the block."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work)
        try:
            assert place.reached.wait(PATIENCE)
            yield running
        finally:
            place.go_on.set()
        running.result(PATIENCE)


@pytest.mark.parametrize("until", ["xcom.csv.gz", "manifest.json", "latest.json"])
def test_a_second_backup_ends_in_words_until_the_first_is_done(primary: Metadata, tmp_path: Path, until: str) -> None:
    fill(primary, runs=1)
    place = _Held(tmp_path, until)
    with (
        held(place, lambda: backup(primary.url, place)) as first,
        pytest.raises(BusyError, match="another backup is at work"),
    ):
        backup(primary.url, tmp_path, wait_seconds=0)
    assert ids(tmp_path) == [first.result().backup_id]


def test_a_second_backup_waits_and_sees_what_was_written_meanwhile(primary: Metadata, tmp_path: Path) -> None:
    fill(primary, runs=1)
    place = _Held(tmp_path, "manifest.json")
    looks: list[str] = []

    def look(connection: Watched, statement: str) -> None:
        if "pg_try_advisory_lock" in statement:
            looks.append(statement)

    with ThreadPoolExecutor(1) as pool:
        with held(place, lambda: backup(primary.url, place)) as first:
            second = pool.submit(backup, watched(primary.url, look), tmp_path, wait_seconds=PATIENCE)
            until(lambda: len(looks) > 1, "a second look")
            primary.insert("log", event="meanwhile")
            assert not second.done()
        assert line(second.result(PATIENCE), "log").rows == (line(first.result(), "log").rows or 0) + 1
    assert manifest_of(tmp_path).backup_id == second.result().backup_id


def test_restores_and_cleanups_keep_each_other_out_but_no_backup(
    primary: Metadata, secondary: Metadata, tmp_path: Path
) -> None:
    fill(primary, runs=1)
    backup(primary.url, tmp_path)
    reached, go_on = threading.Event(), threading.Event()

    def pause(connection: Watched, statement: str) -> None:
        if statement.startswith("SAVEPOINT"):
            reached.set()
            assert go_on.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(restore, watched(secondary.url, pause), tmp_path)
        assert reached.wait(PATIENCE)
        try:
            with pytest.raises(BusyError, match="another restore or cleanup"):
                restore(secondary.url, tmp_path)
            with pytest.raises(BusyError, match="another restore or cleanup"):
                cleanup(secondary.url, force=True)
            assert line(backup(secondary.url, tmp_path / "other"), "dag_run").rows == 0
        finally:
            go_on.set()
        first.result(PATIENCE)
    assert secondary.one("SELECT count(*) FROM dag_run WHERE dag_id = 'sales'") == 1
    restore(secondary.url, tmp_path)


def refuse_to_export(url: str) -> MetadataDb:
    return watched(url, before=_refuse("pg_export_snapshot"))


def refuse_to_import(url: str) -> MetadataDb:
    return watched(url, before=_refuse("SET TRANSACTION SNAPSHOT"))


def one_connection(url: str) -> MetadataDb:
    """The server takes no second connection."""
    made: list[Any] = []

    def connect() -> Any:
        if made and not made[0].closed:
            raise psycopg2.OperationalError("remaining connection slots are reserved")
        made[:] = [psycopg2.connect(url)]
        return made[0]

    return MetadataDb(connect)


def _refuse(what: str) -> Callable[[Watched, str], None]:
    def refuse(connection: Watched, statement: str) -> None:
        if what in statement:
            unwatched(connection).execute("SELECT this_is_refused()")

    return refuse


@pytest.mark.parametrize("reach", [refuse_to_export, refuse_to_import, one_connection])
def test_where_the_snapshot_is_not_shared_one_connection_copies_all(
    primary: Metadata, secondary: Metadata, tmp_path: Path, reach: Callable[[str], MetadataDb]
) -> None:
    fill(primary, runs=2)
    backup(reach(primary.url), tmp_path, connections=3)
    restore(secondary.url, tmp_path)
    primary.run_sql("DELETE FROM job WHERE state = 'running'")
    by_rule = [column for table in TABLES for column in table.fixed]
    assert natural(secondary, TABLES, without=by_rule) == natural(primary, TABLES, without=by_rule)


@pytest.mark.parametrize("connections", [1, 2, 4])
def test_all_tables_are_seen_at_one_moment(primary: Metadata, tmp_path: Path, connections: int) -> None:
    fill(primary, runs=2)
    counts = {table.name: primary.one(f"SELECT count(*) FROM {table.name}") for table in TABLES.skip(job="by rule")}
    written = threading.Lock()
    done: list[str] = []

    def write(connection: Watched, statement: str) -> None:
        with written:
            if statement.startswith("COPY") and not done:
                done.append(statement)
                fill(primary, "meanwhile", runs=2)

    backup(watched(primary.url, write), tmp_path, connections=connections)
    assert done
    held_rows = {file.table: file.rows for file in manifest_of(tmp_path).tables}
    assert {name: held_rows[name] for name in counts} == counts


def test_nobody_can_write_through_the_connections_of_a_backup(primary: Metadata, tmp_path: Path) -> None:
    fill(primary, runs=1)

    def write(connection: Watched, statement: str) -> None:
        if statement.startswith("COPY"):
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                unwatched(connection).execute("DELETE FROM log")
            raise StopHereError

    with pytest.raises(StopHereError):
        backup(watched(primary.url, write), tmp_path)
    assert primary.one("SELECT count(*) FROM log") == 50


class StopHereError(Exception):
    """Seen enough."""
