"""What other services promise and the solution relies on; each test cites the page."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drill.aws import LocalAws
from tests.support.local_aws import Builder

ENVIRONMENTS = "L-67D41C6B"
HEARTBEAT = {"Namespace": "AmazonMWAA", "MetricName": "SchedulerHeartbeat"}
DIMENSIONS = [{"Name": "Function", "Value": "Scheduler"}, {"Name": "Environment", "Value": "mwaa"}]


def error(call: Any, **arguments: Any) -> str:
    """The code of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


class Heartbeats:
    """Twelve minutes of heartbeats, one each minute, from a whole five minutes on."""

    def __init__(self, aws: LocalAws) -> None:
        now = datetime.now(timezone.utc).replace(second=0, microsecond=0)
        self.start = now - timedelta(minutes=20 + now.minute % 5)
        self.client = aws.client("cloudwatch")
        for minute in range(12):
            moment = self.start + timedelta(minutes=minute)
            beat = {"MetricName": "SchedulerHeartbeat", "Dimensions": DIMENSIONS, "Value": 1, "Timestamp": moment}
            self.client.put_metric_data(Namespace="AmazonMWAA", MetricData=[beat])

    def window(self, minutes: int) -> dict[str, Any]:
        """So many minutes from the start."""
        return {"StartTime": self.start, "EndTime": self.start + timedelta(minutes=minutes)}


def test_metric_statistics_are_by_aligned_period_and_leave_out_empty_ones(aws: LocalAws) -> None:
    """AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html"""
    beats = Heartbeats(aws)
    wanted = {**HEARTBEAT, "Dimensions": DIMENSIONS, "Period": 300, "Statistics": ["Sum"]}
    found = beats.client.get_metric_statistics(**wanted, **beats.window(20))["Datapoints"]
    assert sorted((point["Timestamp"] - beats.start).seconds // 60 for point in found) == [0, 5, 10]
    assert sorted(point["Sum"] for point in found) == [2, 5, 5]


def test_metric_data_come_newest_first_unless_asked_otherwise(aws: LocalAws) -> None:
    """AmazonCloudWatch/latest/APIReference/API_GetMetricData.html: ScanBy"""
    beats = Heartbeats(aws)
    stat = {"Metric": {**HEARTBEAT, "Dimensions": DIMENSIONS}, "Period": 300, "Stat": "Sum"}
    wanted = {"MetricDataQueries": [{"Id": "beats", "MetricStat": stat}], **beats.window(20)}
    newest_first = beats.client.get_metric_data(**wanted)["MetricDataResults"][0]
    assert newest_first["Values"] == [2, 5, 5]
    assert newest_first["Timestamps"] == sorted(newest_first["Timestamps"], reverse=True)
    oldest_first = beats.client.get_metric_data(**wanted, ScanBy="TimestampAscending")["MetricDataResults"][0]
    assert oldest_first["Values"] == [5, 5, 2]


def test_a_metric_is_known_in_its_region_only(aws: LocalAws) -> None:
    """AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html: metrics exist only in the Region they are made in"""
    Heartbeats(aws)
    assert aws.client("cloudwatch", "us-west-2").list_metrics(Namespace="AmazonMWAA")["Metrics"] == []


def test_what_is_published_reaches_a_queue(build: Builder, aws: LocalAws) -> None:
    """sns/latest/dg/sns-sqs-as-subscriber.html"""
    sns, sqs = build.client("sns"), build.client("sqs")
    topic = sns.create_topic(Name="notifications")["TopicArn"]
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{aws.account}:seen")
    sns.publish(TopicArn=topic, Subject="Recovered", Message="all of it")
    seen = json.loads(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"])
    assert (seen["Subject"], seen["Message"]) == ("Recovered", "all of it")


def test_every_message_is_read_without_a_subscription(build: Builder, aws: LocalAws) -> None:
    topic = build.client("sns").create_topic(Name="notifications")["TopicArn"]
    build.client("sns").publish(TopicArn=topic, Subject="Recovered", Message="all of it")
    assert [(one.topic, one.subject, one.message) for one in aws.messages()] == [(topic, "Recovered", "all of it")]


def test_an_object_is_written_only_if_it_is_not_there_or_unchanged(build: Builder) -> None:
    """AmazonS3/latest/userguide/conditional-writes.html"""
    s3 = build.client("s3")
    put = {"Bucket": build.bucket("locks"), "Key": "recovery.json"}
    first = s3.put_object(**put, Body=b"1", IfNoneMatch="*")
    assert error(s3.put_object, **put, Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(**put, Body=b"3", IfMatch=first["ETag"])
    assert error(s3.put_object, **put, Body=b"4", IfMatch=first["ETag"]) == "PreconditionFailed"


def test_a_data_key_comes_back_only_with_its_encryption_context(build: Builder) -> None:
    """kms/latest/developerguide/encrypt_context.html"""
    kms = build.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/backups", TargetKeyId=key)
    context = {"backup": "b1"}
    made = kms.generate_data_key(KeyId="alias/backups", KeySpec="AES_256", EncryptionContext=context)
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == made["Plaintext"]
    assert error(kms.decrypt, CiphertextBlob=made["CiphertextBlob"]) == "InvalidCiphertextException"


def test_a_key_of_another_region_cannot_decrypt(build: Builder, aws: LocalAws) -> None:
    """kms/latest/developerguide/overview.html: keys are never shared between Regions"""
    kms = build.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    with pytest.raises(ClientError):
        aws.client("kms", "us-west-2").decrypt(CiphertextBlob=sealed)


def test_the_quota_of_environments_is_told_and_enforced(build: Builder, aws: LocalAws) -> None:
    """mwaa/latest/userguide/mwaa-quotas.html"""
    quotas = build.client("service-quotas")
    assert quotas.get_service_quota(ServiceCode="airflow", QuotaCode=ENVIRONMENTS)["Quota"]["Value"] == 10
    aws.set_quota(ENVIRONMENTS, 1)
    assert quotas.get_service_quota(ServiceCode="airflow", QuotaCode=ENVIRONMENTS)["Quota"]["Value"] == 1
    build.environment("one")
    with pytest.raises(ClientError, match="quota"):
        build.environment("two")
    assert error(quotas.get_service_quota, ServiceCode="airflow", QuotaCode="L-0") == "NoSuchResourceException"
