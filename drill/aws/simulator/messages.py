"""Everything that is published to a topic is kept for tests to read, whoever is subscribed."""

from __future__ import annotations

from typing import Any

from ministack.services import sns

from drill.aws.simulator.state import door, on_reset

_messages: list[dict[str, str]] = []
on_reset(_messages.clear)


def mend() -> None:
    """Listen where every publisher ends: calls, workflows, rules of EventBridge, alarms."""
    deliver = sns._fanout

    def deliver_and_keep(topic: str, message_id: str, message: str, subject: str, *rest: Any, **more: Any) -> Any:
        kept = {"topic": topic, "subject": subject or "", "message": message, "region": topic.split(":")[3]}
        _messages.append(kept)
        return deliver(topic, message_id, message, subject, *rest, **more)

    sns._fanout = deliver_and_keep


@door("messages")
def messages() -> list[dict[str, str]]:
    """All, oldest first."""
    return _messages
