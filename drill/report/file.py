"""Where the page is, so that rehearsals which are played at once do not meet in one file."""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

from drill.outcome import Outcome
from drill.report.page import page
from drill.venvs import PROJECT

REPORT = PROJECT / "drill-report.html"
"""The page of all strategies."""


def file_for(*chosen: str) -> Path:
    """The page of what was chosen: a strategy, a fault, both, or nothing."""
    return REPORT.with_stem("-".join([REPORT.stem, *filter(None, chosen)]))


def file_named(text: str) -> Path:
    """The file of an option; raises ArgumentTypeError where its folder is not there."""
    file = Path(text).absolute()
    if not file.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {file.parent}")
    return file


def write(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the page, so that whoever opens it finds a whole one, of the last rehearsal that ended."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_text(page(outcomes), encoding="utf-8")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
