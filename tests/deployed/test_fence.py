"""The fence, deployed: what becomes of a primary that comes back after a failover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.functions import clock
from lib.functions.record_table import FENCE, KEY
from tests.support.deployment import ACCOUNT, Deployment
from tests.support.local_aws import Builder, eventually
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.slow

# An interval longer than any test: the fence looks when a test says so.
VARIABLES = {"DR_TYPE": "WARM_STANDBY", "FENCE_INTERVAL_MINS": "60"}
BOTH = "prod runs in both Regions"
ALARM, OK = 'ALARM: "', 'OK: "'


@dataclass(frozen=True)
class Fence:
    """The fence of a deployment, in the primary Region."""

    site: Deployment
    mailbox: Mailbox

    @property
    def build(self) -> Builder:
        """A builder where the fence is."""
        return Builder(self.site.aws, self.site.primary.region)

    @property
    def machine(self) -> str:
        """The ARN of its state machine."""
        return f"arn:aws:states:{self.site.primary.region}:{ACCOUNT}:stateMachine:{self.site.config.fence_name}"

    def looks(self) -> str:
        """The last state that an execution of it enters."""
        return self.entered(self.build.start(self.machine))[-1]

    def entered(self, arn: str) -> list[str]:
        """The states of an execution that succeeds."""
        found = self.build.ended(arn)
        assert found["status"] == "SUCCEEDED", found
        events = self.build.history(arn)
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def executions(self) -> list[str]:
        """The ARNs of all its executions."""
        found = self.build.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return [one["executionArn"] for one in found]

    def subjects(self) -> list[str]:
        """What the primary's topic has told since somebody asked."""
        return [mail.subject for mail in self.mailbox.taken()]


@pytest.fixture(scope="module")
def mailbox(deployment: Deployment) -> Mailbox:
    """Of the primary's topic."""
    return Mailbox(deployment.aws, deployment.primary.region)


@pytest.fixture
def fence(site: Deployment, mailbox: Mailbox) -> Fence:
    """The fence beside a primary whose DAGs run, before anything has failed over."""
    dags = site.airflows[site.primary.region]
    dags.paused |= {"backup_metadata": False, "their_dag": False}
    mailbox.taken()
    return Fence(site, mailbox)


@pytest.fixture
def after_failover(fence: Fence) -> Fence:
    """The secondary has taken over, and the primary is back."""
    assert fence.site.run(simulate_dr="YES").states[-1] == "The secondary has taken over"
    return fence


def paused(fence: Fence) -> dict[str, bool]:
    return fence.site.airflows[fence.site.primary.region].paused


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
    assert paused(fence)["their_dag"] is False


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
    fence.site.airflows[fence.site.primary.region].paused |= {"backup_metadata": False, "their_dag": False}
    assert fence.looks() == "The primary is quiet"
    assert set(paused(fence).values()) == {True}
    assert {"backup_metadata", "their_dag"} <= paused(fence).keys()
    fence.site.operate("rearm")
    paused(fence)["their_dag"] = False
    assert fence.looks() == "The primary may run"
    assert paused(fence)["their_dag"] is False
