"""The page and the terminal tell what came of a rehearsal; the page needs nothing but itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from drill.__main__ import main
from drill.compare import Difference
from drill.outcome import Outcome, to_json
from drill.report import REPORT, file_for, page, write
from drill.report.picture import stretches
from drill.telling import text
from tests.support.outcomes import FAILED, OUTCOME


class Page(HTMLParser):
    """Collects what a browser would do."""

    VOID = frozenset({"meta", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_whole_and_loads_nothing() -> None:
    found = Page(page([OUTCOME]))
    assert found.open == []
    assert "script" not in found.tags
    assert found.addresses == ["data:,"]
    assert not re.search(r"url\(|@import|https?:", page([OUTCOME]))


def test_the_page_tells_all_that_was_found() -> None:
    words = " ".join(Page(page([OUTCOME])).words)
    for told in ("60.0 s", "30.0 s", "dag_run", "sales<b>", "Take the lease", "1 of 2 states", "who was logged in"):
        assert told in words
    assert "everything is as promised" in words


def test_a_difference_is_seen_at_once() -> None:
    failed = replace(OUTCOME, differences=[Difference("xcom", "missing", "{key: '<i>'}")])
    words = " ".join(Page(page([OUTCOME, failed])).words)
    assert "1 of 2 failed" in words
    assert "xcom: missing: {key: '<i>'}" in words
    assert text(failed).splitlines()[-1].startswith("FAILED: Warm standby, 12 rows compared, 1 differ")


def test_the_stretches_of_time_follow_each_other_without_a_gap() -> None:
    found = [*stretches(OUTCOME)]
    assert [part.kind for part in found] == ["lost", "unseen", "at-work", "again"]
    assert [part.end for part in found[:-1]] == [part.begin for part in found[1:]] == [0.0, 20.0, 60.0]


def test_without_a_recovery_nothing_runs_again() -> None:
    found = [*stretches(replace(OUTCOME, rto_seconds=None, status="FAILED"))]
    assert [part.kind for part in found] == ["lost", "unseen", "at-work"]


def test_the_terminal_adds_the_formula_up() -> None:
    told = text(OUTCOME)
    assert "interval of the health check 20.0 + metadata restore 10.5 = 30.5 s" in told
    assert "RTO 60.0 s" in told
    assert told.splitlines()[-1].startswith("PASSED")


def test_the_document_says_whether_all_passed() -> None:
    failed = replace(OUTCOME, status="")
    assert json.loads(to_json([OUTCOME]))["passed"] is True
    assert json.loads(to_json([OUTCOME, failed]))["passed"] is False


@pytest.mark.parametrize("outcome", [OUTCOME, FAILED])
def test_an_outcome_comes_back_from_its_document(outcome: Outcome) -> None:
    (document,) = json.loads(to_json([outcome]))["rehearsals"]
    assert Outcome.of(document) == outcome


def test_each_choice_has_a_page_of_its_own() -> None:
    chosen = [("", ""), ("warm_standby", ""), ("backup_restore", ""), ("warm_standby", "all"), ("", "worker-killed")]
    files = [file_for(*choice) for choice in chosen]
    assert files[0] == REPORT
    assert files[3].name == "drill-report-warm_standby-all.html"
    assert len({*files}) == len(chosen)


def test_a_page_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "drill-report.html"
    write(file, [OUTCOME])
    before = file.read_text()
    with pytest.raises(AttributeError):
        write(file, [OUTCOME, None])  # type: ignore[list-item]
    assert file.read_text() == before
    write(file, [FAILED])
    assert file.read_text() == page([FAILED])
    assert [*tmp_path.iterdir()] == [file]


def test_a_folder_that_is_not_there_is_told_before_anything_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--report", "/nowhere/at-all/page.html"])
    assert "there is no folder /nowhere/at-all" in capsys.readouterr().err
