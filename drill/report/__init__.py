"""The page that a rehearsal leaves behind: one file, without a script and without anything to load."""

from drill.report.file import REPORT, file_for, file_named, write
from drill.report.page import page

__all__ = ["REPORT", "file_for", "file_named", "page", "write"]
