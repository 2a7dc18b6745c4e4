"""Who is subscribed to a topic, where a user has an address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from drill.aws import LocalAws
from tests.support.local_aws import eventually


@dataclass(frozen=True)
class Mail:
    """A notification."""

    subject: str
    text: str


class Mailbox:
    """A queue on the only topic of a Region, or the one with these words in its name."""

    def __init__(self, aws: LocalAws, region: str, *, of: str = "") -> None:
        self._mails: list[Mail] = []
        self._sqs: Any = aws.client("sqs", region)
        sns = aws.client("sns", region)
        (topic,) = [one["TopicArn"] for one in sns.list_topics()["Topics"] if of in one["TopicArn"]]
        queue = f"arn:aws:sqs:{region}:{aws.account}:mails"
        policy = json.dumps({"Version": "2012-10-17", "Statement": [_lets_in(topic, queue)]})
        made = self._sqs.create_queue(QueueName="mails", Attributes={"Policy": policy})
        self._queue = made["QueueUrl"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def taken(self) -> list[Mail]:
        """All mails; the box is empty then."""
        found = self._look()
        self._mails = []
        return found

    def expect(self, words: str) -> Mail:
        """The mail with these words in its subject, once it comes."""
        found = eventually(lambda: [mail for mail in self._look() if words in mail.subject])
        return found[0]

    def _look(self) -> list[Mail]:
        while batch := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                sent = json.loads(message["Body"])
                self._mails.append(Mail(sent.get("Subject", ""), sent["Message"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return self._mails


def _lets_in(topic: str, queue: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html#SendMessageToSQS.sqs.permissions."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
