"""Whether the primary has a heartbeat at all, asked at deployment."""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_sns as sns
from constructs import Construct

from lib.config.recovery_sections import Side
from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs


class HeartbeatSeen(Construct):
    """A warning, as an output of the stack and as a notification; it never fails a deployment."""

    def __init__(self, scope: Construct, id_: str, *, side: Side, topic: sns.ITopic, logs: Logs) -> None:
        super().__init__(scope, id_)
        resource = CustomResource(
            self,
            "HeartbeatSeen",
            module="heartbeat_seen",
            description="Warns when no heartbeat of the primary was seen",
            logs=logs,
            properties={"Environment": side.environment_name, "Region": side.region, "Topic": topic.topic_arn},
        )
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        resource.function.allow("cloudwatch:GetMetricData", on="*", because="GetMetricData knows no resources")
        resource.function.allow("sns:Publish", on=topic.topic_arn)
        resource.function.allow("kms:Decrypt", "kms:GenerateDataKey", on=logs.key.key_arn)
        CfnOutput(self, "Warning", value=resource.attribute("Warning"))
