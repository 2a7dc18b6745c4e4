"""What checks find, in one report: a check that fails does not keep the next one from being made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lib.functions.backup_manifest import DamagedBackup
from lib.functions.errors import BlueprintMissing, Misconfigured, NotReady, PreflightFailed
from lib.functions.log import logger

_log = logger(__name__)


@dataclass
class Findings:
    """Collects problems, and what does not stand in the way."""

    event: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    """What AWS did not answer this time."""
    warnings: list[str] = field(default_factory=list)

    @contextmanager
    def noting(self, *, as_warning: bool = False) -> Iterator[None]:
        """Note an error, and go on; as a warning where what follows will tell by itself."""
        try:
            yield
        except NotReady as error:
            (self.warnings if as_warning else self.unanswered).append(str(error))
        except (BlueprintMissing, DamagedBackup, Misconfigured) as error:
            (self.warnings if as_warning else self.problems).append(str(error))

    def settle(self, what: str) -> None:
        """Raise PreflightFailed with every problem of `what`, NotReady where there is none but that AWS was silent."""
        if self.problems:
            _log.warning("preflight failed", extra={"problems": self.problems})
            raise PreflightFailed(_report(what, [*self.problems, *self.unanswered]))
        if self.unanswered:
            raise NotReady("; ".join(self.unanswered))


def _report(what: str, problems: list[str]) -> str:
    count = "1 thing stands" if len(problems) == 1 else f"{len(problems)} things stand"
    return f"{count} in the way of a {what}, nothing has been changed: " + "; ".join(
        f"({number}) {problem}" for number, problem in enumerate(problems, 1)
    )
