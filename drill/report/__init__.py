"""The page that a rehearsal leaves behind: one file, without a script and without anything to load."""

from drill.report.page import page

__all__ = ["page"]
