"""What a stop and a start must not do to the work of an environment, and what is told of its schedules."""

from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from docs.specimen import example_plan
from drill.snapshot import Row, Rows
from drill.stop_start.evidence import lost, made_up_for, nothing_lost, runs
from drill.stop_start.verdict import saved

START = datetime(2026, 1, 1, 12, 0, 30, tzinfo=timezone.utc)


def run(run_id: str, state: str = "success", dag_id: str = "sales", begins: str = "2026-01-01 11:00:00+00") -> Row:
    return {"dag_id": dag_id, "run_id": run_id, "state": state, "data_interval_start": begins}


def rows(*found: Row) -> Rows:
    return {"dag_run": [*found]}


def test_what_ran_between_the_backup_and_the_deletion_is_lost() -> None:
    seen = rows(run("1"), run("2", "running"), run("b", dag_id="backup_metadata", state="running"))
    assert [*nothing_lost(seen, seen)] == []
    last = rows(run("1"), run("2"), run("3", "queued"), run("b", dag_id="backup_metadata"))
    assert lost(seen, last) == {
        ("sales", "2"): "success at the deletion, running in the backup",
        ("sales", "3"): "queued at the deletion, not there in the backup",
    }
    assert next(one.words for one in nothing_lost(seen, last)).startswith("sales 2 success at the deletion")


@pytest.mark.parametrize(
    ("begins", "told"),
    [("2026-01-01 11:59:00+00", 0), ("2026-01-01 11:58:30+00", 0), ("2026-01-01 11:58:00+00", 1)],
)
def test_what_was_due_while_it_was_gone_is_not_made_up_for(begins: str, told: int) -> None:
    new = run("new", dag_id="minutely", begins=begins)
    assert len([*made_up_for({}, rows(new), START)]) == told
    assert [*made_up_for(runs(rows(new)), rows(new), START)] == []


def test_the_saving_is_that_of_the_schedules() -> None:
    first = date(2026, 1, 5)
    assert "my-mwaa-env leave 95.5 of 168 hours a week unbilled, if" in saved(example_plan(), first)
    paid = example_plan(MWAA_COST_PER_HOUR="0.5")
    assert "unbilled, which saves 47.75 at 0.5 an hour, if" in saved(paid, first)
