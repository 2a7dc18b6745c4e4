"""The generated page about the command line."""

from __future__ import annotations

from docs.command_line import PAGE, page


def test_the_page_is_what_the_parser_says() -> None:
    assert PAGE.read_text() == page(), "run: PYTHONPATH=assets/dags python docs/command_line.py"
