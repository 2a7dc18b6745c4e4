"""Warm standby, deployed: what becomes of real executions of the real workflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from lib.functions import clock
from lib.functions.backup_manifest import TIME_FORM
from lib.functions.record_table import BACKUPS, FAILED_OVER
from tests.conftest import Database
from tests.support.backups import a_backup
from tests.support.deployment import Deployment
from tests.support.engine import VERSION, cleanup, restore
from tests.support.filled import fill
from tests.support.local_aws import eventually
from tests.support.metadata import Metadata
from tests.support.starting_over import lose_backups

pytestmark = pytest.mark.slow

VARIABLES = {"DR_TYPE": "WARM_STANDBY", "SECONDARY_BACKUP_SCHEDULE": "'0 2 * * *'"}
SIMULATED = {"simulate_dr": "YES"}
OVER = "The secondary has taken over"


def test_a_healthy_primary_is_left_alone(site: Deployment) -> None:
    assert site.run().states[-1] == "The primary is healthy"
    assert site.schedule() == "ENABLED"


def test_checks_that_fail_alike_are_told_once(site: Deployment) -> None:
    with site.broken("lib.functions.decide.handler"):
        for _ in range(2):
            found = site.run()
            assert (found.status, found.states[-1]) == ("FAILED", "Decide what to do")
        failed = eventually(lambda: [one for one in site.records().values() if one.get("count") == "2"])
    assert failed[0]["since"] == failed[0]["notified_at"]
    told = site.mail("mwaa-data-team-recovery failed: Decide what to do").text
    assert "you hear of that once an hour" in told
    assert len(site.mailbox.taken()) == 1


def test_backups_that_do_not_arrive_are_told_until_one_does(site: Deployment) -> None:
    now = datetime.now(timezone.utc)
    lose_backups(site)
    site.remember(BACKUPS, since=clock.text(now - timedelta(days=1)))
    for _ in range(2):
        assert site.run().states[-1] == "The primary is healthy"
    told = site.mail("Look after the backups of prod").text
    assert "there is no whole backup of environment 'prod' in us-east-1" in told
    assert "is backup_metadata active (not paused)" in told
    assert len(site.mailbox.taken()) == 1
    a_backup(site.storage(site.primary), f"{now:{TIME_FORM}}-0123456789ab")  # from here on replication does it
    eventually(lambda: site.run() and site.records()[BACKUPS].get("backup_id"))
    assert [mail.subject for mail in site.mailbox.taken()] == ["All is well again with the backups of prod"]


def test_a_broken_primary_is_restored_into_the_standby(site: Deployment, database: Database) -> None:
    target = Metadata(database(VERSION))
    fill(target, logs=5)  # with runs in flight

    def really_clean(conf: Mapping[str, Any]) -> dict[str, Any]:
        return {"removed": len(cleanup(target.url, force=conf["force"]).tables)}

    def really_restore(conf: Mapping[str, Any]) -> dict[str, Any]:
        place = site.storage(site.secondary)
        report = restore(target.url, place, backup_id=conf["backup_id"], source=conf["environment"])
        return {"backup_id": report.backup_id}

    site.airflow.work |= {"cleanup_metadata": really_clean, "restore_metadata": really_restore}
    site.fails()
    found = site.run()
    assert found.states[-1] == OVER, found.why
    assert site.airflow.ran() == ["cleanup_metadata", "restore_metadata"]
    assert target.one("SELECT count(*) FROM log WHERE event LIKE 'nasty%'") == 17
    assert site.airflow.conf_of("restore_metadata")["backup_id"] == site.golden_id()
    assert site.airflow.variables["DR_BACKUP_SCHEDULE"] == "0 2 * * *"
    assert site.airflow.paused["backup_metadata"] is False
    assert site.schedule() == "DISABLED"
    assert site.records()[FAILED_OVER]["backup_id"] == site.golden_id()
    assert "MWAA says UNAVAILABLE" in site.mail("Recovery of prod starts").text


def test_a_simulated_disaster_is_recovered(site: Deployment) -> None:
    assert site.run(**SIMULATED).states[-1] == OVER
    assert "simulated" in site.mail("starts").text


def test_after_a_failover_nothing_is_recovered_until_it_is_forced(site: Deployment) -> None:
    site.run(**SIMULATED)
    site.mailbox.taken()
    again = site.run(**SIMULATED)
    assert again.states[-1] == "The primary has failed over already"
    assert site.airflow.ran() == ["cleanup_metadata", "restore_metadata"]
    assert "./build.sh rearm" in site.mail("No second recovery").text
    assert site.run(**SIMULATED, force="YES").states[-1] == OVER


def test_a_drill_leaves_the_primary_in_charge(site: Deployment) -> None:
    assert site.run(**SIMULATED, activate_dags="NO").states[-1] == "The drill is over"
    assert site.airflow.conf_of("restore_metadata")["activate_dags"] is False
    assert "DR_BACKUP_SCHEDULE" not in site.airflow.variables
    assert FAILED_OVER not in site.records()
    assert site.schedule() == "ENABLED"
    assert site.mail("drill")


@pytest.mark.parametrize("service", ["airflow", "cloudwatch"])
def test_one_silent_service_is_told_and_nothing_is_done(site: Deployment, service: str) -> None:
    site.aws.silence(site.primary.region, [service])
    assert site.run().states[-1] == "Nothing is to be done before the next check"
    assert "does not answer" in site.mail("needs attention").text
    assert site.airflow.ran() == []
    assert site.schedule() == "ENABLED"


def test_a_silent_region_is_recovered_without_a_word_from_it(site: Deployment) -> None:
    site.aws.silence(site.primary.region)
    for bucket in (site.config.backup_bucket_name(site.primary), site.primary.dags_bucket_name):
        site.aws.silence_bucket(bucket)
    site.aws.forget_calls()
    assert site.run().states[-1] == OVER
    asked = {call.service for call in site.aws.calls() if call.region == site.primary.region}
    assert asked <= {"airflow", "cloudwatch", "monitoring"}


def test_our_own_broken_network_is_no_disaster(site: Deployment) -> None:
    for region in (site.primary.region, site.config.witness_region):
        site.aws.silence(region or "")
    assert site.run().states[-1] == "Nothing is to be done before the next check"
    assert "our own network may be the reason" in site.mail("needs attention").text
    assert site.airflow.ran() == []


def test_the_schedule_starts_the_check(site: Deployment) -> None:
    site.let_it_be_time()
    found = site.ended(site.started())
    assert found.states[-1] == "The primary is healthy"


def test_a_failover_is_forgotten_by_rearm(site: Deployment) -> None:
    site.run(**SIMULATED)
    assert site.operate("rearm") == "the failover is forgotten; the health check is on again"
    assert site.schedule() == "ENABLED"
    assert site.run(**SIMULATED).states[-1] == OVER


def test_with_manual_approval_a_person_is_waited_for(site: Deployment) -> None:
    site.configure(FAILOVER_APPROVAL="MANUAL")
    site.aws.scale(waits=0.02)
    arn = site.start(**SIMULATED)
    name = arn.rpartition(":")[2]
    assert f"./build.sh approve {name}" in site.mail("Approve the recovery").text
    assert site.airflow.ran() == []
    assert site.operate("approve", name) == f"{name}: approved"
    assert site.ended(arn).states[-1] == OVER
    site.operate("rearm")
    site.mailbox.taken()
    refused = site.start(**SIMULATED)
    site.mail("Approve the recovery")
    site.operate("approve", refused.rpartition(":")[2], "REFUSED")
    assert site.ended(refused).states[-1] == "The recovery was refused"
