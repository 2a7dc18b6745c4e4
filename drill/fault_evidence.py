"""Whether a rehearsal came to its end by the way that was promised: which backup, which runs, what people were told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from drill import rules
from drill.compare import Difference, compare
from drill.snapshot import resolve

if TYPE_CHECKING:
    from drill.story import Story

HALF = ("connection", "dag_run", "slot_pool", "task_instance", "variable", "xcom")
"""Tables in which a restore that was begun and not ended would be seen first."""


def differences(story: Story) -> Iterator[Difference]:
    """Everything on the way that is not as promised."""
    yield from story.kept.differences
    yield from happened(story)
    yield from backup(story)
    yield from restores(story)
    yield from told(story)


def happened(story: Story) -> Iterator[Difference]:
    """What was to go wrong did."""
    for words in story.fault.happens:
        if words not in story.kept.moments:
            yield Difference("fault", "did not happen", words)


def backup(story: Story) -> Iterator[Difference]:
    """One backup was restored, once: the newest whole one."""
    wanted, newer = story.lost.backup.id, story.kept.newer
    restored = [one.id for one in story.backups.stored() if story.backups.report_of_restore(one.id)]
    if restored != [wanted]:
        yield Difference("backup", "wrong", f"restored were {restored}, not {wanted}")
    if newer and newer <= wanted:
        yield Difference("fault", "did not happen", f"{newer} is not newer than {wanted}")


def restores(story: Story) -> Iterator[Difference]:
    """The restore DAG ran as often as promised, and ended so."""
    found = story.secondary.airflow.query("SELECT state FROM dag_run WHERE dag_id = 'restore_metadata' ORDER BY id")
    states = tuple(state for (state,) in found)
    if states != story.fault.restores:
        yield Difference("restore", "wrong", f"its runs are {states}, not {story.fault.restores}")


def told(story: Story) -> Iterator[Difference]:
    """People were told which backup it is, why a newer one is not, and what to do."""
    wanted, newer = story.lost.backup.id, story.kept.newer
    words = {" starts": [f"from backup {wanted}"], " has taken over": [f"with backup {wanted}"]}
    if story.fault.passed_over:
        words[" starts"].append(f"backup {newer} {story.fault.passed_over}")
    if story.fault.advice:
        words[" failed: "] = [*story.fault.advice, *story.fault.failures]
    for subject, parts in words.items():
        texts = [one.message for one in story.messages() if subject in one.subject]
        for part in parts:
            if not any(part in text for text in texts):
                yield Difference("message", "wrong", f"{part!r} is in none of those about {subject.strip()!r}")


def half_restored(story: Story) -> list[Difference]:
    """What a restore that did not end has left behind."""
    before, now = (
        {table: rows[table] for table in HALF} for rows in (story.kept.there, story.rows_of(story.secondary))
    )
    return compare(resolve(before), resolve(now), rules.is_own_activity)
