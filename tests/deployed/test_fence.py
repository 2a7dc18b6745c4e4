"""The fence, deployed: what becomes of a primary that comes back after a failover."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.functions import clock
from lib.functions.record_table import FENCE, KEY
from tests.support.deployment import Deployment
from tests.support.fence import Fence
from tests.support.local_aws import eventually
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.slow

# An interval longer than any test: the fence looks when a test says so.
VARIABLES = {"DR_TYPE": "WARM_STANDBY", "FENCE_INTERVAL_MINS": "60"}
BOTH = "prod runs in both Regions"
ACTIVE = {"backup_metadata": False, "their_dag": False}
ALARM, OK = 'ALARM: "', 'OK: "'


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment) -> Mailbox:
    """Of the primary's topic."""
    return Mailbox(deployment.aws, deployment.primary.region)


@pytest.fixture
def fence(site: Deployment, mailbox: Mailbox) -> Fence:
    """The fence beside a primary whose DAGs run, before anything has failed over."""
    mailbox.taken()
    made = Fence(site, mailbox)
    made.airflow.paused |= ACTIVE
    return made


@pytest.fixture
def after_failover(fence: Fence) -> Fence:
    """The secondary has taken over, and the primary is back."""
    assert fence.site.run(simulate_dr="YES").states[-1] == "The secondary has taken over"
    return fence


def test_without_a_failover_the_primary_may_run(fence: Fence) -> None:
    assert fence.looks() == "The primary may run"
    assert fence.subjects() == []


def test_a_drill_is_no_failover(fence: Fence) -> None:
    fence.site.run(simulate_dr="YES", activate_dags="NO")
    assert fence.looks() == "The primary may run"


def test_a_primary_that_is_away_is_left_alone(after_failover: Fence) -> None:
    after_failover.site.fails()
    assert after_failover.looks() == "The primary is still away"
    assert after_failover.subjects() == []


def test_a_primary_that_is_back_is_told_of_once_an_hour(after_failover: Fence) -> None:
    fence = after_failover
    assert [fence.looks() for _ in range(2)] == ["People know that both Regions may run"] * 2
    told = fence.mailbox.expect(BOTH)
    assert "the environment runs as my-mwaa-secondary" in told.text
    assert "./build.sh rearm" in told.text
    assert fence.subjects() == [BOTH]
    an_hour_ago = clock.text(clock.now() - timedelta(minutes=61))
    fence.site.client("dynamodb").update_item(
        TableName=fence.site.config.records_table_name,
        Key={KEY: {"S": FENCE}},
        UpdateExpression="SET #at = :at",
        ExpressionAttributeNames={"#at": "at"},
        ExpressionAttributeValues={":at": {"S": an_hour_ago}},
    )
    fence.looks()
    assert fence.mailbox.expect(BOTH)
    assert fence.airflow.paused["their_dag"] is False


def test_after_rearm_the_primary_may_run_again(after_failover: Fence) -> None:
    after_failover.site.operate("rearm")
    assert after_failover.looks() == "The primary may run"


def test_the_schedule_starts_it(fence: Fence) -> None:
    region = fence.site.primary.region
    scheduler, known = fence.site.aws.client("scheduler", region), set(fence.executions())
    names = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
    (name,) = [one for one in names if scheduler.get_schedule(Name=one)["Target"]["Arn"] == fence.machine]
    fence.site.aws.age_schedule(region, name, 61)
    (started,) = eventually(lambda: set(fence.executions()) - known, 90)
    assert fence.entered(started)[-1] == "The primary may run"


def test_a_fence_that_fails_is_told_once_and_once_more_when_it_works_again(fence: Fence) -> None:
    fence.looks()
    fence.site.aws.look_at_alarms(fence.site.primary.region)
    fence.mailbox.taken()
    fence.site.aws.forget_metrics()
    fence.site.aws.silence(fence.site.secondary.region, ["dynamodb"])
    for _ in range(2):
        assert fence.build.ended(fence.build.start(fence.machine))["status"] == "FAILED"
        fence.site.aws.look_at_alarms(fence.site.primary.region)
    told = fence.mailbox.expect(ALARM)
    assert "The fence of prod does not work" in told.text
    assert fence.machine in told.text
    assert len(fence.subjects()) == 1
    fence.site.aws.heal()
    fence.looks()
    fence.site.aws.look_at_alarms(fence.site.primary.region)
    assert fence.mailbox.expect(OK)


def test_with_fencing_all_dags_of_a_primary_that_is_back_are_paused(after_failover: Fence) -> None:
    fence = after_failover
    fence.site.configure(fence.site.config.primary_stack_name, FENCE_PRIMARY="YES")
    fence.airflow.paused |= ACTIVE
    assert fence.looks() == "The primary is quiet"
    assert set(fence.airflow.paused.values()) == {True}
    fence.site.operate("rearm")
    fence.airflow.paused["their_dag"] = False
    assert fence.looks() == "The primary may run"
    assert fence.airflow.paused["their_dag"] is False
