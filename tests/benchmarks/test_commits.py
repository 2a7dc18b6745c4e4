"""A live writer's commits beside backups."""

from __future__ import annotations

import threading

from benchmarks.commits import ALONE, Commits, commits_of, measured_commits
from benchmarks.environments import AIRFLOW
from tests.conftest import Database
from tests.support.metadata import Metadata
from tests.support.waiting import until


def test_the_percentiles_are_of_the_transactions_that_lie_in_a_turn() -> None:
    quick = [(float(number) / 100, 0.001) for number in range(100)]
    slow = [(10 + float(number) / 100, 0.004) for number in range(100)]
    crossing = [(0.995, 9.0)]
    found = commits_of("x", [(0.0, 1.0), (10.0, 11.0)], [*quick, *crossing, *slow])
    assert [round(value, 6) for value in found.p50] == [1.0, 4.0]
    assert [round(value, 6) for value in found.p99] == [1.0, 4.0]


def test_a_ratio_is_formed_in_each_round_before_the_median() -> None:
    alone = Commits(ALONE, (1.0, 1.0, 1.0), (2.0, 20.0, 2.0))
    beside = Commits("x", (1.0, 1.0, 1.0), (3.0, 30.0, 9.0))
    assert beside.ratio(alone) == 1.5


def test_the_writer_is_at_work_in_every_turn_and_ends_with_the_last(database: Database) -> None:
    primary = Metadata(database(AIRFLOW))
    primary.dag()
    primary.run_with_task()
    lines = "SELECT count(*) FROM log WHERE event = 'scheduled'"
    turns: list[str] = []

    def turn() -> None:
        before = primary.one(lines)
        until(lambda: primary.one(lines) >= before + 20)
        turns.append(threading.current_thread().name)

    alone, beside = measured_commits(primary.url, {"a backup": turn}, rounds=2, alone=turn)
    assert len(turns) == 4
    assert (alone.who, beside.who) == (ALONE, "a backup")
    assert len(alone.p99) == len(beside.p99) == 2
    assert all(0 < middle <= last for middle, last in zip(beside.p50, beside.p99, strict=True))
    until(lambda: primary.one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == 1)
