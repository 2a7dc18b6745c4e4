"""What the page and the terminal tell of a stop and a start."""

from __future__ import annotations

from dataclasses import replace

from drill.compare import Difference
from drill.outcome import Moment, Outcome, Part, Step
from drill.report import page
from drill.report.picture import GONE, START, stretches
from drill.telling import text

NIGHT = Outcome(
    strategy="stop_start",
    title="Stop and start",
    airflow="2.10.3",
    status="SUCCEEDED",
    formula="away >= deletion + creation",
    away_seconds=90.0,
    notes=["On AWS this saves 1.00"],
    moments=[
        Moment(0.0, "the schedule begins the stop"),
        Moment(30.0, GONE),
        Moment(45.0, START),
        Moment(92.0, "the start ends: SUCCEEDED"),
    ],
    parts=[Part("deletion", 2.0), Part("environment creation", 40.0)],
    compared=12,
    steps=[
        Step("Delete the environment", 28.0, "The stop"),
        Step("Give the lease back", None, "The stop"),
        Step("Create the environment", 46.0, "The start"),
    ],
    real=["Airflow"],
)


def test_the_stretches_of_time_follow_each_other_without_a_gap() -> None:
    found = [*stretches(NIGHT)]
    assert [(part.kind, part.begin, part.end) for part in found[:-1]] == [
        ("at-work", 0, 30.0),
        ("gone", 30.0, 45.0),
        ("at-work", 45.0, 90.0),
    ]
    assert (found[-1].kind, found[-1].begin) == ("again", 90.0)


def test_the_picture_ends_where_the_night_has_failed() -> None:
    failed = replace(NIGHT, away_seconds=None, status="FAILED", differences=[Difference("workflow", "failed", "why")])
    assert [part.kind for part in stretches(failed)] == ["at-work", "gone", "at-work"]
    not_stopped = replace(failed, moments=NIGHT.moments[:1])
    assert [part.kind for part in stretches(not_stopped)] == ["at-work"]
    assert "workflow: failed: why" in page([not_stopped])


def test_the_paths_of_both_workflows_the_time_away_and_the_saving_are_told() -> None:
    told = page([NIGHT])
    for words in ("The stop: 1 of 2 states", "The start: 1 of 1 states", "<dt>away</dt><dd>90.0 s</dd>", "saves 1.00"):
        assert words in told
    assert "<dt>RTO" not in told
    lines = text(NIGHT).splitlines()
    assert "away 90.0 s: from the beginning of the stop until a DAG ran again" in lines
    assert lines[-1].startswith("PASSED: Stop and start, 12 rows compared, 0 differ")
