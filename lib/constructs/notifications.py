"""Whom a stack tells: an encrypted topic with subscriptions by e-mail."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.stack_key import PUBLISHERS


class Notifications(Construct):
    """A topic to which the account's alarms and rules may publish, over TLS only."""

    def __init__(self, scope: Construct, id_: str, *, key: kms.IKey, emails: Iterable[str], arns: Arns) -> None:
        super().__init__(scope, id_)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsAndRules",
                principals=[iam.ServicePrincipal(service) for service in PUBLISHERS],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": arns.account}},
            )
        )
