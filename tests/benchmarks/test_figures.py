"""Medians, ratios, targets, and how they are told."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.airflow_run import AirflowRun
from benchmarks.chart import chart
from benchmarks.commits import ALONE, Commits
from benchmarks.figures import (
    BACKUP,
    ENGINE,
    FILLED_RESTORE,
    FRESH_RESTORE,
    ONE,
    PG_DUMP,
    PG_RESTORE,
    TWO,
    Measure,
    Results,
    Series,
)
from benchmarks.process import Taken
from benchmarks.telling import text

SVG = "{http://www.w3.org/2000/svg}"
ANCHOR = Series(BACKUP, PG_DUMP, tuple(Taken(s, 1.0, 1.0, 13.0, 1000) for s in (1.0, 10.0, 2.0)))
OURS = Series(BACKUP, ONE, tuple(Taken(s, 1.0, 2.0, 20.0, 1040) for s in (1.2, 10.0, 1.0)))
PARALLEL = Series(BACKUP, TWO, tuple(Taken(s, 2.0, 2.0, 65.0, 1040) for s in (0.8, 8.0, 1.6)))
LOADED = Series(FRESH_RESTORE, PG_RESTORE, tuple(Taken(s, 1.0, 9.0, 13.0) for s in (10.0, 12.0, 11.0)))
FRESH = Series(FRESH_RESTORE, ENGINE, tuple(Taken(s, 1.0, 4.0, 13.0) for s in (5.0, 6.6, 5.0)))
FILLED = Series(FILLED_RESTORE, ENGINE, tuple(Taken(s, 1.0, 4.0, 13.0) for s in (20.0, 24.0, 22.0)))


COMMITS = (Commits(ALONE, (1.0,) * 3, (2.0, 20.0, 2.0)), Commits(TWO, (1.1,) * 3, (3.2, 32.0, 2.0)))
RUNS = (AirflowRun(4.0, 2.0), AirflowRun(9.0, 3.0), AirflowRun(4.5, 2.5))


def results(*series: Series, commits: tuple[Commits, ...] = (), airflow: tuple[AirflowRun, ...] = ()) -> Results:
    machine, left_out = {"processor": "A & B, 2 cores"}, {"mwaa-dr": "no index"}
    return Results("2026-11-29", "S", 521_220, machine, left_out, series, commits, airflow)


WHOLE = results(ANCHOR, OURS, PARALLEL, LOADED, FRESH, FILLED, commits=COMMITS, airflow=RUNS)


def test_the_median_is_the_run_in_the_middle() -> None:
    assert ANCHOR.median(Measure.SECONDS) == 2.0
    assert OURS.median(Measure.CPU) == 3.0


def test_a_ratio_is_formed_in_each_round_before_the_median() -> None:
    # Of the medians it would be 0.6: the slow round was slow for both.
    assert OURS.ratio(ANCHOR, Measure.SECONDS) == 1.0


def test_what_stores_nothing_has_no_ratio_of_bytes() -> None:
    assert FRESH.ratio(LOADED, Measure.STORED) is None


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2 is longer"):
        Series(BACKUP, ONE, OURS.runs[:2]).ratio(ANCHOR, Measure.SECONDS)


def test_a_restore_over_rows_is_compared_with_pg_restore_without_rows() -> None:
    assert WHOLE.ratio(FILLED, Measure.SECONDS) == 2.0


def test_each_target_is_reached_or_not() -> None:
    found = {target.words: (round(value, 2), reached) for target, value, reached in WHOLE.reached()}
    assert found["backup, time, one connection"] == (1.0, True)
    assert found["backup, time, two connections"] == (0.8, True)
    assert found["backup, CPU of client and server"] == (1.5, False)
    assert found["backup, bytes stored"] == (1.04, True)
    assert found["restore into a fresh environment, time"] == (0.5, True)
    assert found["restore into one with rows, time"] == (2.0, False)
    assert found["backup, 99th percentile of a live writer's commits"] == (1.6, False)
    assert found["backup in an Airflow without rows, s"] == (4.5, True)
    assert found["backup, peak memory above the idle process, MiB"] == (65.0, False)


def test_without_the_anchor_there_are_no_ratios_but_the_rest() -> None:
    alone = results(OURS, PARALLEL)
    assert [target.measure for target, *_ in alone.reached()] == [Measure.PEAK]
    assert "engine, 1 connection" in text(alone)
    ElementTree.fromstring(chart(alone))


def test_commits_alone_have_a_ratio_and_no_picture_of_time() -> None:
    only = results(commits=COMMITS)
    assert only.rounds == 3
    assert [target.measure for target, *_ in only.reached()] == [Measure.SECONDS]
    ElementTree.fromstring(chart(only))


def test_the_file_gives_back_what_was_measured() -> None:
    assert Results.from_json(WHOLE.to_json()) == WHOLE


def test_the_table_tells_every_competitor_the_targets_the_machine_and_who_is_missing() -> None:
    told = text(WHOLE)
    assert "521,220 rows; medians of 3" in told
    assert "backup in an Airflow without rows: 4.5 s, 2.5 s of them in its task" in told
    (beside,) = [line for line in told.splitlines() if line.startswith(TWO)]
    assert beside.split()[-3:] == ["1.10", "3.20", "1.60"]
    for words in (PG_DUMP, ONE, TWO, PG_RESTORE, "A & B, 2 cores", "left out: mwaa-dr: no index"):
        assert words in told
    (line,) = [line for line in told.splitlines() if line.startswith("backup, CPU of client")]
    assert line.split()[-5:] == ["REACHED", "1.50", "at", "most", "1.10"]


def test_the_chart_draws_ratios_to_scale_with_their_numbers() -> None:
    picture = ElementTree.fromstring(chart(WHOLE))
    bars = [
        float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect") if bar.attrib.get("class") in ("ours", "other")
    ]
    assert [round(bar / bars[0], 2) for bar in bars] == [1.0, 1.0, 0.8, 1.0, 0.5, 2.0]
    words = [element.text or "" for element in picture.iter(f"{SVG}text")]
    assert "2.00 (22.0 s)" in words


def test_no_text_leaves_the_chart() -> None:
    picture = ElementTree.fromstring(chart(WHOLE))
    width, height = map(float, picture.attrib["viewBox"].split()[2:])
    for element in picture.iter(f"{SVG}text"):
        x, length = float(element.attrib["x"]), 7 * len(element.text or "")
        left = x - length if element.attrib["text-anchor"] == "end" else x
        assert left >= 0
        assert left + length <= width
        assert float(element.attrib["y"]) < height


def test_the_line_of_the_anchor_runs_through_no_figure() -> None:
    picture = ElementTree.fromstring(chart(WHOLE))
    (line,) = picture.iter(f"{SVG}line")
    figures = [e for e in picture.iter(f"{SVG}text") if (e.text or "").endswith(" s)")]
    assert len(figures) == 6
    assert all(float(figure.attrib["x"]) > float(line.attrib["x1"]) for figure in figures)
