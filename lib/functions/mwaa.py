"""Environments as MWAA tells of them: where one is, its status, whose it is.

Permissions: airflow:GetEnvironment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib.functions.aws import client
from lib.functions.calls import calling

NOT_FOUND = "NOT_FOUND"
"""Ours, for an environment that MWAA does not know."""

GONE = frozenset({NOT_FOUND, "DELETED"})
USABLE = frozenset({"AVAILABLE", "UPDATE_FAILED"})
"""After UPDATE_FAILED an environment is what it was before, and ready to use.

https://docs.aws.amazon.com/mwaa/latest/API/API_Environment.html
"""
BROKEN = frozenset({"CREATE_FAILED", "UNAVAILABLE"})

PAUSED_AT_CREATION = "core.dags_are_paused_at_creation"


@dataclass(frozen=True)
class Place:
    """Which environment is meant."""

    name: str
    region: str

    @classmethod
    def of(cls, payload: Mapping[str, str]) -> Place:
        """Read it from a payload, which may say more."""
        return cls(payload["name"], payload["region"])

    @property
    def id(self) -> str:
        """Its folder in a backup bucket."""
        return f"{self.name}.{self.region}"

    def __str__(self) -> str:
        return f"environment '{self.name}' in {self.region}"


def find(place: Place) -> dict[str, Any] | None:
    """What GetEnvironment says; None where there is no such environment."""
    mwaa = client("mwaa", place.region)
    with calling(f"look at {place}"):
        try:
            found: dict[str, Any] = mwaa.get_environment(Name=place.name)["Environment"]
        except mwaa.exceptions.ResourceNotFoundException:
            return None
    return found


def status_of(environment: Mapping[str, Any] | None) -> str:
    """Its status, or NOT_FOUND."""
    return str(environment["Status"]) if environment else NOT_FOUND


def web_server_of(environment: Mapping[str, Any]) -> str:
    """From where its web server is reached: PRIVATE, only from inside the VPC, or PUBLIC."""
    # MWAA's default; PUBLIC_AND_PRIVATE came with Airflow 3.2.
    return "PRIVATE" if environment.get("WebserverAccessMode", "PRIVATE_ONLY") == "PRIVATE_ONLY" else "PUBLIC"


def last_error(environment: Mapping[str, Any]) -> str:
    """What MWAA says about the last creation or update that failed; empty where it says nothing."""
    error = environment.get("LastUpdate", {}).get("Error", {})
    return ": ".join(part for part in (error.get("ErrorCode"), error.get("ErrorMessage")) if part)


def has_tags(environment: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether it carries all these tags; no tags prove nothing."""
    return bool(tags) and tags.items() <= environment.get("Tags", {}).items()
