"""The page about the health check, which is written from its verdicts."""

from __future__ import annotations

import pytest

from docs.health import PAGE, page
from lib.functions.health.verdict import STATUS_WORDS, Heartbeat, Status, judge


def cells(status: Status) -> list[str]:
    """A status's row of the page."""
    first = STATUS_WORDS.get(status) or f"`{status.value}`"
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {first} | "))
    return [cell.strip(" *\\").upper() for cell in row.strip("|").split("|")][1:]


def test_the_page_is_what_the_verdicts_are_now() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.health"


@pytest.mark.parametrize("status", Status)
def test_each_row_of_the_page_is_what_the_check_answers(status: Status) -> None:
    assert cells(status) == [judge(status, heartbeat).value for heartbeat in Heartbeat]


def test_only_a_silent_region_depends_on_our_own_network() -> None:
    marked = [line for line in PAGE.read_text().splitlines() if "unhealthy**\\*" in line]
    assert len(marked) == 1
    assert marked[0].startswith(f"| {STATUS_WORDS[Status.NO_ANSWER]} | ")
