"""Versions of DAGs in Airflow 3: restored runs find theirs, and the target's current version stays the current one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.support.engine import backup, cleanup, line, restore
from tests.support.metadata import START, Metadata

AIRFLOWS = ["3.0.6", "3.1.8", "3.2.1", "3.3.1"]


class Environment(Metadata):
    """A metadata database of Airflow 3."""

    def dag_version(self, number: int, says: str, *, days: int = 0, dag_id: str = "sales") -> str:
        """A version of a DAG, that says something else than the others; made some days after the start."""
        moment = START + timedelta(days=days)
        made = {"created_at": moment, "last_updated": moment}
        version = str(self.insert("dag_version", dag_id=dag_id, version_number=number, **made))
        of_it = {"dag_id": dag_id, "dag_version_id": version, **made}
        self.insert("serialized_dag", **of_it, data='{"dag": 1}', dag_hash=says)
        self.insert("dag_code", **of_it, source_code=says, source_code_hash=says)
        return version

    def run_of(self, version: str | None, run_id: str, dag_id: str = "sales") -> None:
        """A finished run whose task was of that version."""
        self.dag_run(dag_id, run_id, created_dag_version_id=version)
        self.task(dag_id, run_id, dag_version_id=version)

    def numbers(self, dag_id: str = "sales") -> list[tuple[str, int]]:
        """What each version says, in the order of their numbers."""
        return [
            (str(says), number)
            for says, number in self.rows(
                "SELECT d.dag_hash, v.version_number FROM dag_version v"
                " JOIN serialized_dag d ON d.dag_version_id = v.id WHERE v.dag_id = %s ORDER BY 2",
                dag_id,
            )
        ]

    def latest(self, dag_id: str = "sales") -> set[str]:
        """What the latest version says: by number, by each of the dates, and by its code."""
        by = {
            "v.version_number": "d.dag_hash",
            "v.created_at": "d.dag_hash",
            "d.created_at": "d.dag_hash",
            "c.last_updated": "c.source_code",
        }
        joined = (
            "FROM dag_version v JOIN serialized_dag d ON d.dag_version_id = v.id"
            " JOIN dag_code c ON c.dag_version_id = v.id WHERE v.dag_id = %s"
        )
        return {str(self.one(f"SELECT {says} {joined} ORDER BY {by} DESC LIMIT 1", dag_id)) for by, says in by.items()}


@pytest.fixture(params=AIRFLOWS)
def both(request: pytest.FixtureRequest, database: Database) -> Iterator[tuple[Environment, Environment]]:
    """A primary and a secondary, each with the DAG."""
    version: str = request.param
    primary, secondary = (Environment(database(version), version) for _ in range(2))
    for environment in (primary, secondary):
        environment.dag()
    yield primary, secondary
    for environment in (primary, secondary):
        environment.close()


Both = tuple[Environment, Environment]


def move(both: Both, folder: Path) -> int:
    """Back up and restore; return how many versions were inserted."""
    primary, secondary = both
    if not any(folder.iterdir()):
        backup(primary.url, folder, version=primary.version)
    report = restore(secondary.url, folder, version=secondary.version)
    return int(line(report, "dag_version").inserted or 0)


def test_a_version_that_is_not_there_comes_with_its_uuid_and_all_that_it_says(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    version = primary.dag_version(3, "old")
    primary.run_of(version, "r1")
    assert move(both, tmp_path) == 1
    assert secondary.numbers() == [("old", 3)]
    for table in ("dag_version", "serialized_dag", "dag_code"):
        assert secondary.content(table) == primary.content(table), table
    assert secondary.one("SELECT dag_version_id::text FROM task_instance") == version
    assert secondary.one("SELECT created_dag_version_id::text FROM dag_run") == version


def test_a_version_that_says_the_same_is_the_same(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    primary.run_of(primary.dag_version(7, "same"), "r1")
    there = secondary.dag_version(1, "same")
    before = [secondary.content(table) for table in ("dag_version", "serialized_dag", "dag_code")]
    assert move(both, tmp_path) == 0
    assert [secondary.content(table) for table in ("dag_version", "serialized_dag", "dag_code")] == before
    assert secondary.one("SELECT dag_version_id::text FROM task_instance") == there


@pytest.mark.parametrize("days", [-5, 5])
def test_the_targets_current_version_stays_the_current_one(both: Both, tmp_path: Path, days: int) -> None:
    primary, secondary = both
    for number, says in enumerate(("one", "two", "three"), start=1):
        primary.run_of(primary.dag_version(number, says, days=days + number), f"r{number}")
    secondary.dag_version(1, "own, old")
    secondary.dag_version(2, "own, current", days=1)
    assert move(both, tmp_path) == 3
    assert secondary.numbers() == [("one", 1), ("two", 2), ("three", 3), ("own, old", 4), ("own, current", 5)]
    assert secondary.latest() == {"own, current"}
    before = [secondary.content(table) for table in ("dag_version", "serialized_dag", "dag_code")]
    assert move(both, tmp_path) == 0
    assert [secondary.content(table) for table in ("dag_version", "serialized_dag", "dag_code")] == before


def test_where_both_parsed_the_same_file_last_the_numbers_are_those_of_the_primary(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    for number, says in enumerate(("one", "two", "current"), start=1):
        primary.run_of(primary.dag_version(number, says, days=number), f"r{number}")
    secondary.dag_version(1, "current")
    assert move(both, tmp_path) == 2
    assert secondary.numbers() == [("one", 1), ("two", 2), ("current", 3)]
    assert secondary.latest() == {"current"}


def test_a_version_that_no_run_refers_to_stays_behind(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    primary.dag_version(1, "never run")
    primary.run_of(primary.dag_version(2, "run"), "r1")
    primary.run_of(None, "from Airflow 2")
    move(both, tmp_path)
    assert secondary.numbers() == [("run", 2)]
    assert secondary.one("SELECT count(*) FROM task_instance WHERE dag_version_id IS NULL") == 1


def test_a_version_that_the_target_changed_since_gets_another_uuid(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    version = primary.dag_version(1, "old")
    primary.run_of(version, "r1")
    move(both, tmp_path)
    # The parser writes a version anew that no task instance refers to.
    secondary.run_sql("DELETE FROM dag_run")
    secondary.run_sql("UPDATE serialized_dag SET dag_hash = 'changed'")
    assert move(both, tmp_path) == 1
    assert secondary.numbers() == [("old", 1), ("changed", 2)]
    restored = secondary.one("SELECT dag_version_id::text FROM task_instance")
    assert restored != version
    assert secondary.one("SELECT dag_hash FROM serialized_dag WHERE dag_version_id = %s", restored) == "old"


def test_a_dag_that_the_target_has_not_parsed_gets_a_stale_row_in_a_bundle(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    primary.dag("late", fileloc="/dags/late.py", next_dagrun=START)
    primary.run_of(primary.dag_version(1, "old", dag_id="late"), "r1", "late")
    primary.dag_run("deleted", "r1")
    move(both, tmp_path)
    rows = secondary.rows(
        "SELECT dag_id, is_stale, is_paused, bundle_name, fileloc, next_dagrun FROM dag"
        " WHERE dag_id <> 'sales' ORDER BY 1"
    )
    assert rows == [
        ("deleted", True, True, "dags-folder", "", None),
        ("late", True, False, "dags-folder", "/dags/late.py", None),
    ]
    assert secondary.numbers("late") == [("old", 1)]


def test_runs_are_replaced_and_removed_while_versions_stay(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    primary.run_of(primary.dag_version(1, "one"), "r1")
    own = secondary.dag_version(1, "own")
    secondary.run_of(own, "r1")
    move(both, tmp_path)
    assert secondary.rows("SELECT count(*), count(dag_version_id) FROM task_instance") == [(1, 1)]
    cleanup(secondary.url, version=secondary.version)
    assert secondary.one("SELECT count(*) FROM task_instance") == 0
    assert secondary.numbers() == [("one", 1), ("own", 2)]


def test_runs_without_a_logical_date_do_not_meet(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    for name in ("r1", "r2"):
        primary.dag_run("sales", name, logical_date=None, run_type="asset_triggered")
        secondary.dag_run("sales", f"own {name}", logical_date=None, run_type="asset_triggered")
    move(both, tmp_path)
    assert secondary.rows("SELECT run_id FROM dag_run ORDER BY 1") == [("own r1",), ("own r2",), ("r1",), ("r2",)]


def test_uuids_of_task_instances_are_kept(both: Both, tmp_path: Path) -> None:
    primary, secondary = both
    primary.dag_run("sales", "r1")
    known = str(uuid.uuid4())
    primary.task("sales", "r1", id=known)
    for _ in range(2):
        move(both, tmp_path)
        assert secondary.one("SELECT id::text FROM task_instance") == known
