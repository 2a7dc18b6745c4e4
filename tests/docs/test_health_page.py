"""The page about the health check, which is written from its verdicts."""

from __future__ import annotations

import pytest

from docs.health import PAGE, RECORDS, page
from lib.functions.health.verdict import STATUS_WORDS, WITH_STOP, Answer, Heartbeat, Status, Stop, judge


def cells(first: str) -> list[str]:
    """The row of the page that begins so."""
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {first} | "))
    return [cell.strip(" *\\").upper() for cell in row.strip("|").split("|")][1:]


def test_the_page_is_what_the_verdicts_are_now() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.health"


@pytest.mark.parametrize("status", Status)
def test_each_row_of_the_page_is_what_the_check_answers(status: Status) -> None:
    first = STATUS_WORDS.get(status) or f"`{status.value}`"
    assert cells(first) == [judge(status, heartbeat).value for heartbeat in Heartbeat]


@pytest.mark.parametrize("stop", Stop)
def test_each_row_of_a_stop_is_what_becomes_of_an_answer(stop: Stop) -> None:
    head = [Answer(word) for word in cells("the record")]
    assert cells(RECORDS[stop]) == [WITH_STOP[stop][answer].value for answer in head]


def test_only_a_silent_region_depends_on_our_own_network() -> None:
    marked = [line for line in PAGE.read_text().splitlines() if "unhealthy**\\*" in line]
    assert len(marked) == 1
    assert marked[0].startswith(f"| {STATUS_WORDS[Status.NO_ANSWER]} | ")
