"""The key of the backups of a Region: found by its alias, or made, and kept with the backups."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs


class BackupKey(Construct):
    """A rotated KMS key behind an alias that other Regions know from the configuration.

    CloudFormation can only make a new key, and old backups need the old one: a custom resource adopts it.
    """

    def __init__(self, scope: Construct, id_: str, *, alias: str, retain: bool, arns: Arns, logs: Logs) -> None:
        super().__init__(scope, id_)
        resource = CustomResource(
            self,
            "BackupKey",
            module="backup_key",
            description="Finds or makes the key of the backups",
            logs=logs,
            properties={"Region": arns.region, "Alias": alias, "Retain": "YES" if retain else "NO"},
        )
        function = resource.function
        tag = "aws:{}Tag/mwaa-dr"
        function.allow(
            "kms:CreateKey",
            "kms:TagResource",
            on="*",
            when={"StringEquals": {tag.format("Request"): alias}},
            because="a key that is not there yet has no ARN; only with the tag of the backups",
        )
        # https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html: no resources.
        function.allow("kms:ListAliases", on="*", because="aliases are listed all or none")
        function.allow("kms:CreateAlias", "kms:DeleteAlias", on=arns.alias(alias))
        function.allow(
            "kms:DescribeKey",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:CreateAlias",
            "kms:DeleteAlias",
            "kms:CancelKeyDeletion",
            "kms:ScheduleKeyDeletion",
            on=arns.keys,
            when={"StringEquals": {tag.format("Resource"): alias}},
            because="only keys with the tag of the backups",
        )
        self.key: kms.IKey = kms.Key.from_key_arn(self, "Key", resource.attribute("Arn"))
