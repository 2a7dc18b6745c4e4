"""What the pages that people write say of other places: links, commands, variables, the states of workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.config.catalog import base_and_environment, products
from lib.functions import errors
from lib.root import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUNBOOKS = sorted((ROOT / "docs/runbooks").glob("*.md"))
STOP_AND_START = ROOT / "docs/runbooks/stop-and-start.md"
OUTLINES = ROOT / "tests/lib/workflows/outlines"

FAMILIES = "CDK_DEFAULT|FAILOVER|FENCE|HEALTH_CHECK|METADATA|MWAA|PRIMARY|SECONDARY|SFN|START_STOP|STOP"
"""What names of variables begin with that can be nothing else."""

IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What a link can name of a page, as GitHub makes it from headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[(.+?)\]\(.+?\)", r"\1", heading).lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(words)}(-\d+)?", one) is not None for one in found)
        found.append(f"{words}-{again}" if again else words)
    return set(found)


def links(page: Path) -> Iterator[str]:
    """The places in the project that a page leads to."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def broken(page: Path) -> Iterator[str]:
    """Links that lead nowhere."""
    for target in links(page):
        name, _, anchor = target.partition("#")
        place = (page.parent / name) if name else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            yield target


def states(*machines: str, ends: bool = False) -> set[str]:
    """The states of workflows, or those in which they end well."""
    lines = [line for one in machines for path in OUTLINES.glob(f"{one}*.txt") for line in path.read_text().split("\n")]
    own = [line for line in lines if line and not line.startswith(" ")]
    chosen = [line for line in own if line.endswith(" (succeed)")] if ends else own
    return {re.sub(r" \(succeed\)$| -> .*$", "", line) for line in chosen}


def rows(page: Path, heading: str) -> Iterator[list[str]]:
    """The cells of the rows of each table with this first heading."""
    _, *tables = re.split(rf"^\| {heading} \|.*\n\|[ |-]+\n", page.read_text(), flags=re.MULTILINE)
    for table in tables:
        for line in table.split("\n"):
            if not line.startswith("|"):
                break
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here and there\n[a](#here-and-there) [b](#there) [c](gone.md) [d](page.md#here-and-there)\n")
    assert list(broken(page)) == ["#there", "gone.md"]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_of_build_sh_is_there(page: Path) -> None:
    targets = set(re.findall(r"^target_([\w-]+)\(", (ROOT / "build.sh").read_text(), re.MULTILINE))
    assert set(re.findall(r"\./build\.sh ([a-z][\w-]*)", page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_variable_is_one(page: Path) -> None:
    named = re.findall(rf"\b(?:{FAMILIES})_(?!_)[A-Z0-9_]+\b", page.read_text())
    assert {base_and_environment(name)[0] for name in named} <= products().keys()


def test_the_help_names_every_command() -> None:
    text = (ROOT / "build.sh").read_text()
    named = re.findall(r"^  ([a-z][\w-]*)", text.split("cat <<'TEXT'")[1].split("\nTEXT")[0], re.MULTILINE)
    assert sorted(named) == sorted(re.findall(r"^target_([\w-]+)\(", text, re.MULTILINE))


def test_the_runbook_of_stop_and_start_knows_every_end_that_is_no_failure() -> None:
    cells = " ".join(row[0] for row in rows(STOP_AND_START, "last step"))
    assert states("stop", "start", ends=True) == set(re.findall(r"\*(.+?)\*", cells))


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_steps_that_a_runbook_names_are_states(page: Path) -> None:
    machines = ("stop", "start", "reactivate") if page == STOP_AND_START else ("backup_restore", "warm_standby")
    steps = [step for row in rows(page, "step") for step in row[0].split("; ") if step and not step.startswith("any ")]
    assert steps
    for step in steps:
        pattern = re.escape(step).replace(re.escape("..."), ".+")
        assert any(re.fullmatch(pattern, state) for state in states(*machines)), step


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_reasons_that_a_runbook_names_are_errors_of_the_functions(page: Path) -> None:
    cells = [*(row[1] for row in rows(page, "step")), *(row[0] for row in rows(page, "reason"))]
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`", " ".join(cells)))
    assert named
    assert named <= vars(errors).keys()
