"""The page of the rehearsal names every fault with its end."""

from __future__ import annotations

from pathlib import Path

from drill.faults import FAULTS
from drill.strategies import STRATEGIES

PAGE = Path(__file__).parents[2] / "docs" / "rehearsal.md"


def test_every_fault_is_told_with_what_is_expected() -> None:
    text = PAGE.read_text()
    rows = {line.split("|")[1].strip(" `"): line for line in text.splitlines() if line.startswith("| `")}
    for fault in FAULTS.values():
        assert fault.words in rows[fault.name]
        assert rows[fault.name].endswith(f"| {fault.expected} |")


def test_every_strategy_is_told() -> None:
    text = PAGE.read_text()
    assert [name for name in STRATEGIES if f"--strategy {name}" not in text] == []


def test_a_fault_is_one_of_a_strategy_that_is_there() -> None:
    assert {name for fault in FAULTS.values() for name in fault.strategies} <= STRATEGIES.keys()
