"""The DAG package `mwaa_dr` in a DAGs bucket, below its DAGs folder."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.logs import Logs
from lib.root import ROOT

PACKAGE = "mwaa_dr"


class MetadataDags(Construct):
    """The package's files as objects; others in the bucket are left alone, and ours go with the stack."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bucket: str,
        dags_s3_path: str,
        key_arn: str | None,
        arns: Arns,
        logs: Logs,
        dags: Path = ROOT / "assets" / "dags",
    ) -> None:
        super().__init__(scope, id_)
        asset = assets.Asset(
            self,
            "Package",
            path=str(dags / PACKAGE),
            exclude=["__pycache__", "*.pyc"],
            ignore_mode=IgnoreMode.GIT,
        )
        prefix = f"{dags_s3_path}/{PACKAGE}/"
        self.objects = CustomResource(
            self,
            "DagPackage",
            module="dag_package",
            description="Puts the DAG package into the DAGs bucket, and removes it",
            logs=logs,
            properties={
                "Region": arns.region,
                "Bucket": bucket,
                "Prefix": prefix,
                "PackageBucket": asset.s3_bucket_name,
                "PackageKey": asset.s3_object_key,
            },
            memory_mb=512,
        )
        function = self.objects.function
        function.allow("s3:GetObject", on=f"{arns.bucket(asset.s3_bucket_name)}/{asset.s3_object_key}")
        reason = "the objects of the package, and nothing else below the DAGs folder"
        function.allow("s3:PutObject", "s3:DeleteObject", on=arns.objects(bucket, prefix), because=reason)
        if key_arn:
            function.allow("kms:GenerateDataKey", "kms:Decrypt", on=key_arn)
