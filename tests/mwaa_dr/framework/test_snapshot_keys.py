"""Millions of keys are followed in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from mwaa_dr.framework.csv_rows import Row
from mwaa_dr.framework.manifest import TableFile
from mwaa_dr.framework.model.table import Merge
from mwaa_dr.framework.snapshot_keys import KEYS, KeyFollower
from mwaa_dr.versions import factory_for, served_versions
from tests.support import schemas

TASKS = 300_000


def file(table: str, columns: str) -> TableFile:
    return TableFile(table, f"{table}.csv.gz", tuple(columns.split()), 0, 0, "")


def rows_of(runs: int, tasks: int) -> Iterator[Row]:
    for run in range(runs):
        for task in range(tasks):
            yield "dag", f"run_{run}", f"task_{task}", "-1"


def test_what_leads_nowhere_is_counted_and_memory_stays_small() -> None:
    files = [file("dag_run", "id dag_id run_id"), file("task_instance", "dag_id run_id task_id map_index")]
    runs = TASKS // 10
    tracemalloc.start()
    with KeyFollower(factory_for("2.10.3").tables, files) as follower:
        follower.follow(files[0], ((str(run), "dag", f"run_{run}") for run in range(runs - 7)))
        follower.follow(files[1], rows_of(runs, 10))
        found = list(follower.results())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [("task_instance -> dag_run", TASKS, 70)]
    assert peak < 4 << 20


def test_a_table_that_is_not_in_the_backup_is_not_asked_for() -> None:
    files = [file("xcom", "dag_id run_id task_id map_index key")]
    with KeyFollower(factory_for("2.10.3").tables, files) as follower:
        follower.follow(files[0], [("d", "r", "t", "-1", "k")])

        assert list(follower.results()) == []


@pytest.mark.parametrize("version", ["2.4.3", "2.5.1", "2.6.3", "2.7.2", "2.8.1", "2.9.2", "2.10.3", "2.11.2"])
def test_every_reference_that_is_followed_is_guarded_by_a_foreign_key(version: str) -> None:
    """Else a healthy database could have rows that lead nowhere, and verify would call its backup damaged."""
    assert ".".join(version.split(".")[:2]) in served_versions()
    live = schemas.schema(version)["tables"]
    for table in factory_for(version).tables:
        if table.merge is Merge.RUN_CHILD:
            keys = [sorted(key["columns"]) for key in live[table.name]["foreign_keys"].values()]
            if table.parent == "task_instance":
                assert sorted(KEYS["task_instance"]) in keys, table.name
            if table.parent == "dag_run":
                assert sorted(table.run) in keys, table.name
