"""What functions are allowed that look at, create, change or delete an environment: the least that MWAA demands."""

from __future__ import annotations

from functools import partial

from lib.constructs.function import Function
from lib.workflows.target import Shelf, Target

MWAA_SERVICES = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
MWAA_ROLE = "role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA"
"""What MWAA acts as; it is made with the first environment of an account."""

ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
DESCRIBED_NETWORK = ("Subnets", "SecurityGroups", "Vpcs", "VpcEndpoints", "NetworkInterfaces", "DhcpOptions")


class EnvironmentAllowances:
    """One method for each kind of step."""

    def __init__(self, target: Target, shelf: Shelf) -> None:
        self._target = target
        self._shelf = shelf

    def look(self, function: Function) -> None:
        """See how it is."""
        function.allow("airflow:GetEnvironment", on=self._target.arn)

    def update(self, function: Function) -> None:
        """Change its options; MWAA is handed the execution role again."""
        function.allow("airflow:UpdateEnvironment", on=self._target.arn)
        self._pass_the_execution_role(function)

    def delete(self, function: Function) -> None:
        """Delete it."""
        function.allow("airflow:DeleteEnvironment", on=self._target.arn)

    def untag(self, function: Function) -> None:
        """Take a tag off."""
        function.allow("airflow:UntagResource", on=self._target.arn)

    def look_before_creation(self, function: Function) -> None:
        """Look at its name, at the room for it, and at what it is created from."""
        self.look(function)
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedworkflowsforapacheairflow.html
        function.allow("airflow:ListEnvironments", on="*", because="ListEnvironments knows no resources")
        arns = self._target.arns
        quotas = arns.of("servicequotas", "airflow/*")
        function.allow("servicequotas:GetServiceQuota", on=quotas, because="the quotas of MWAA, all read")
        self.look_at_versions(function)

    def look_at_versions(self, function: Function) -> None:
        """See which versions of its files there are."""
        function.allow("s3:ListBucketVersions", on=self._target.arns.bucket(self._target.dags_bucket))

    def create(self, function: Function) -> None:
        """What the caller of CreateEnvironment needs, to delete what failed, and to read the blueprint.

        https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html, full console access, without what only
        the console needs.
        """
        target, arns = self._target, self._target.arns
        function.allow(
            *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "DeleteEnvironment")),
            on=target.arn,
        )
        self.read_blueprint(function)
        self._pass_the_execution_role(function)
        function.allow(
            "iam:CreateServiceLinkedRole",
            on=f"arn:{arns.partition}:iam::{arns.account}:{MWAA_ROLE}",
            when={"StringLike": {"iam:AWSServiceName": "airflow.amazonaws.com"}},
        )
        function.allow("s3:GetEncryptionConfiguration", on=arns.bucket(target.dags_bucket))
        logs = arns.of("logs", f"log-group:airflow-{target.name}-*")
        function.allow("logs:CreateLogGroup", "logs:CreateLogStream", on=logs, because="MWAA names the log groups")
        self._use_the_network(function)
        if target.kms_key_arn:
            actions = ("DescribeKey", "CreateGrant", "GenerateDataKey*", "Encrypt", "Decrypt")
            function.allow(
                *(f"kms:{action}" for action in actions),
                on=target.kms_key_arn,
                because="MWAA's guide asks for all kinds of data keys",
            )

    def write_blueprint(self, function: Function, *, of: str) -> None:
        """Look at the environment of that ARN; compare and write one object."""
        function.allow("airflow:GetEnvironment", on=of)
        self.read_blueprint(function)
        function.allow("s3:PutObject", on=self._blueprint)
        function.allow("kms:GenerateDataKey", on=self._shelf.key.key_arn)

    def read_blueprint(self, function: Function) -> None:
        """Read one object; who may not list a bucket is told 403 instead of 404."""
        function.allow("s3:ListBucket", on=self._shelf.bucket.bucket_arn)
        function.allow("s3:GetObject", on=self._blueprint)
        function.allow("kms:Decrypt", on=self._shelf.key.key_arn)

    def read_backups(self, function: Function) -> None:
        """Find and check backups, object by object."""
        reason = "every object of a backup is looked at"
        function.allow("s3:ListBucket", on=self._shelf.bucket.bucket_arn)
        function.allow("s3:GetObject", on=self._shelf.bucket.arn_for_objects("*"), because=reason)
        function.allow("kms:Decrypt", on=self._shelf.key.key_arn)

    def _use_the_network(self, function: Function) -> None:
        """MWAA makes endpoints and network interfaces on its caller's behalf."""
        ec2 = partial(self._target.arns.of, "ec2")
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        described = [f"ec2:Describe{what}" for what in DESCRIBED_NETWORK]
        function.allow(*described, "logs:DescribeLogGroups", on="*", because="what describes knows no resources")
        made = [ec2("vpc-endpoint/*"), ec2("network-interface/*")]
        reason = "what MWAA makes has no ARN before"
        interfaces = ("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission")
        own = self._own_network()
        function.allow("ec2:CreateVpcEndpoint", "ec2:ModifyVpcEndpoint", on=[*own, *made], because=reason)
        function.allow(*interfaces, on=[*own, *made], because=reason)
        attached = [ec2("network-interface/*"), ec2("instance/*")]
        function.allow("ec2:AttachNetworkInterface", on=attached, because=reason)
        function.allow(
            "ec2:CreateTags",
            because=reason,
            on=ec2("vpc-endpoint/*"),
            when={"StringEquals": {"ec2:CreateAction": "CreateVpcEndpoint"}},
        )

    def _own_network(self) -> list[str]:
        ec2, network = partial(self._target.arns.of, "ec2"), self._target.network
        if network is None:
            return [ec2("subnet/*"), ec2("security-group/*"), ec2("vpc/*")]
        return [
            *(ec2(f"subnet/{subnet}") for subnet in network.subnet_ids),
            *(ec2(f"security-group/{group}") for group in network.security_group_ids),
            ec2(f"vpc/{network.vpc_id}"),
        ]

    def _pass_the_execution_role(self, function: Function) -> None:
        function.allow(
            "iam:PassRole",
            on=self._target.role_arn,
            when={"StringEquals": {"iam:PassedToService": MWAA_SERVICES}},
        )

    @property
    def _blueprint(self) -> str:
        return self._shelf.bucket.arn_for_objects(self._shelf.blueprint)
