"""Both products of one `.env`: the primary of disaster recovery stops in the evening, and nothing fails over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.deployment import Deployment, deployed
from tests.support.local_aws import eventually
from tests.support.mailbox import Mailbox
from tests.support.night import REGION, SECONDS, Night
from tests.support.nightfall import NAMED, filled, planned
from tests.support.permissions import Policies, made, wrong
from tests.support.starting_over import beat, start_over

pytestmark = pytest.mark.slow

STOPPED = "stopped/prod.us-east-1"
ON_PURPOSE, HEALTHY = "The primary is stopped on purpose", "The primary is healthy"
VARIABLES = {
    **NAMED,
    "DR_TYPE": "BACKUP_RESTORE",
    "MWAA_ENV_NAME": "prod",
    "MWAA_SOURCE_BUCKET_NAME": "my-mwaa-dags",
    "MWAA_EXECUTION_ROLE_ARN": "arn:aws:iam::111222333444:role/service-role/my-mwaa-role",
}


@dataclass
class Both:
    """Disaster recovery, and the stop and start of its primary."""

    recovery: Deployment
    night: Night

    def begin(self) -> None:
        """A healthy primary at work, whose backup DAG has a schedule; nothing stopped, nothing recovered."""
        night, recovery = self.night, self.recovery
        night.begin()
        recovery.aws.mwaa.age(REGION, night.name, days=30)
        start_over(recovery)
        night.be_at_work()
        night.airflow.paused["backup_metadata"] = False
        night.airflow.variables = dict(self.variables)
        assert recovery.run().states[-1] == HEALTHY

    @property
    def variables(self) -> dict[str, str]:
        """What disaster recovery has set in the primary's Airflow."""
        return {"DR_BACKUP_BUCKET": self.recovery.config.backup_bucket_name(self.recovery.primary)}

    def backups_of_recovery(self) -> set[str]:
        """The objects in the primary's own backup bucket."""
        storage = self.recovery.storage(self.recovery.primary)
        return set(storage.paths())


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with deployed(tmp_path_factory.mktemp("both"), {}, **VARIABLES) as recovery:
        plan = planned(recovery.env)
        (configured,) = plan.environments
        front = recovery.airflows[REGION]
        assert front.variables["DR_BACKUP_BUCKET"] == recovery.config.backup_bucket_name(recovery.primary)
        assert front.variables["DR_STOP_NOTE"] == f"s3://{plan.backup_bucket_name}/stops/prod.{REGION}/active.json"
        assert front.variables["DR_BACKUP_SCHEDULE"] == recovery.config.primary.backup_schedule
        assert front.paused["backup_metadata"] is False
        side = recovery.primary
        network = {"SubnetIds": [*side.subnet_ids], "SecurityGroupIds": [*side.security_group_ids]}
        fields = {**filled(recovery.aws, configured), "NetworkConfiguration": network}
        yield Both(
            recovery, Night(recovery.aws, plan, configured, front, Mailbox(recovery.aws, REGION, of="night"), fields)
        )


@pytest.fixture
def both(land: Both) -> Both:
    """As they were deployed."""
    land.begin()
    return land


def test_a_night_is_no_disaster_during_the_stop_after_it_and_when_the_schedule_fires(both: Both) -> None:
    night, recovery = both.night, both.recovery
    before, backups = night.environment(), both.backups_of_recovery()
    night.aws.forget_calls()
    night.aws.scale(waits=0.02)
    night.aws.mwaa.pace(delete=3600)
    stop = night.start("stop")
    eventually(lambda: night.status() == "DELETING", SECONDS)
    assert recovery.run().states[-1] == ON_PURPOSE
    record = recovery.records()[STOPPED]
    assert record == night.records()[STOPPED]
    night.vanish()
    assert night.ended(stop).states[-1] == "The environment is stopped"
    assert recovery.run().states[-1] == ON_PURPOSE
    recovery.let_it_be_time()
    assert recovery.ended(recovery.started()).states[-1] == ON_PURPOSE
    assert (recovery.airflow.ran(), recovery.status(), recovery.schedule()) == ([], "NOT_FOUND", "ENABLED")
    assert both.backups_of_recovery() == backups
    assert [*night.storage.paths(f"prod.us-east-1/{record['backup_id']}")]
    assert night.airflow.variables == both.variables
    assert night.airflow.paused["backup_metadata"] is False
    night.lose()
    started = night.run("start")
    assert started.states[-1] == "The environment has started", started.why
    assert night.environment() == before
    assert STOPPED not in {**recovery.records(), **night.records()}
    assert night.active() == {"sales", "stock"}
    assert night.airflow.paused["backup_metadata"] is False
    assert recovery.run().states[-1] == HEALTHY
    policies = Policies.of_all(night.aws, "night-")
    assert wrong(made(night.aws, policies), policies) == []


def test_an_environment_that_breaks_after_the_night_is_a_disaster_again(both: Both) -> None:
    night, recovery = both.night, both.recovery
    assert night.run("stop").states[-1] == "The environment is stopped"
    night.lose()
    assert night.run("start").states[-1] == "The environment has started"
    beat(recovery)
    recovery.fails()
    found = recovery.run()
    assert found.states[-1] == "The secondary has taken over", found.why


def test_a_stop_that_recovery_cannot_know_of_does_not_delete(both: Both) -> None:
    night, recovery = both.night, both.recovery
    before = night.executions("reactivate")
    where = f"{night.plan.machine_name(night.configured, 'stop')}/Record the stop"
    night.aws.silence(recovery.secondary.region, ["dynamodb"], "deny", during=where)
    failed = night.run("stop")
    assert (failed.status, failed.states[-1]) == ("FAILED", "Record the stop"), failed.why
    assert night.reactivated(before).states[-1] == "The DAGs are active again"
    assert (night.status(), night.active()) == ("AVAILABLE", {"sales", "stock"})
    assert STOPPED not in {**recovery.records(), **night.records()}
    assert recovery.run().states[-1] == HEALTHY
