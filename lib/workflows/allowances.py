"""What functions are allowed, step by step: the least that their calls need."""

from __future__ import annotations

from lib.constructs.function import Function
from lib.workflows.arns import Arns
from lib.workflows.parts import RecoveryParts

MWAA_SERVICES = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
READ_RECORDS = ("dynamodb:GetItem",)
WRITE_RECORDS = (*READ_RECORDS, "dynamodb:PutItem")
ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
DESCRIBED_NETWORK = ("Subnets", "SecurityGroups", "Vpcs", "VpcEndpoints", "NetworkInterfaces", "DhcpOptions")


class Allowances:
    """One method for each kind of step."""

    def __init__(self, parts: RecoveryParts) -> None:
        self._parts = parts
        self._config = parts.config
        self._arns = Arns(parts.config)

    def check_the_health(self, function: Function) -> None:
        """Ask MWAA, CloudWatch and the records; who the caller is nobody can deny."""
        function.allow("airflow:GetEnvironment", on=self._arns.environment(self._config.primary))
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        function.allow("cloudwatch:GetMetricData", on="*", because="GetMetricData knows no resources")
        self._use_records(function, *READ_RECORDS)

    def write_records(self, function: Function) -> None:
        """Read and write records."""
        self._use_records(function, *WRITE_RECORDS)

    def hold_the_lease(self, function: Function) -> None:
        """Write and delete records, and see whether the execution that holds the lease still runs."""
        self._use_records(function, *WRITE_RECORDS, "dynamodb:DeleteItem")
        reason = "any execution of the workflow may hold the lease"
        function.allow("states:DescribeExecution", on=self._arns.executions(), because=reason)

    def ask_for_approval(self, function: Function) -> None:
        """Keep the question in the records, and tell people of it."""
        self._use_records(function, *WRITE_RECORDS)
        function.allow("sns:Publish", on=self._parts.topic.topic_arn)
        function.allow(*ENCRYPT, on=self._parts.key.key_arn)

    def store_the_blueprint(self, function: Function) -> None:
        """Look at the primary; compare and write one object."""
        function.allow("airflow:GetEnvironment", on=self._arns.environment(self._config.primary))
        self._read_blueprint(function)
        function.allow("s3:PutObject", on=self._blueprint)
        function.allow("kms:GenerateDataKey", on=self._parts.backup_key.key_arn)

    def look_before_recovery(self, function: Function) -> None:
        """Read the backups and look at the secondary; at what it is created from, where it is not there yet."""
        bucket = self._parts.backup_bucket
        function.allow("s3:ListBucket", on=bucket.bucket_arn)
        function.allow("s3:GetObject", on=bucket.arn_for_objects("*"), because="every object of a backup is looked at")
        function.allow("kms:Decrypt", on=self._parts.backup_key.key_arn)
        self.look_at_the_secondary(function)
        if self._config.is_warm_standby:
            return
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedworkflowsforapacheairflow.html
        function.allow("airflow:ListEnvironments", on="*", because="ListEnvironments knows no resources")
        function.allow("servicequotas:GetServiceQuota", on=self._arns.quotas(), because="the quotas of MWAA, all read")
        function.allow("s3:ListBucketVersions", on=self._arns.bucket(self._config.secondary.dags_bucket_name))

    def switch_the_schedule(self, function: Function) -> None:
        """Read the schedule and send it back changed, its role with it."""
        function.allow("scheduler:GetSchedule", "scheduler:UpdateSchedule", on=self._arns.schedule())
        function.allow(
            "iam:PassRole",
            on=self._parts.schedule_role.role_arn,
            when={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )

    def look_at_the_secondary(self, function: Function) -> None:
        """See how it is."""
        function.allow("airflow:GetEnvironment", on=self._arns.environment(self._config.secondary))

    def update_the_secondary(self, function: Function) -> None:
        """Change its options; MWAA is handed the execution role again."""
        function.allow("airflow:UpdateEnvironment", on=self._arns.environment(self._config.secondary))
        self._pass_the_execution_role(function)

    def create_the_secondary(self, function: Function) -> None:
        """What the caller of CreateEnvironment needs, to delete what failed, and to read the blueprint.

        https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html, full console access, without what only
        the console needs.
        """
        config, arns = self._config, self._arns
        function.allow(
            *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "DeleteEnvironment")),
            on=arns.environment(config.secondary),
        )
        self._read_blueprint(function)
        self._pass_the_execution_role(function)
        function.allow(
            "iam:CreateServiceLinkedRole",
            on=arns.service_linked_role(),
            when={"StringLike": {"iam:AWSServiceName": "airflow.amazonaws.com"}},
        )
        function.allow("s3:GetEncryptionConfiguration", on=arns.bucket(config.secondary.dags_bucket_name))
        function.allow(
            "logs:CreateLogGroup", "logs:CreateLogStream", on=arns.logs(), because="MWAA names the log groups"
        )
        self._use_the_network(function)
        if config.secondary.kms_key_arn:
            actions = ("DescribeKey", "CreateGrant", "GenerateDataKey*", "Encrypt", "Decrypt")
            function.allow(
                *(f"kms:{action}" for action in actions),
                on=config.secondary.kms_key_arn,
                because="MWAA's guide asks for all kinds of data keys",
            )

    def _use_the_network(self, function: Function) -> None:
        """MWAA makes endpoints and network interfaces on its caller's behalf."""
        ec2 = self._arns.ec2
        secondary = self._config.secondary
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        described = [f"ec2:Describe{what}" for what in DESCRIBED_NETWORK]
        function.allow(*described, "logs:DescribeLogGroups", on="*", because="what describes knows no resources")
        own = [
            *(ec2(f"subnet/{subnet}") for subnet in secondary.subnet_ids),
            *(ec2(f"security-group/{group}") for group in secondary.security_group_ids),
            ec2(f"vpc/{secondary.vpc_id}"),
        ]
        made = [ec2("vpc-endpoint/*"), ec2("network-interface/*")]
        reason = "what MWAA makes has no ARN before"
        interfaces = ("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission")
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

    def _pass_the_execution_role(self, function: Function) -> None:
        function.allow(
            "iam:PassRole",
            on=self._config.secondary.role_arn,
            when={"StringEquals": {"iam:PassedToService": MWAA_SERVICES}},
        )

    @property
    def _blueprint(self) -> str:
        return self._parts.backup_bucket.arn_for_objects(self._config.deployment.backup_file_name)

    def _read_blueprint(self, function: Function) -> None:
        # Who may not list a bucket is told 403 instead of 404.
        function.allow("s3:ListBucket", on=self._parts.backup_bucket.bucket_arn)
        function.allow("s3:GetObject", on=self._blueprint)
        function.allow("kms:Decrypt", on=self._parts.backup_key.key_arn)

    def _use_records(self, function: Function, *actions: str) -> None:
        """DynamoDB uses the key of the table as its caller.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
        """
        function.allow(*actions, on=self._parts.records.table_arn)
        function.allow("kms:Decrypt", "kms:DescribeKey", on=self._parts.key.key_arn)
