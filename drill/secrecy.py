"""Searches everything that was logged for what must be in no log: tokens, secrets, keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drill.compare import Difference
from drill.story import Story

LOGS = ("*.log", "*.out")


def differences(story: Story) -> Iterator[Difference]:
    """Each place where something secret was logged; the secret itself is not told."""
    needles = secrets_of(story)
    for place, text in logged(story):
        for name, needle in needles.items():
            if needle in text:
                yield Difference("log", "tells a secret", f"{name} is in {place}")


def secrets_of(story: Story) -> dict[str, str]:
    """Name -> what nobody may find."""
    sent = {str(call.parameters["taskToken"]) for call in story.site.aws.calls() if "taskToken" in call.parameters}
    return {
        "the value of a variable and of a connection's password": story.kept.secret,
        **_numbered("task token", sorted(sent)),
        **_numbered("CLI or web token", story.site.aws.mwaa.tokens()),
        **story.kept.keys,
    }


def _numbered(kind: str, secrets: Sequence[str]) -> dict[str, str]:
    return {f"{kind} {number}": secret for number, secret in enumerate(secrets, start=1)}


def logged(story: Story) -> Iterator[tuple[str, str]]:
    """Where something was logged -> its text: files, log groups of both Regions, Airflow's audit log."""
    for pattern in LOGS:
        for path in sorted(story.folder.rglob(pattern)):
            yield str(path.relative_to(story.folder)), path.read_text(errors="replace")
    for region in (story.site.primary.region, story.site.secondary.region):
        yield from _log_groups(story.site.aws.client("logs", region), region)
    for extra, event in story.secondary.airflow.query("SELECT extra, event FROM log WHERE extra IS NOT NULL"):
        yield f"the audit log of the secondary ({event})", str(extra)


def _log_groups(logs: Any, region: str) -> Iterator[tuple[str, str]]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            yield f"{name} in {region}", "\n".join(event["message"] for part in events for event in part["events"])
