"""Environments as MWAA tells of them: where one is, its status, whose it is.

Permissions: airflow:GetEnvironment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lib.functions import clock
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

_PARSED = "before-parse.mwaa.GetEnvironment"
"""An event of botocore: an answer has come, and is about to be read."""

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
    return _find(client("mwaa", place.region), place)


def find_all(place: Place) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The same, and the names of the fields in MWAA's answer that the SDK here is too old to know, and drops."""
    unknown: set[str] = set()

    def compare(response_dict: Mapping[str, Any], operation_model: Any, **_: object) -> None:
        known = operation_model.output_shape.members["Environment"].members
        with suppress(ValueError):  # what is no JSON becomes an error by itself
            unknown.update(json.loads(response_dict["body"]).get("Environment", {}).keys() - known.keys())

    mwaa = client("mwaa", place.region)
    mwaa.meta.events.register(_PARSED, compare)
    try:
        return _find(mwaa, place), tuple(sorted(unknown))
    finally:
        mwaa.meta.events.unregister(_PARSED, compare)


def status_of(environment: Mapping[str, Any] | None) -> str:
    """Its status, or NOT_FOUND."""
    return str(environment["Status"]) if environment else NOT_FOUND


def created_at(environment: Mapping[str, Any]) -> str:
    """When it was created; empty where MWAA does not say it."""
    created = environment.get("CreatedAt")
    return clock.text(created) if created else ""


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


def _find(mwaa: Any, place: Place) -> dict[str, Any] | None:
    with calling(f"look at {place}"):
        try:
            found: dict[str, Any] = mwaa.get_environment(Name=place.name)["Environment"]
        except mwaa.exceptions.ResourceNotFoundException:
            return None
    return found
