"""The results as a table for people."""

from __future__ import annotations

from statistics import median

from benchmarks.commits import Commits
from benchmarks.figures import Measure, Results, Series, Target
from mwaa_dr.framework.text import aligned

COMMITS_HEAD = ["commits of a live writer", "50th percentile, ms", "99th", "ratio"]
HEAD = ["", "", "seconds", "ratio", "CPU s", "ratio", "peak MiB", "MB", "ratio"]


def text(results: Results) -> str:
    """What was measured, on what, and which targets are reached."""
    lines = [
        f"size {results.size}: {results.rows:,} rows; medians of {results.rounds},"
        " ratios to pg_dump, pg_restore, and a full backup",
        "",
    ]
    lines += aligned([HEAD, *(_row(results, series) for series in results.series)], left=(0, 1))
    if results.commits:
        lines += ["", *aligned([COMMITS_HEAD, *(_beside(results, found) for found in results.commits)])]
    if results.airflow:
        whole, task = (median(getattr(run, name) for run in results.airflow) for name in ("whole", "task"))
        lines += ["", f"backup in an Airflow without rows: {whole:.1f} s, {task:.1f} s of them in its task"]
    lines += ["", *aligned([_verdict(*found) for found in results.reached()], left=(0, 1))]
    lines += ["", *(f"{name}: {value}" for name, value in results.machine.items())]
    lines += [f"left out: {name}: {why}" for name, why in results.left_out.items()]
    return "\n".join(lines)


def _row(results: Results, series: Series) -> list[str]:
    stored = series.median(Measure.STORED)
    return [
        series.operation,
        series.who,
        f"{series.median(Measure.SECONDS):.2f}",
        _ratio(results.ratio(series, Measure.SECONDS)),
        f"{series.median(Measure.CPU):.2f}",
        _ratio(results.ratio(series, Measure.CPU)),
        f"{series.median(Measure.PEAK):.0f}",
        f"{stored / 1e6:.1f}" if stored else "",
        _ratio(results.ratio(series, Measure.STORED)) if stored else "",
    ]


def _beside(results: Results, found: Commits) -> list[str]:
    return [found.who, f"{median(found.p50):.2f}", f"{median(found.p99):.2f}", _ratio(results.slowed(found))]


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _verdict(target: Target, value: float, reached: bool) -> list[str]:
    return [target.words, "reached" if reached else "NOT REACHED", f"{value:.2f}", "at most", f"{target.most:.2f}"]
