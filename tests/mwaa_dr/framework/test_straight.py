"""What goes straight into a living table is what the merging way would have written, or is staged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drill.postgres import Postgres
from mwaa_dr.framework import straight, unstaged
from mwaa_dr.framework.database import fast_load
from mwaa_dr.framework.database.staging import Staged
from mwaa_dr.framework.database.work import Work
from mwaa_dr.framework.errors import DamagedBackupError
from mwaa_dr.framework.report import Report
from mwaa_dr.framework.table_reader import TableReader
from tests.support.engine import PIECE, backup, restore
from tests.support.filled import fill
from tests.support.metadata import START, Metadata
from tests.support.state import State, exact

SECRETS = {"variable", "connection"}
"""Encrypted anew by each restore."""
LOGS, THERE = 2000, 30


@pytest.fixture
def went(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows went straight in, table by table; the merging way is taken, since the target has rows."""
    monkeypatch.setattr(fast_load, "OWN_ROWS", 0)
    monkeypatch.setattr(fast_load, "OWN_SHARE", 1e9)
    counts: list[int] = []

    def noted(work: Work, reader: TableReader, stage: Staged) -> bool:
        is_loaded = straight.load_straight(work, reader, stage)
        if stage.table.name == "log":
            counts.append(stage.straight)
        return is_loaded

    monkeypatch.setattr(unstaged, "load_straight", noted)
    return counts


@pytest.fixture
def source(primary: Metadata) -> Metadata:
    """An environment with a long audit log."""
    fill(primary, logs=LOGS)
    return primary


@pytest.fixture
def target(secondary: Metadata) -> Metadata:
    """An environment with a short one, of the same time, under the same keys."""
    fill(secondary, "other", logs=THERE)
    return secondary


@pytest.fixture
def twin(target: Metadata, postgres: Postgres) -> Iterator[Callable[[], Metadata]]:
    """Makes a copy of the target."""
    name = target.one("SELECT current_database()")

    def copy() -> Metadata:
        target.close()
        return Metadata(postgres.create(f"{name}_twin", name))

    yield copy
    postgres.drop(f"{name}_twin")


def rows(db: Metadata) -> State:
    """All but the log: keys that are taken are given anew, above those that were set free for what goes straight in."""
    return {name: state for name, state in exact(Metadata(db.url)).items() if name not in {*SECRETS, "log"}}


def logs(db: Metadata, highest: int) -> list[tuple[object, ...]]:
    """Every row of the log, with its key where that is none that was given anew."""
    query = "SELECT (to_jsonb(l) - 'id')::text, CASE WHEN id <= %s THEN id END FROM log l ORDER BY 1, 2"
    return Metadata(db.url).rows(query, highest)


def lines(report: Report) -> list[object]:
    return [dataclasses.replace(line, seconds=0.0) for line in report.tables]


def assert_alike(source: Metadata, target: Metadata, twin: Callable[[], Metadata], place: Path) -> None:
    """All of it comes to what it comes to where nothing goes straight in."""
    highest = source.one("SELECT max(id) FROM log")
    other = twin()
    merged = restore(other.url, place, exclusive_seconds=0)
    report = restore(target.url, place, exclusive_rows=0)
    assert "the merging way" in " ".join(report.notes)
    assert lines(report) == lines(merged)
    assert rows(target) == rows(other)
    assert logs(target, highest) == logs(other, highest)
    assert Metadata(target.url).one("SELECT max(id) FROM log") <= Metadata(target.url).one(
        "SELECT nextval('log_id_seq')"
    )
    other.close()


@pytest.mark.parametrize("piece_size", [1 << 30, PIECE])
def test_rows_that_are_alike_none_go_straight_in(
    source: Metadata, target: Metadata, twin: Callable[[], Metadata], tmp_path: Path, went: list[int], piece_size: int
) -> None:
    backup(source.url, tmp_path, piece_size=piece_size)
    assert_alike(source, target, twin, tmp_path)
    [count] = went
    assert LOGS / 2 < count < LOGS


def test_equal_rows_stay_as_many_as_they_are(
    source: Metadata, target: Metadata, twin: Callable[[], Metadata], tmp_path: Path, went: list[int]
) -> None:
    late = f"dttm = '{START}'::timestamptz + interval '1 h', extra = 'equal', event = 'equal'"
    source.run_sql(f"UPDATE log SET {late} WHERE id IN (5, 900, 901)")
    target.run_sql("UPDATE log SET dttm = NULL WHERE id = 7")
    backup(source.url, tmp_path)
    assert_alike(source, target, twin, tmp_path)
    assert Metadata(target.url).one("SELECT count(*) FROM log WHERE event = 'equal'") == 3
    assert went[0] > LOGS / 2


def test_keys_far_above_their_number_go_straight_in(
    source: Metadata, target: Metadata, twin: Callable[[], Metadata], tmp_path: Path, went: list[int]
) -> None:
    source.run_sql("UPDATE log SET id = id + 5000000")
    backup(source.url, tmp_path)
    assert_alike(source, target, twin, tmp_path)
    assert went[0] > LOGS / 2


def test_a_key_above_all_that_was_supposed_is_staged(
    source: Metadata, target: Metadata, twin: Callable[[], Metadata], tmp_path: Path, went: list[int]
) -> None:
    source.run_sql("UPDATE log SET id = id + 5000000 WHERE id IN (500, 1500)")
    backup(source.url, tmp_path)
    assert_alike(source, target, twin, tmp_path)
    assert LOGS / 2 < went[0] < LOGS - THERE - 1


def test_where_a_key_is_taken_meanwhile_all_are_staged(
    source: Metadata,
    target: Metadata,
    twin: Callable[[], Metadata],
    tmp_path: Path,
    went: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(straight, "_free_keys", lambda *_: (0, LOGS))
    monkeypatch.setattr(straight, "_which", lambda *_: "(id > 0)")
    backup(source.url, tmp_path)
    assert_alike(source, target, twin, tmp_path)
    assert went == [0]


def test_the_same_backup_twice_adds_nothing(
    source: Metadata, target: Metadata, tmp_path: Path, went: list[int]
) -> None:
    backup(source.url, tmp_path)
    restore(target.url, tmp_path, exclusive_rows=0)
    once = exact(target)
    restore(target.url, tmp_path, exclusive_rows=0)
    assert exact(target)["log"] == once["log"]
    assert went[0] > LOGS / 2
    assert went[1] == 0


def test_a_file_with_other_rows_than_promised_changes_nothing(
    source: Metadata, target: Metadata, tmp_path: Path, went: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(source.url, tmp_path)
    before = exact(target)
    load = TableReader.load

    def loses_one(
        self: TableReader, cursor: object, stage: Staged, files: object, *given: object, which: str = ""
    ) -> None:
        if which.startswith("NOT"):
            which += " AND id <> 7"
        load(self, cursor, stage, files, *given, which=which)  # type: ignore[arg-type]

    monkeypatch.setattr(TableReader, "load", loses_one)
    with pytest.raises(DamagedBackupError, match=f"holds {LOGS - 1} rows, its manifest says {LOGS}"):
        restore(target.url, tmp_path, exclusive_rows=0)
    assert exact(target) == before
