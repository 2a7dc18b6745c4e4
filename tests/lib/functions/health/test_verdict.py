"""Each row of the table: a status of the environment, a heartbeat, and the answer."""

from __future__ import annotations

import boto3
import pytest

from lib.functions.health.verdict import TABLE, Answer, Heartbeat, Status, judge, known_status

ROWS = """
                   BEATING    SILENT     LATE       FILTERED   NO_ANSWER  NOT_TOLD
AVAILABLE          HEALTHY    UNHEALTHY  UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
UPDATE_FAILED      HEALTHY    UNHEALTHY  UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
CREATING           HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
PENDING            HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
UPDATING           HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
ROLLING_BACK       HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
CREATING_SNAPSHOT  HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
MAINTENANCE        HEALTHY    HEALTHY    HEALTHY    HEALTHY    UNKNOWN    UNKNOWN
CREATE_FAILED      UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY
UNAVAILABLE        UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY  UNHEALTHY
DELETING           UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
DELETED            UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
NOT_FOUND          UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
OTHER              HEALTHY    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
NO_ANSWER          UNKNOWN    UNHEALTHY  UNHEALTHY  UNKNOWN    UNHEALTHY  UNKNOWN
NOT_TOLD           UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN    UNKNOWN
"""
HEAD, *LINES = (line.split() for line in ROWS.strip().splitlines())
CELLS = [(line[0], beat, answer) for line in LINES for beat, answer in zip(HEAD, line[1:], strict=True)]


@pytest.mark.parametrize(("status", "heartbeat", "answer"), CELLS)
def test_each_row_of_the_table_is_the_answer(status: str, heartbeat: str, answer: str) -> None:
    assert judge(Status(status), Heartbeat(heartbeat)) is Answer(answer)


def test_every_status_and_every_heartbeat_has_an_answer() -> None:
    assert {status for status, _, _ in CELLS} == {status.value for status in Status} == {s.value for s in TABLE}
    assert set(HEAD) == {heartbeat.value for heartbeat in Heartbeat}


def test_every_status_that_mwaa_can_say_is_known() -> None:
    model = boto3.client("mwaa", region_name="eu-west-1").meta.service_model
    said = model.shape_for("EnvironmentStatus").enum
    assert [status for status in said if known_status(status) is Status.OTHER] == []


def test_a_status_that_came_later_is_not_guessed() -> None:
    assert known_status("HIBERNATED") is Status.OTHER


def test_a_silent_region_is_unknown_while_our_own_network_may_be_the_reason() -> None:
    assert judge(Status.NO_ANSWER, Heartbeat.NO_ANSWER, network_works=False) is Answer.UNKNOWN


@pytest.mark.parametrize(("status", "heartbeat", "answer"), [c for c in CELLS if (c[0], c[1]) != ("NO_ANSWER",) * 2])
def test_our_own_network_matters_only_when_the_whole_region_is_silent(status: str, heartbeat: str, answer: str) -> None:
    assert judge(Status(status), Heartbeat(heartbeat), network_works=False) is Answer(answer)
