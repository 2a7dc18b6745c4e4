"""The timeline as a picture: what was lost, unnoticed, in recovery or gone, and running again, to scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from drill.outcome import Outcome

WIDTH, HEIGHT, BAR = 1000, 90, 44
DISASTER, DETECTED = "the primary Region is lost", "the failure is detected"
GONE, START = "the environment is gone", "the schedule begins the start"
AFTERWARDS = 0.08
"""How much of the picture is left for the time after the recovery."""


@dataclass(frozen=True)
class Stretch:
    """A part of the time, in the seconds of the outcome's moments."""

    kind: str
    words: str
    begin: float
    end: float


def stretches(outcome: Outcome) -> Iterator[Stretch]:
    """What the time of a disaster, or of a stop and a start, went to, in order."""
    last = max(moment.seconds for moment in outcome.moments)
    is_a_disaster = any(moment.words == DISASTER for moment in outcome.moments)
    yield from (_of_a_disaster if is_a_disaster else _of_a_night)(outcome, last)


def _of_a_night(outcome: Outcome, last: float) -> Iterator[Stretch]:
    at = {moment.words: moment.seconds for moment in outcome.moments}
    gone, start = at.get(GONE, last), at.get(START, last)
    running = outcome.away_seconds
    yield Stretch("at-work", "the stop", 0, gone)
    if GONE in at:
        yield Stretch("gone", "the environment is gone", gone, start)
    if START in at:
        yield Stretch("at-work", "the start", start, last if running is None else running)
    if running is not None:
        yield Stretch("again", "DAGs run again", running, max(last, running * (1 + AFTERWARDS)))


def _of_a_disaster(outcome: Outcome, last: float) -> Iterator[Stretch]:
    detected = next((moment.seconds for moment in outcome.moments if moment.words == DETECTED), None)
    running = outcome.rto_seconds if outcome.rto_seconds is not None else last
    if outcome.rpo_seconds:
        yield Stretch("lost", "work after the backup, lost", -outcome.rpo_seconds, 0)
    yield Stretch("unseen", "nobody knows yet", 0, running if detected is None else detected)
    if detected is not None:
        yield Stretch("at-work", "the workflow recovers", detected, running)
    if outcome.rto_seconds is not None:
        length = running + (outcome.rpo_seconds or 0)
        yield Stretch("again", "DAGs run in the secondary", running, max(last, running + length * AFTERWARDS))


def timeline(outcome: Outcome) -> str:
    """An SVG element; its numbers are in the text beside it, so that it may be as small as a phone wants."""
    parts = [*stretches(outcome)]
    begin, end = parts[0].begin, parts[-1].end
    scale = WIDTH / max(end - begin, 0.001)
    bars = [
        f'<rect class="{part.kind}" x="{(part.begin - begin) * scale:.1f}" y="{(HEIGHT - BAR) // 2}"'
        f' width="{(part.end - part.begin) * scale:.1f}" height="{BAR}"><title>{_title(part)}</title></rect>'
        for part in parts
    ]
    zero = -begin * scale
    axis = f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="5" y2="{HEIGHT - 5}"/>'
    label = "; ".join(_title(part) for part in parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(bars)}{axis}</svg>'


def key(outcome: Outcome) -> str:
    """What the colours mean, with their seconds."""
    square = '<svg viewBox="0 0 1 1" aria-hidden="true"><rect class="{}" width="1" height="1"/></svg>'
    lines = [
        f"<li>{square.format(part.kind)}{escape(part.words)}"
        + ("" if part.kind == "again" else f": {part.end - part.begin:.1f} s")
        + "</li>"
        for part in stretches(outcome)
    ]
    return f'<ul class="key">{"".join(lines)}</ul>'


def _title(part: Stretch) -> str:
    return escape(f"{part.words}, {part.begin:+.1f} s to {part.end:+.1f} s")
