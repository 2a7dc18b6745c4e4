"""Searches everything that was logged for what must be in no log: tokens, secrets, keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drill.compare import Difference
from drill.life import Life

LOGS = ("*.log", "*.out")
WATCHED = "msg=StartupDetails("
"""How Airflow 3.0, at any level, tells all that it sends to a task, with the conf (docs/living-airflow.md)."""


def differences(story: Life) -> Iterator[Difference]:
    """Each place where something secret was logged; the secret itself is not told."""
    needles = secrets_of(story)
    for place, text in logged(story):
        for name, needle in needles.items():
            if needle in text:
                yield Difference("log", "tells a secret", f"{name} is in {place}")


def secrets_of(story: Life) -> dict[str, str]:
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


def logged(story: Life) -> Iterator[tuple[str, str]]:
    """Where something was logged -> its text: files, log groups of all Regions, Airflow's audit log."""
    is_watched = story.successor.airflow.version[:2] == (3, 0)
    for pattern in LOGS:
        for path in sorted(story.folder.rglob(pattern)):
            text = path.read_text(errors="replace")
            yield str(path.relative_to(story.folder)), without_what_is_sent(text) if is_watched else text
    for region in story.site.regions:
        yield from _log_groups(story.site.aws.client("logs", region), region)
    for extra, event in story.successor.airflow.query("SELECT extra, event FROM log WHERE extra IS NOT NULL"):
        yield f"the audit log of what goes on ({event})", str(extra)


def without_what_is_sent(text: str) -> str:
    """Without the lines that Airflow 3.0 itself writes before any code of ours runs."""
    return "\n".join(line for line in text.splitlines() if WATCHED not in line)


def _log_groups(logs: Any, region: str) -> Iterator[tuple[str, str]]:
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=name)
            yield f"{name} in {region}", "\n".join(event["message"] for part in events for event in part["events"])
