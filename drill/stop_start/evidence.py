"""Whether the environment is what it was: rows, fields, active DAGs, work done once, messages, nothing left over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from drill import rules
from drill.compare import Difference
from drill.evidence import MADE_ANEW, as_written, changed, compared, told, twice
from drill.snapshot import Row, Rows, resolve
from drill.stop_start.story import BUSY_RUN, StopStartStory

MISSED = timedelta(minutes=2)
"""A run that the scheduler creates is of the newest minute that is over: it began at most so long before."""


def differences(story: StopStartStory, after: Rows) -> Iterator[Difference]:
    """Everything that is not as promised; `after` are the rows of the environment, read when it had gone on."""
    yield from gone(story)
    yield from compared(story, expected(story), after, since=story.ends["start"].started)
    yield from changed(story.before.fields, story.site.fields(story.site.primary), but=MADE_ANEW)
    yield from nothing_lost(story.seen, story.last)
    yield from once(story, after)
    name = story.site.primary.name
    yield from told(story.subjects(), {f"{name} is stopped": 1, f"{name} is there again": 1})
    for record in story.site.records():
        yield Difference("record", "left over", record)


def expected(story: StopStartStory) -> Rows:
    """The rows that the start has promised: those that the stop saw, with the DAGs active that it had paused.

    The environment is its own successor, so that the Variables of this package come back, too.
    """
    seen = resolve(story.seen)
    wanted = rules.expected(seen, resolve(story.kept.there), as_written(story, story.backup))
    own = [row for row in seen["variable"] if str(row["key"]).startswith("DR_")]
    return {**wanted, "variable": [*wanted["variable"], *own], "dag": [*_as_before(story)]}


def _as_before(story: StopStartStory) -> Iterator[Row]:
    """Each DAG as it was right before the stop; the one that restores had to be active to do so."""
    restores = story.site.config.schedules.import_dag_name
    for dag_id, is_paused in story.before.paused.items():
        if dag_id != restores:
            yield {"dag_id": dag_id, "is_paused": is_paused}


def gone(story: StopStartStory) -> Iterator[Difference]:
    """When MWAA said that it was gone nothing of it was there, and a record said that this was on purpose."""
    for words in story.left:
        yield Difference("stop", "left behind", words)
    place = story.site.primary
    if story.records_when_gone != [f"stopped/{place.name}.{place.region}"]:
        yield Difference("record", "wrong", f"while it was gone there were {story.records_when_gone}")


def nothing_lost(seen: Rows, last: Rows) -> Iterator[Difference]:
    """What the backup saw is all that there ever was: no run began, went on or ended before the deletion."""
    for run, words in lost(seen, last).items():
        yield Difference("work", "lost", f"{' '.join(run)} {words}")


def lost(seen: Rows, last: Rows) -> dict[tuple[str, str], str]:
    """DAG and run -> what became of it between the backup and the deletion, in words."""
    in_backup = runs(seen)
    return {
        run: f"{state} at the deletion, {in_backup.get(run, 'not there')} in the backup"
        for run, state in runs(last).items()
        if in_backup.get(run) != state
    }


def runs(rows: Rows) -> dict[tuple[str, str], str]:
    """DAG and run -> state, without those of this package."""
    return {
        (str(row["dag_id"]), str(row["run_id"])): str(row["state"])
        for row in rows["dag_run"]
        if row["dag_id"] not in rules.OWN_DAGS
    }


def once(story: StopStartStory, after: Rows) -> Iterator[Difference]:
    """The stop waited for what was at work; what was done is not done again, nor what was missed made up for."""
    if runs(story.seen).get(("busy", BUSY_RUN)) != "success":
        yield Difference("work", "interrupted", "the stop did not wait for the run that was at work")
    yield from twice(story.ledger(story.site.primary.name), after)
    yield from made_up_for(runs(story.seen), after, story.ends["start"].started)


def made_up_for(seen: Mapping[tuple[str, str], str], after: Rows, start: datetime) -> Iterator[Difference]:
    """Scheduled runs that were due while the environment was gone, of a DAG that does not catch up."""
    for row in after["dag_run"]:
        is_new = (str(row["dag_id"]), str(row["run_id"])) not in seen
        if row["dag_id"] == "minutely" and is_new and _begins(row) < start - MISSED:
            yield Difference("work", "made up for", f"{row['run_id']} was due while the environment was gone")


def _begins(row: Row) -> datetime:
    return datetime.fromisoformat(f"{row['data_interval_start']}:00")
