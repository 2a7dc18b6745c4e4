"""What the living secondary may have added since the disaster, and what it may not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from drill.evidence import HOME_PAGE, changed, is_allowed, told, twice
from drill.snapshot import Row, Rows

DISASTER = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
BEFORE, AFTER = "2026-01-01 11:59:59.9+00", "2026-01-01 12:00:00.1+00"


def run(run_id: str, queued_at: str | None) -> Row:
    return {"dag_id": "sales", "run_id": run_id, "queued_at": queued_at, "start_date": BEFORE}


WANTED: Rows = {"dag_run": [run("restored", BEFORE)]}
ACTUAL: Rows = {"dag_run": [run("restored", BEFORE), run("new", AFTER), run("old", BEFORE), run("unqueued", None)]}


@pytest.mark.parametrize(
    ("table", "row", "allowed"),
    [
        ("dag_run", run("new", AFTER), True),
        ("dag_run", run("old", BEFORE), False),
        ("dag_run", run("unqueued", None), False),
        ("task_instance", {"dag_id": "sales", "run_id": "new", "task_id": "load"}, True),
        ("task_instance", {"dag_id": "sales", "run_id": "restored", "task_id": "load"}, False),
        ("dag_run_note", {"dag_run_id": "dag_run(sales, new)", "content": ""}, True),
        ("variable", {"key": "DR_BACKUP_BUCKET", "val": ""}, True),
        ("variable", {"key": "other", "val": ""}, False),
        ("ab_permission_view_role", {"permission_view_id": HOME_PAGE, "role_id": "ab_role(own)"}, True),
        ("ab_permission_view_role", {"permission_view_id": "ab_permission_view(other)", "role_id": "x"}, False),
        ("log", {"dttm": AFTER, "event": "x"}, True),
        ("log", {"dttm": BEFORE, "event": "x"}, False),
        ("log", {"dttm": None, "event": "x"}, False),
        ("job", {"start_date": BEFORE, "end_date": BEFORE, "state": "success", "dag_id": "sales"}, False),
        ("job", {"start_date": BEFORE, "end_date": BEFORE, "state": "success", "dag_id": "restore_metadata"}, True),
        ("asset_event", {"asset_id": "asset(a)", "timestamp": AFTER}, True),
        ("asset_dag_run_queue", {"asset_id": "asset(a)", "created_at": BEFORE}, False),
        ("slot_pool", {"pool": "new", "slots": "1"}, False),
    ],
)
def test_rows_beyond_the_expected_ones(table: str, row: Row, allowed: bool) -> None:
    assert is_allowed(WANTED, ACTUAL, DISASTER)(table, row) is allowed


def test_a_field_that_is_not_what_it_was_is_told_unless_it_cannot_be() -> None:
    before, after = {"Schedulers": 2, "Arn": "one", "Tags": {"a": "b"}}, {"Schedulers": 3, "Arn": "two"}
    found = [one.words for one in changed(before, after, but=frozenset({"Arn"}))]
    assert found == ["Schedulers is 3, not 2", "Tags is None, not {'a': 'b'}"]


def test_messages_are_counted_and_none_is_left_over() -> None:
    subjects = ["dev is stopped", "dev is stopped", "the stop of dev failed"]
    found = [one.words for one in told(subjects, {"is stopped": 1, "there again": 1})]
    assert found == [
        "'is stopped' was told 2 times, not 1",
        "'there again' was told 0 times, not 1",
        "the stop of dev failed",
    ]
    assert [*told(["dev is stopped"], {"is stopped": 1})] == []


def test_a_run_that_worked_twice_or_is_there_twice_is_told() -> None:
    once: Rows = {"dag_run": [{"dag_id": "minutely", "execution_date": BEFORE}]}
    assert [*twice(["a", "b"], once)] == []
    assert [one.words for one in twice(["a", "a"], once)] == ["a ran 2 times in one environment"]
    assert len([*twice([], {"dag_run": once["dag_run"] * 2})]) == 1
