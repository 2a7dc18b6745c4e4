"""Draw docs/backup-restore.svg and docs/warm-standby.svg: both strategies, light and dark.

Run it after a change: python -m docs.pictures
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent

COLUMNS = {"A": 36, "B": 316, "C": 690, "D": 970}
ROWS = {1: 96, 2: 236, 3: 376}
WIDTH, HEIGHT = 194, 96
WIDEST = 1200
LEGEND_TOP, LINE = 536, 23

STYLE = """
  svg { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .paper { fill: #ffffff; } .region { fill: #f3f6fb; stroke: #9fb0c8; stroke-dasharray: 6 5; }
  .box { fill: #ffffff; stroke: #45556e; stroke-width: 1.5; } .later { stroke-dasharray: 7 5; }
  .head { font-weight: 600; } text { fill: #16202e; } .small { font-size: 12px; fill: #44546a; }
  .line { fill: none; stroke: #2f6fdb; stroke-width: 2; } .tip { fill: #2f6fdb; }
  .badge { fill: #2f6fdb; } .number { fill: #ffffff; font-size: 12px; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } .region { fill: #151c27; stroke: #4a5b75; }
    .box { fill: #1d2735; stroke: #93a6c3; } text { fill: #e8eef7; } .small { fill: #b4c2d6; }
    .line { stroke: #6ea8ff; } .tip, .badge { fill: #6ea8ff; } .number { fill: #0d1117; }
  }
"""


@dataclass(frozen=True)
class Box:
    """Something that is deployed, over one row or several."""

    column: str
    row: int
    head: str
    lines: tuple[str, ...] = ()
    rows: int = 1
    is_later: bool = False
    """Whether it is only there after a recovery."""

    def draw(self) -> Iterator[str]:
        """Its elements."""
        x, y = COLUMNS[self.column], ROWS[self.row]
        height = ROWS[self.row + self.rows - 1] + HEIGHT - y
        kind = "box later" if self.is_later else "box"
        yield f'<rect class="{kind}" x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="8"/>'
        yield _text(x + 12, y + 26, self.head, "head")
        for number, line in enumerate(self.lines, start=1):
            yield _text(x + 12, y + 30 + 17 * number, line, "small")


@dataclass(frozen=True)
class Arrow:
    """From the middle of a side to the middle of another one, with the number of its step."""

    start: tuple[int, int]
    end: tuple[int, int]
    number: str = ""

    def draw(self) -> Iterator[str]:
        """Its elements."""
        (x1, y1), (x2, y2) = self.start, self.end
        yield f'<path class="line" marker-end="url(#tip)" d="M{x1} {y1} L{x2} {y2}"/>'
        if self.number:
            x, y = (x1 + x2) // 2, (y1 + y2) // 2
            width = 14 + 7 * len(self.number)
            yield f'<rect class="badge" x="{x - width // 2}" y="{y - 11}" width="{width}" height="22" rx="11"/>'
            yield _text(x, y + 4, self.number, "number", anchor="middle")


def across(left: str, right: str, row: int, number: str = "", *, back: bool = False) -> Arrow:
    """From a column to the next one, or back."""
    y = ROWS[row] + HEIGHT // 2
    ends = (COLUMNS[left] + WIDTH, y), (COLUMNS[right], y)
    start, end = reversed(ends) if back else ends
    return Arrow(start, end, number)


def down(column: str, row: int, number: str = "") -> Arrow:
    """From a row to the one below."""
    x = COLUMNS[column] + WIDTH // 2
    return Arrow((x, ROWS[row] + HEIGHT), (x, ROWS[row + 1]), number)


PRIMARY = (
    Box("A", 1, "Your pipeline", ("DAGs, plugins,", "requirements")),
    Box("B", 1, "DAGs bucket", ("with the package mwaa_dr", "below the DAGs folder")),
    Box("A", 2, "Fence", ("pauses the DAGs, or tells,", "if the primary comes back", "after a failover")),
    Box("B", 2, "Environment", ("backup_metadata runs on a", "schedule; heartbeats go to", "CloudWatch")),
    Box("B", 3, "Backup bucket", ("one snapshot per backup,", "encrypted, kept when the", "stack goes")),
)
SECONDARY = (
    Box("C", 1, "DAGs bucket", ("replicated, deletions too",)),
    Box("C", 2, "Recovery workflow", ("every five minutes, and by", "hand; records in DynamoDB,", "mails by SNS")),
    Box("C", 3, "Backup bucket", ("replicated, without", "deletions; a key of its own")),
)
BETWEEN = (
    across("A", "B", 1, "1.a"),
    across("B", "C", 1, "1.b"),
    down("B", 1),
    across("A", "B", 2),
    down("B", 2, "1.c"),
    across("B", "C", 3, "1.d"),
    across("B", "C", 2, "2.b", back=True),
    across("C", "D", 1),
)
BACKUPS = (
    ("1.a", "your pipeline deploys DAGs"),
    ("1.b", "S3 replicates them; what was there before is copied once"),
    ("1.c", "a DAG backs the metadata database up"),
    ("1.d", "S3 replicates the backups"),
)
CHECKED = ("2.b", "a schedule (2.a) asks MWAA and CloudWatch how the primary is")
UNHEALTHY = "still unhealthy: checks that a recovery can succeed, disables the schedule"


def backup_restore() -> str:
    """Where the secondary environment is created."""
    environment = Box("D", 1, "Environment", ("created when the primary", "has failed"), rows=3, is_later=True)
    arrows = (across("C", "D", 2, "2.h-k"), down("C", 2, "2.e 2.g"), across("C", "D", 3, "2.l"))
    recovery = (
        CHECKED,
        ("2.e", "healthy: stores the primary's blueprint"),
        ("2.f", UNHEALTHY),
        ("2.g", "reads the blueprint"),
        ("2.h", "creates the environment, its DAGs paused; 2.i, 2.j: until it is available"),
        ("2.k", "triggers restore_metadata, and waits for its answer"),
        ("2.l", "restores in one transaction; DAGs become active"),
    )
    return _picture("Backup and restore", (environment,), arrows, recovery)


def warm_standby() -> str:
    """Where the secondary environment waits."""
    environment = Box("D", 1, "Environment", ("waits; emptied before the", "restore"), rows=3)
    arrows = (across("C", "D", 2, "2.e"), Arrow(*_up("C", 3)), across("C", "D", 3, "2.f"))
    recovery = (
        CHECKED,
        ("2.c", "healthy: nothing to do"),
        ("2.d", UNHEALTHY),
        ("2.e", "triggers cleanup_metadata, then restore_metadata"),
        ("2.f", "restores in one transaction; DAGs become active"),
    )
    return _picture("Warm standby", (environment,), arrows, recovery)


PICTURES = {"backup-restore.svg": backup_restore, "warm-standby.svg": warm_standby}


def _up(column: str, row: int) -> tuple[tuple[int, int], tuple[int, int]]:
    x = COLUMNS[column] + WIDTH // 2
    return (x, ROWS[row]), (x, ROWS[row - 1] + HEIGHT)


def _picture(title: str, boxes: Iterable[Box], arrows: Iterable[Arrow], steps: Iterable[tuple[str, str]]) -> str:
    told = [*steps]
    width, height = WIDEST, LEGEND_TOP + LINE * max(len(told), len(BACKUPS))
    elements = [
        f'<rect class="paper" width="{width}" height="{height}"/>',
        _text(20, 32, title, "head"),
        *_region(20, 506, "Primary Region"),
        *_region(674, 506, "Secondary Region"),
    ]
    drawn: tuple[Box | Arrow, ...] = (*PRIMARY, *SECONDARY, *boxes, *BETWEEN, *arrows)
    for part in drawn:
        elements += part.draw()
    elements += [*_legend(36, BACKUPS), *_legend(590, told)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">'
    tip = (
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 0 L10 5 L0 10 z"/></marker></defs>'
    )
    return "\n".join([head, f"<title>{title}</title>", f"<style>{STYLE}</style>", tip, *elements, "</svg>"]) + "\n"


def _region(x: int, width: int, name: str) -> Iterator[str]:
    yield f'<rect class="region" x="{x}" y="50" width="{width}" height="446" rx="12"/>'
    yield _text(x + 16, 78, name, "head")


def _legend(x: int, steps: Iterable[tuple[str, str]]) -> Iterator[str]:
    for number, (name, words) in enumerate(steps):
        y = LEGEND_TOP + LINE * number
        yield _text(x, y, name, "head")
        yield _text(x + 36, y, words, "")


def _text(x: int, y: int, words: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw())
