"""A table of records, of the executions that use it, and of the mails that are sent, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import Topic, sns_backends

from lib.functions.record_table import KEY, RecordTable
from tests.support.regions import NOW

REGION = "us-west-2"
RECORDS = {"table": "mwaa-records", "region": REGION}
PRIMARY = {"name": "my-mwaa", "region": "us-east-1"}
SECONDARY = {"name": "my-mwaa-dr", "region": REGION}


@dataclass
class Account:
    """What the functions work on."""

    table: RecordTable
    machine: str
    topic: str
    now: datetime = NOW

    def execution(self, *, running: bool = True) -> str:
        """A new execution; one that is not running was aborted."""
        states = boto3.client("stepfunctions", region_name=REGION)
        arn: str = states.start_execution(stateMachineArn=self.machine)["executionArn"]
        if not running:
            states.stop_execution(executionArn=arn)
        return arn

    def told(self) -> list[tuple[str, str]]:
        """Subject and text of each mail."""
        return [(str(subject), str(text)) for _, text, subject, *_ in self._topic.sent_notifications]

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def forget(self) -> None:
        """Begin anew."""
        database = boto3.client("dynamodb", region_name=REGION)
        for item in database.scan(TableName=RECORDS["table"])["Items"]:
            database.delete_item(TableName=RECORDS["table"], Key={KEY: item[KEY]})
        self._topic.sent_notifications.clear()
        self.now = NOW

    @property
    def _topic(self) -> Topic:
        return sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic]


def make_table(records: dict[str, str]) -> RecordTable:
    """An empty table of records, as the stacks make it."""
    boto3.client("dynamodb", region_name=records["region"]).create_table(
        TableName=records["table"],
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return RecordTable(records)


@contextmanager
def account() -> Iterator[Account]:
    """An account with nothing in its table."""
    with mock_aws():
        table = make_table(RECORDS)
        machine = boto3.client("stepfunctions", region_name=REGION).create_state_machine(
            name="mwaa-recovery", definition="{}", roleArn="arn:aws:iam::123456789012:role/mwaa-recovery"
        )["stateMachineArn"]
        topic = boto3.client("sns", region_name=REGION).create_topic(Name="mwaa")["TopicArn"]
        yield Account(table, machine, topic)
