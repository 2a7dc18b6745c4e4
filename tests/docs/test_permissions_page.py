"""The page about permissions."""

from __future__ import annotations

from docs.permissions import PAGE, page


def test_the_page_shows_the_policies_as_they_are_printed() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.permissions"
