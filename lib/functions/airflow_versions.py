"""What depends on an Airflow version: whether MWAA still creates it, and what may be restored into it."""

from __future__ import annotations

from datetime import date

END_OF_SUPPORT = {
    "1.10.12": date(2024, 2, 21),
    "2.0.2": date(2024, 4, 29),
    "2.2.2": date(2024, 6, 27),
    "2.4.3": date(2025, 12, 30),
    "2.5.1": date(2025, 12, 30),
    "2.6.3": date(2025, 12, 30),
}
"""Version -> the day from which MWAA creates none; versions without a day that was announced are not here.

https://docs.aws.amazon.com/mwaa/latest/userguide/airflow-versions.html
"""


def creation_problem(version: str, today: date) -> str:
    """Why MWAA does not create an environment of that version; empty: it does, as far as is known."""
    end = END_OF_SUPPORT.get(version)
    if end is None or today < end:
        return ""
    return f"MWAA creates no environment with Airflow {version} since {end}: upgrade the environment"


def restore_problem(backup: str, target: str) -> str:
    """Why a backup of one version is not restored into another; empty: it is, within its major line and not back."""
    here, there = _minor(backup), _minor(target)
    if here is None or there is None:
        return f"Airflow {target if here else backup!r} is no version"
    if here[0] == there[0] and here <= there:
        return ""
    return f"a backup of Airflow {backup} is not restored into {target}: only into its minor version or a newer one"


def _minor(version: str) -> tuple[int, int] | None:
    """Major and minor of a version; None for what is none."""
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return int(parts[0]), int(parts[1])
