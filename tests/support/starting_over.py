"""A deployment as it was in the beginning: one backup, a healthy primary, and the standby of a warm standby."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from lib.functions.record_table import KEY
from mwaa_dr.framework.repository import BackupRepository
from tests.support import account
from tests.support.deployment import GOLDEN, Deployment
from tests.support.local_aws import eventually

HEART = {"Function": "Scheduler"}
OTHER = {"Cluster": "WebServer"}
SEEN_MINUTES = 40
"""For so long the primary has sent metrics."""


def start_over(site: Deployment) -> None:
    """Undo what a test has done to the world."""
    site.aws.heal()
    site.aws.scale(waits=0, timeouts=1)
    site.aws.mwaa.pace(create=0, update=0, delete=0)
    _stop_executions(site)
    for name in site.records():
        site.client("dynamodb").delete_item(TableName=site.config.records_table_name, Key={KEY: {"S": name}})
    _back_up_once(site)
    site.aws.mwaa.status(site.primary.region, site.primary.environment_name, "AVAILABLE")
    beat(site)
    _stand_by(site)
    site.client("scheduler").update_schedule(**site.schedule_before)
    for front in site.airflows.values():
        front.reset()
    site.airflow.work["restore_metadata"] = lambda conf: _look_at_backup(site, conf)
    site.mailbox.taken()


def beat(site: Deployment, *, until_minutes: int = 0) -> None:
    """No metrics but those of the primary, every minute; the scheduler's heart stopped so many minutes ago."""
    site.aws.forget_metrics()
    now = datetime.now(timezone.utc)
    times = [now - timedelta(minutes=number) for number in range(SEEN_MINUTES)]
    alive = [at for at in times if now - at >= timedelta(minutes=until_minutes)]
    _put_metric(site, "AmazonMWAA", "SchedulerHeartbeat", HEART, alive)
    _put_metric(site, "AWS/MWAA", "CPUUtilization", OTHER, times)


def _put_metric(site: Deployment, namespace: str, name: str, own: Mapping[str, str], times: list[datetime]) -> None:
    named = {**own, "Environment": site.primary.environment_name}
    dimensions = [{"Name": key, "Value": value} for key, value in named.items()]
    data = [{"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": 1} for at in times]
    site.aws.client("cloudwatch", site.primary.region).put_metric_data(Namespace=namespace, MetricData=data)


def _stop_executions(site: Deployment) -> None:
    states = site.client("stepfunctions")
    for one in states.list_executions(stateMachineArn=site.machine, statusFilter="RUNNING")["executions"]:
        states.stop_execution(executionArn=one["executionArn"])


def lose_backups(site: Deployment) -> None:
    """Leave nothing in the backup buckets of both Regions."""
    for side in (site.primary, site.secondary):
        s3, bucket = site.aws.client("s3", side.region), site.config.backup_bucket_name(side)
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])


def _back_up_once(site: Deployment) -> None:
    """Let the engine's golden backup alone be in the primary's bucket; replication takes it to the secondary's."""
    lose_backups(site)
    storage = site.storage(site.primary)
    files = [path for path in GOLDEN.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: path.name in ("manifest.json", "latest.json")):
        storage.put(str(path.relative_to(GOLDEN)), path.read_bytes())


def _stand_by(site: Deployment) -> None:
    """The standby, or nothing, is in the secondary Region."""
    mwaa = site.client("mwaa")
    for name in mwaa.list_environments()["Environments"]:
        site.aws.mwaa.status(site.secondary.region, name, "AVAILABLE")
        if site.config.is_warm_standby:
            return
        mwaa.delete_environment(Name=name)
        eventually(lambda: site.status() == "NOT_FOUND")
    if site.config.is_warm_standby:
        account.create(site.aws, site.config, site.secondary, **site.environments)
        eventually(lambda: site.status() == "AVAILABLE")


def _look_at_backup(site: Deployment, conf: Mapping[str, Any]) -> dict[str, Any]:
    """What the restore DAG does first: read the backup that is named, from the bucket that is named."""
    assert conf["bucket"] == site.backups
    manifest = BackupRepository(site.storage(site.secondary)).choose(conf["environment"], conf["backup_id"])
    return {"backup_id": manifest.backup_id}
