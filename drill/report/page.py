"""Writes the outcomes of rehearsals as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

from drill.outcome import Outcome, Run, Step
from drill.report import picture

STYLE = Path(__file__).with_name("page.css")
LISTED = 200


def page(outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    failed = sum(not outcome.passed for outcome in outcomes)
    verdict = f"{failed} of {len(outcomes)} failed" if failed else "everything is as promised"
    style = "failed" if failed else "passed"
    body = "".join(_section(outcome) for outcome in outcomes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>Rehearsed: {verdict}</title><link rel="icon" href="data:,">'
        f"<style>{STYLE.read_text()}</style></head><body><main>"
        f'<h1>The rehearsal</h1><p class="verdict {style}">{verdict}</p>{body}</main></body></html>\n'
    )


def _section(outcome: Outcome) -> str:
    fault = f": {escape(outcome.fault)}" if outcome.fault else ""
    verdict = "passed" if outcome.passed else "failed"
    return "".join(
        (
            f"<section><h2>{escape(outcome.title)}, Airflow {escape(outcome.airflow)}{fault}</h2>",
            f'<p class="verdict {verdict}">{verdict}</p>',
            f"<p>Expected: {escape(outcome.expected)}</p>" if outcome.expected else "",
            _numbers(outcome),
            _differences(outcome),
            "<h3>What happened when</h3>",
            picture.timeline(outcome) + picture.key(outcome) if outcome.moments else "",
            _times(outcome),
            _formula(outcome),
            _work(outcome),
            *map(_path, _workflows(outcome.steps)),
            _tables(outcome),
            _listed("What is real", outcome.real),
            _listed("What is simulated, or was set", outcome.simulated),
            _listed("What people were told", outcome.messages),
            "</section>",
        )
    )


def _numbers(outcome: Outcome) -> str:
    seconds = {"RTO": outcome.rto_seconds, "RPO": outcome.rpo_seconds, "away": outcome.away_seconds}
    shown = {name: f"{value:.1f} s" for name, value in seconds.items() if value is not None}
    shown |= {
        "rows compared": f"{outcome.compared:,}",
        "differences": f"{len(outcome.differences)}",
        "runs lost": f"{len(outcome.lost)}",
    }
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown.items())
    return f'<dl class="numbers">{cells}</dl>'


def _differences(outcome: Outcome) -> str:
    if not outcome.differences:
        return ""
    lines = _items(str(difference) for difference in outcome.differences[:LISTED])
    return f"<h3>What is not as promised</h3><ul>{lines}</ul>"


def _times(outcome: Outcome) -> str:
    lines = [
        f"<li><time>{moment.seconds:+.1f} s</time><span>{escape(moment.words)}</span></li>"
        for moment in outcome.moments
    ]
    return f'<ol class="times">{"".join(lines)}</ol>'


def _formula(outcome: Outcome) -> str:
    if not outcome.parts:
        return ""
    sum_of = " + ".join(f"{escape(part.name)} {part.seconds:.1f} s" for part in outcome.parts)
    return (
        f"<h3>Against the formula</h3><p>{escape(outcome.formula)}</p>"
        f"<p>With what was measured: {sum_of} = {outcome.made_up_seconds:.1f} s.</p>"
        + "".join(f"<p>{escape(note)}</p>" for note in outcome.times)
    )


def _work(outcome: Outcome) -> str:
    return _runs("Work after the backup, which is lost", outcome.lost) + _runs(
        "Work that the backup was taken in", outcome.interrupted
    )


def _runs(title: str, runs: Sequence[Run]) -> str:
    lines = _items(f"{run.dag_id} {run.run_id}: {run.words}" for run in runs[:LISTED]) or "<li>nothing</li>"
    return f"<h3>{title}</h3><ul>{lines}</ul>"


def _workflows(steps: Iterable[Step]) -> Iterator[list[Step]]:
    return ([*states] for _, states in groupby(steps, lambda step: step.workflow))


def _path(steps: Sequence[Step]) -> str:
    lines = [
        f'<li class="taken"><span>{escape(step.name)}</span><time>{step.seconds:+.1f} s</time></li>'
        if step.seconds is not None
        else f"<li><span>{escape(step.name)}</span></li>"
        for step in steps
    ]
    taken = sum(step.seconds is not None for step in steps)
    head = f"{escape(steps[0].workflow)}: {taken} of {len(steps)} states were entered"
    return f'<h3>{head}</h3><ol class="path">{"".join(lines)}</ol>'


def _tables(outcome: Outcome) -> str:
    if not outcome.tables:
        return ""
    names = ("table", "in the backup", "inserted", "replaced", "kept", "dropped")
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = "".join(
        f"<tr><td>{escape(row.table)}</td>"
        + "".join(
            f"<td>{'' if value is None else value}</td>"
            for value in (row.in_backup, row.inserted, row.replaced, row.kept, row.dropped)
        )
        + "</tr>"
        for row in outcome.tables
    )
    left = _items(f"{table}: {why}" for table, why in outcome.not_carried.items())
    return (
        f'<h3>Tables of backup {escape(outcome.backup_id)}</h3><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div><details><summary>Tables that are not carried</summary><ul>{left}</ul>"
        "</details>"
    )


def _listed(title: str, lines: Iterable[str]) -> str:
    return f"<h3>{title}</h3><ul>{_items(lines)}</ul>"


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)
