"""A table of records, of the executions that use it, and of the mails that are sent, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from lib.functions import clock
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
    mails: list[Any] = field(default_factory=list)

    def execution(self, *, running: bool = True) -> str:
        """A new execution; one that is not running was aborted."""
        states = boto3.client("stepfunctions", region_name=REGION)
        arn = states.start_execution(stateMachineArn=self.machine)["executionArn"]
        if not running:
            states.stop_execution(executionArn=arn)
        return arn

    def told(self) -> list[tuple[str, str]]:
        """Subject and text of each mail."""
        topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic]
        return [(str(subject), str(text)) for _, text, subject, *_ in topic.sent_notifications]

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)


@contextmanager
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with nothing in its table."""
    with mock_aws():
        database = boto3.client("dynamodb", region_name=REGION)
        database.create_table(
            TableName=RECORDS["table"],
            KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        machine = boto3.client("stepfunctions", region_name=REGION).create_state_machine(
            name="mwaa-recovery", definition="{}", roleArn="arn:aws:iam::123456789012:role/mwaa-recovery"
        )["stateMachineArn"]
        topic = boto3.client("sns", region_name=REGION).create_topic(Name="mwaa")["TopicArn"]
        made = Account(RecordTable(RECORDS), machine, topic)
        monkeypatch.setattr(clock, "now", lambda: made.now)
        yield made
