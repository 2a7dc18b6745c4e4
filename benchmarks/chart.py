"""The results as a picture for the README: bars of the time against pg_dump and pg_restore, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from benchmarks.figures import INCREMENT, Measure, Results, Series

WIDTH, LEFT, RIGHT = 760, 300, 130
ROW, BAR, TOP, LINE = 28, 16, 62, 18
OURS = "engine"

STYLE = """
  svg { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .paper { fill: #ffffff; } text { fill: #16202e; } .small { font-size: 12px; fill: #44546a; }
  .head { font-size: 15px; font-weight: 600; } .ours { fill: #2f6fdb; } .other { fill: #9fb0c8; }
  .anchor { stroke: #45556e; stroke-dasharray: 4 4; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } text { fill: #e8eef7; } .small { fill: #b4c2d6; }
    .ours { fill: #6ea8ff; } .other { fill: #4a5b75; } .anchor { stroke: #93a6c3; }
  }
"""


def chart(results: Results) -> str:
    """An SVG file; its numbers are written beside the bars, so that no colour has to be told apart."""
    others = [series for series in results.series if series.operation != INCREMENT]
    shown = [(series, ratio) for series in others if (ratio := results.ratio(series, Measure.SECONDS))]
    scale = (WIDTH - LEFT - RIGHT) / max([1.0, *(ratio for _, ratio in shown)])
    foot = TOP + ROW * len(shown)
    height = foot + LINE * (len(results.machine) + 1)
    label = "; ".join(f"{_name(series)}: {ratio:.2f}" for series, ratio in shown)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            f' role="img" aria-label="{escape(label, quote=True)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
            _text(16, 26, "Time, as a multiple of pg_dump and pg_restore", "head"),
            _text(16, 46, f"{results.rows:,} rows, medians of {results.rounds} runs, {results.date}", "small"),
            *(part for number, (series, ratio) in enumerate(shown) for part in _bar(number, series, ratio, scale)),
            f'<line class="anchor" x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{TOP - 6}" y2="{foot - 8}"/>',
            *(
                _text(16, foot + LINE * number, f"{name}: {value}", "small")
                for number, (name, value) in enumerate(results.machine.items(), start=1)
            ),
            "</svg>\n",
        ]
    )


def _bar(number: int, series: Series, ratio: float, scale: float) -> Iterator[str]:
    y = TOP + ROW * number
    kind = "ours" if series.who.startswith(OURS) else "other"
    yield _text(LEFT - 12, y + BAR - 3, _name(series), "", anchor="end")
    yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{ratio * scale:.1f}" height="{BAR}" rx="2"/>'
    seconds = series.median(Measure.SECONDS)
    # Behind the anchor's line, too, which would else run through the figures of what is faster.
    yield _text(LEFT + max(ratio, 1.0) * scale + 8, y + BAR - 3, f"{ratio:.2f} ({seconds:.1f} s)", "small")


def _name(series: Series) -> str:
    return f"{series.operation}: {series.who}"


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
