"""Config: every environment variable of the project, read once, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.config import both_rules, recovery_rules, start_stop_rules, unused
from lib.config.findings import ConfigError, Finding
from lib.config.read import read_drafts
from lib.config.recovery import DisasterRecovery
from lib.config.rules import findings
from lib.config.sources import read_sources
from lib.config.start_stop import StartStop


@dataclass(frozen=True)
class Config:
    """What is deployed: each product is there when a variable of its own is set."""

    disaster_recovery: DisasterRecovery | None
    start_stop: StartStop | None
    warnings: tuple[Finding, ...] = ()
    """What does not stand in the way of a deployment, but should be known."""

    @classmethod
    def load(cls, env_file: Path | None, environ: Mapping[str, str]) -> Config:
        """Read the file, where there is one, and the environment; raises ConfigError with every error there is."""
        sources = read_sources(env_file, environ)
        drafts = read_drafts(sources)
        dr, plan = drafts.disaster_recovery, drafts.start_stop
        errors = [*drafts.wrong] if dr or plan else [both_rules.NOTHING]
        warnings = [*sources.doubts, *unused.warnings(sources, drafts)]
        if dr:
            errors += findings(recovery_rules.ERRORS, dr)
            warnings += findings(recovery_rules.WARNINGS, dr)
        if plan:
            errors += findings(start_stop_rules.ERRORS, plan)
            warnings += findings(start_stop_rules.WARNINGS, plan)
        if dr and plan:
            errors += findings(both_rules.ERRORS, (dr, plan))
        if errors:
            raise ConfigError(dict.fromkeys(errors))
        return cls(dr, plan, tuple(dict.fromkeys(warnings)))
