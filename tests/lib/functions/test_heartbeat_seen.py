"""A deployment warns of a heartbeat that nobody would miss, and never fails for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from lib.functions import clock, heartbeat_seen, notify
from lib.functions.heartbeat_seen import act
from tests.support.custom_resources import created, deleted

PROPERTIES = {"Environment": "prod", "Region": "us-east-1", "Topic": "arn:aws:sns:us-west-2:111222333444:t"}


class World:
    """CloudWatch, and what was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.beats: list[Any] = []
        self.error: Exception | None = None
        self.told: list[str] = []
        monkeypatch.setattr(heartbeat_seen, "client", lambda service, region: self)
        monkeypatch.setattr(notify, "publish", lambda topic, subject, lines: self.told.extend(lines))

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        values = [1.0 for _ in self.beats]
        return {"MetricDataResults": [{"Id": "beat", "Timestamps": self.beats, "Values": values}]}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_a_heartbeat_that_was_seen_is_no_news(world: World) -> None:
    world.beats = [clock.now() - timedelta(hours=3)]

    assert act(created(**PROPERTIES)).data == {"Warning": "none"}
    assert world.told == []


def test_a_heartbeat_that_was_not_seen_is_told(world: World) -> None:
    warning = act(created(**PROPERTIES)).data["Warning"]

    assert warning.startswith("no SchedulerHeartbeat of prod in us-east-1 was seen in 24 hours")
    assert world.told == [warning]


def test_a_region_that_does_not_answer_fails_no_deployment(world: World) -> None:
    world.error = EndpointConnectionError(endpoint_url="https://monitoring")

    assert act(created(**PROPERTIES)).data["Warning"].startswith("nobody can tell whether prod in us-east-1 has")


def test_a_deletion_asks_nobody(world: World) -> None:
    world.error = AssertionError("asked")

    assert act(deleted("prod.us-east-1", **PROPERTIES)).physical_id == "prod.us-east-1"
