"""Whether the way to the end of a rehearsal is held against what its fault promises."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest

from drill import fault_evidence
from drill.aws.control import Message
from drill.backups import Stored
from drill.faults import FAULTS, NONE, Fault
from drill.kept import Kept, Lost
from drill.story import Story

OLD, NEW = "20260101T120000Z-aaaa", "20260101T120100Z-bbbb"
AT = datetime(2026, 1, 1, 12, 1, 30, tzinfo=timezone.utc)
ALTERED, HEARTBEAT = FAULTS["backup-altered"], FAULTS["heartbeat-lost"]
STARTS = f"It is recovered from backup {OLD}, taken at 12:00. Warnings: backup {NEW} is passed over: a file is altered"


@dataclass
class Told:
    """What a story has at its end; as it is, backup OLD was restored at once."""

    fault: Fault = NONE
    newer: str = ""
    restored: tuple[str, ...] = (OLD,)
    runs: tuple[str, ...] = ("success",)
    ends: tuple[str, ...] = ("SUCCEEDED",)
    moments: tuple[str, ...] = ()
    messages: dict[str, str] = field(
        default_factory=lambda: {"Recovery of prod starts": STARTS, "dr has taken over": f"with backup {OLD} of 12:00"}
    )

    def found(self) -> list[str]:
        """The differences, in words."""
        kept = Kept(newer=self.newer, ends=[*self.ends], moments=dict.fromkeys(self.moments, AT))
        kept.lost = Lost(AT, Stored(OLD, {}), {}, [], {})
        backups = SimpleNamespace(
            stored=lambda: [Stored(OLD, {}), Stored(NEW, {})],
            report_of_restore=lambda backup: {"tables": []} if backup in self.restored else {},
        )

        def query(_: str) -> list[tuple[Any, ...]]:
            return [(state,) for state in self.runs]

        story = SimpleNamespace(
            fault=self.fault,
            kept=kept,
            lost=kept.lost,
            backups=backups,
            secondary=SimpleNamespace(airflow=SimpleNamespace(query=query)),
            messages=lambda: [Message("topic", subject, text, "us-west-2") for subject, text in self.messages.items()],
        )
        return [str(one) for one in fault_evidence.differences(cast("Story", story))]


def test_where_all_is_as_promised_nothing_is_found() -> None:
    assert Told().found() == []
    assert Told(ALTERED, newer=NEW).found() == []


@pytest.mark.parametrize("restored", [(), (NEW,), (OLD, NEW)])
def test_another_backup_than_the_newest_whole_one_is_found(restored: tuple[str, ...]) -> None:
    assert Told(restored=restored).found() == [f"backup: wrong: restored were {[*restored]}, not {OLD}"]


def test_a_fault_that_did_not_happen_is_found() -> None:
    (found,) = Told(replace(NONE, happens=("the scheduler is killed",)), moments=("the scheduler is back",)).found()
    assert found == "fault: did not happen: the scheduler is killed"
    (found,) = Told(newer=OLD).found()
    assert found == f"fault: did not happen: {OLD} is not newer than {OLD}"


def test_a_restore_too_many_or_too_few_is_found() -> None:
    assert "its runs are ('success', 'success')" in Told(runs=("success", "success")).found()[0]
    assert "not ('failed', 'success')" in Told(replace(NONE, restores=("failed", "success"))).found()[0]


def test_people_who_are_not_told_which_backup_it_is_are_found() -> None:
    found = Told(messages={"Recovery of prod starts": "from backup another", "dr has taken over": ""}).found()
    assert [words for words in (f"from backup {OLD}", f"with backup {OLD}") if words not in "".join(found)] == []
    assert len(found) == 2


def test_a_backup_that_is_passed_over_without_a_word_is_found() -> None:
    messages = {**Told().messages, "Recovery of prod starts": f"from backup {OLD}. Warnings: []"}
    (found,) = Told(ALTERED, newer=NEW, messages=messages).found()
    assert f"backup {NEW} is passed over" in found


@pytest.mark.parametrize("text", ["States.HeartbeatTimeout", "aws stepfunctions redrive-execution"])
def test_a_failure_that_says_neither_why_nor_what_to_do_is_found(text: str) -> None:
    told = Told(HEARTBEAT, runs=("failed", "success"), ends=(*HEARTBEAT.ends,))
    (found,) = replace(told, messages={**told.messages, "mwaa failed: Restore": text}).found()
    assert "is in none of those about 'failed:'" in found
    both = "States.HeartbeatTimeout: aws stepfunctions redrive-execution"
    assert replace(told, messages={**told.messages, "mwaa failed: Restore": both}).found() == []
