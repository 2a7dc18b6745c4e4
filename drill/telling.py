"""The outcome of a rehearsal on a terminal."""

from __future__ import annotations

from drill.outcome import Outcome

SHOWN = 40


def text(outcome: Outcome) -> str:
    """All that matters, the verdict last."""
    parts = (_timeline(outcome), _times(outcome), _tables(outcome), _work(outcome), _end(outcome))
    return "\n\n".join(part for part in parts if part)


def _timeline(outcome: Outcome) -> str:
    head = f"{outcome.title}, Airflow {outcome.airflow}" + (f", fault {outcome.fault}" if outcome.fault else "")
    lines = [f"{moment.seconds:+9.1f} s  {moment.words}" for moment in outcome.moments]
    return "\n".join([head, *lines])


def _times(outcome: Outcome) -> str:
    made_up = " + ".join(f"{part.name} {part.seconds}" for part in outcome.parts)
    measured = f"  with what was measured: {made_up} = {outcome.made_up_seconds:.1f} s"
    return "\n".join([outcome.formula, measured, *outcome.times])


def _tables(outcome: Outcome) -> str:
    if not outcome.tables:
        return ""
    columns = (("in backup", 10), ("inserted", 10), ("replaced", 10), ("kept", 8), ("dropped", 9))
    lines = [f"{'table':32}" + "".join(f"{name:>{width}}" for name, width in columns)]
    for row in outcome.tables:
        values = (row.in_backup, row.inserted, row.replaced, row.kept, row.dropped)
        cells = zip(values, columns, strict=True)
        lines.append(f"{row.table:32}" + "".join(f"{'' if v is None else v:>{width}}" for v, (_, width) in cells))
    return "\n".join(lines)


def _work(outcome: Outcome) -> str:
    lost = [f"  {run.dag_id} {run.run_id}: {run.words}" for run in outcome.lost] or ["  nothing"]
    interrupted = [f"  {run.dag_id} {run.run_id}: {run.words}" for run in outcome.interrupted] or ["  nothing"]
    return "\n".join(["Work after the backup, lost:", *lost, "Work that the backup was taken in:", *interrupted])


def _end(outcome: Outcome) -> str:
    lines = [f"Seconds: {', '.join(f'{name} {seconds}' for name, seconds in outcome.phases.items())}"]
    if outcome.differences:
        shown = [f"  {difference}" for difference in outcome.differences[:SHOWN]]
        more = len(outcome.differences) - len(shown)
        lines += [f"{len(outcome.differences)} differences:", *shown, *([f"  and {more} more"] if more else [])]
    verdict = "PASSED" if outcome.passed else "FAILED"
    lines.append(
        f"{verdict}: {outcome.title}, {outcome.compared} rows compared, {len(outcome.differences)} differ,"
        f" {outcome.logs_searched:,} characters of logs searched for secrets"
    )
    return "\n".join(lines)
