"""What the living secondary may have added since the disaster, and what it may not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from drill.evidence import HOME_PAGE, is_allowed
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
