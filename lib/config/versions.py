"""The Airflow versions that MWAA has or had, as data; no SDK knows them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from lib.functions.airflow_versions import END_OF_SUPPORT

AS_OF = date(2026, 9, 1)
"""When the table was read; what ended by then has ended. The clock is never asked: synth is the same every day."""

SOURCE = "https://docs.aws.amazon.com/mwaa/latest/userguide/airflow-versions.html"

OLDEST_SERVED = (2, 4)
"""The engine restores no older Airflow."""


@dataclass(frozen=True)
class MwaaVersion:
    """One version on MWAA."""

    version: str
    python: str

    @property
    def end_of_support(self) -> date | None:
        """The day from which MWAA creates no more; None: not announced."""
        return END_OF_SUPPORT.get(self.version)

    @property
    def is_ended(self) -> bool:
        """Whether MWAA supports it no longer: environments live on, but none can be created."""
        return self.end_of_support is not None and self.end_of_support <= AS_OF


VERSIONS = {
    known.version: known
    for known in (
        MwaaVersion("1.10.12", "3.7"),
        MwaaVersion("2.0.2", "3.7"),
        MwaaVersion("2.2.2", "3.7"),
        MwaaVersion("2.4.3", "3.10"),
        MwaaVersion("2.5.1", "3.10"),
        MwaaVersion("2.6.3", "3.10"),
        MwaaVersion("2.7.2", "3.11"),
        MwaaVersion("2.8.1", "3.11"),
        MwaaVersion("2.9.2", "3.11"),
        MwaaVersion("2.10.1", "3.11"),
        MwaaVersion("2.10.3", "3.11"),
        MwaaVersion("2.11.0", "3.12"),
        MwaaVersion("2.11.2", "3.12"),
        MwaaVersion("3.0.6", "3.12"),
        MwaaVersion("3.2.1", "3.12"),
        MwaaVersion("3.3.1", "3.12"),
    )
}


def is_served(version: str) -> bool:
    """Whether the engine restores this Airflow, be it on MWAA or not.

    >>> is_served("2.10.3"), is_served("2.2.2")
    (True, False)
    """
    major, minor, _ = version.split(".")
    return (int(major), int(minor)) >= OLDEST_SERVED


def doubt(version: str) -> str:
    """What is doubtful about running on this version, in words; empty: nothing."""
    known = VERSIONS.get(version)
    if known is None:
        newest = next(reversed(VERSIONS))
        return f"which is not known to be on MWAA: the versions known here, to {newest}, are of {AS_OF}"
    if known.is_ended:
        return f"whose support on MWAA ended on {known.end_of_support}: environments go on, but none can be created"
    if known.end_of_support:
        return f"whose support on MWAA ends on {known.end_of_support}: then no environment can be created"
    return ""
