"""Notifications: what happened, the reason and the next command, as a mail can show it."""

from __future__ import annotations

from datetime import timedelta

from lib.functions.aws import client

TOLD_EVERY = timedelta(hours=1)
"""How often people are told again of what goes on."""

SUBJECT_LIMIT = 100
"""https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: ASCII, one line, less than 100 characters."""


def publish(topic_arn: str, subject: str, lines: list[str]) -> None:
    """Tell all who are subscribed."""
    topics = client("sns", topic_arn.split(":")[3], connect=3, read=5, attempts=3)
    topics.publish(TopicArn=topic_arn, Subject=_subject(subject), Message="\n".join(lines))


def _subject(text: str) -> str:
    """One line of ASCII that fits.

    >>> _subject("Rückkehr\\n")
    'R?ckkehr'
    """
    return " ".join(text.encode("ascii", "replace").decode().split())[: SUBJECT_LIMIT - 1]
