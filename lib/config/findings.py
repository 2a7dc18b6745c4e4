"""What is wrong or doubtful in a configuration, one line for each variable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 120
"""Characters of a value that a line shows."""


@dataclass(frozen=True)
class Finding:
    """A variable, and a line that says what it holds and what is allowed, or what follows from it."""

    variable: str
    line: str

    def __str__(self) -> str:
        return self.line


def finding(
    variable: str, text: str | None, words: str, *, is_default: bool = False, is_secret: bool = False
) -> Finding:
    """A finding about a variable that holds this text; None: it is not set."""
    if text is None:
        return Finding(variable, f"{variable} is not set, {words}")
    held = "a value that is not shown" if is_secret else shown(text)
    return Finding(variable, f"{variable} is {held}{' by default' if is_default else ''}, {words}")


def shown(text: str) -> str:
    """A value in quotes, cut where it is long.

    >>> shown("us-east-1")
    "'us-east-1'"
    """
    quoted = repr(text)
    return quoted if len(quoted) <= SHOWN else f"{quoted[: SHOWN - 3]}..."


class ConfigError(Exception):
    """Nothing can be deployed with this configuration; the message has a line for each error."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        count = "1 error" if len(self.findings) == 1 else f"{len(self.findings)} errors"
        lines = [f"the configuration has {count}", *(f"  {line}" for line in self.findings)]
        lines.append("HINT: Correct them in .env or in the environment; docs/configuration.md describes each variable.")
        super().__init__("\n".join(lines))
