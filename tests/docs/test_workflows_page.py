"""The page about workflows."""

from __future__ import annotations

from docs.workflows import PAGE, page


def test_the_page_shows_the_workflows_as_they_are() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.workflows"
