"""What functions are allowed, step by step: the least that their calls need."""

from __future__ import annotations

from functools import partial

from lib.constructs.arns import Arns
from lib.constructs.function import Function
from lib.functions.backup_manifest import MANIFEST_NAME, REPORT_NAME
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import BACKUP_PREFIX

MWAA_SERVICES = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
MWAA_ROLE = "role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA"
"""What MWAA acts as; it is made with the first environment of an account."""

READ_RECORDS = ("dynamodb:GetItem",)
WRITE_RECORDS = (*READ_RECORDS, "dynamodb:PutItem")
CLEAR_RECORDS = (*WRITE_RECORDS, "dynamodb:DeleteItem")
ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")
DESCRIBED_NETWORK = ("Subnets", "SecurityGroups", "Vpcs", "VpcEndpoints", "NetworkInterfaces", "DhcpOptions")


class Allowances:
    """One method for each kind of step."""

    def __init__(self, parts: RecoveryParts) -> None:
        self._parts = parts
        self._config = parts.config
        account = parts.config.deployment.account_id
        self._here = Arns(account, parts.config.secondary.region)
        self._primary = Arns(account, parts.config.primary.region).environment(parts.config.primary.environment_name)
        self._secondary = self._here.environment(parts.config.secondary.environment_name)

    def check_the_health(self, function: Function) -> None:
        """Ask MWAA, CloudWatch and the records; who the caller is nobody can deny."""
        function.allow("airflow:GetEnvironment", on=self._primary)
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        function.allow("cloudwatch:GetMetricData", on="*", because="GetMetricData knows no resources")
        self._use_records(function, *READ_RECORDS)

    def remember_the_health(self, function: Function) -> None:
        """Keep how the last check ended; forget a refusal when the primary has turned well."""
        self._use_records(function, *CLEAR_RECORDS)

    def hold_the_lease(self, function: Function) -> None:
        """Take and give back, and see whether the execution that holds the lease still runs."""
        self._use_records(function, *CLEAR_RECORDS)
        reason = "any execution of the workflow may hold the lease"
        function.allow("states:DescribeExecution", on=self._here.executions(self._config.workflow_name), because=reason)

    def tell_and_remember(self, function: Function) -> None:
        """Tell people of something, and keep it in the records."""
        self._use_records(function, *WRITE_RECORDS)
        function.allow("sns:Publish", on=self._parts.topic.topic_arn)
        function.allow(*ENCRYPT, on=self._parts.key.key_arn)

    def store_the_blueprint(self, function: Function) -> None:
        """Look at the primary; compare and write one object."""
        function.allow("airflow:GetEnvironment", on=self._primary)
        self._read_blueprint(function)
        function.allow("s3:PutObject", on=self._blueprint)
        function.allow("kms:GenerateDataKey", on=self._parts.backup_key.key_arn)

    def look_at_the_newest_backup(self, function: Function) -> None:
        """List the primary's backups, and read what says how they were taken; not what is in them."""
        bucket = self._parts.backup_bucket
        primary = self._config.primary
        folder = f"{BACKUP_PREFIX}/{primary.environment_name}.{primary.region}"
        read = [bucket.arn_for_objects(f"{folder}/*/{name}") for name in (MANIFEST_NAME, REPORT_NAME)]
        function.allow("s3:ListBucket", on=bucket.bucket_arn)
        function.allow("s3:GetObject", on=read, because="any backup of the primary may be the newest")
        function.allow("kms:Decrypt", on=self._parts.backup_key.key_arn)
        self._use_records(function, *WRITE_RECORDS)

    def look_before_recovery(self, function: Function) -> None:
        """Read the backups and look at the secondary; at what it is created from, where it is not there yet."""
        bucket = self._parts.backup_bucket
        reason = "every object of a backup is looked at"
        function.allow("s3:ListBucket", on=bucket.bucket_arn)
        function.allow("s3:GetObject", on=bucket.arn_for_objects("*"), because=reason)
        function.allow("kms:Decrypt", on=self._parts.backup_key.key_arn)
        self.look_at_the_secondary(function)
        if self._config.is_warm_standby:
            return
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmanagedworkflowsforapacheairflow.html
        function.allow("airflow:ListEnvironments", on="*", because="ListEnvironments knows no resources")
        quotas = self._here.of("servicequotas", "airflow/*")
        function.allow("servicequotas:GetServiceQuota", on=quotas, because="the quotas of MWAA, all read")
        function.allow("s3:ListBucketVersions", on=self._here.bucket(self._config.secondary.dags_bucket_name))

    def switch_the_schedule(self, function: Function) -> None:
        """Read the schedule and send it back changed, its role with it."""
        schedule = self._here.of("scheduler", f"schedule/default/{self._config.schedule_name}")
        function.allow("scheduler:GetSchedule", "scheduler:UpdateSchedule", on=schedule)
        function.allow(
            "iam:PassRole",
            on=self._parts.schedule_role.role_arn,
            when={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )

    def look_at_the_secondary(self, function: Function) -> None:
        """See how it is."""
        function.allow("airflow:GetEnvironment", on=self._secondary)

    def update_the_secondary(self, function: Function) -> None:
        """Change its options; MWAA is handed the execution role again."""
        function.allow("airflow:UpdateEnvironment", on=self._secondary)
        self._pass_the_execution_role(function)

    def create_the_secondary(self, function: Function) -> None:
        """What the caller of CreateEnvironment needs, to delete what failed, and to read the blueprint.

        https://docs.aws.amazon.com/mwaa/latest/userguide/access-policies.html, full console access, without what only
        the console needs.
        """
        config, arns = self._config, self._here
        function.allow(
            *(f"airflow:{action}" for action in ("CreateEnvironment", "TagResource", "DeleteEnvironment")),
            on=self._secondary,
        )
        self._read_blueprint(function)
        self._pass_the_execution_role(function)
        function.allow(
            "iam:CreateServiceLinkedRole",
            on=f"arn:{arns.partition}:iam::{arns.account}:{MWAA_ROLE}",
            when={"StringLike": {"iam:AWSServiceName": "airflow.amazonaws.com"}},
        )
        function.allow("s3:GetEncryptionConfiguration", on=arns.bucket(config.secondary.dags_bucket_name))
        logs = arns.of("logs", f"log-group:airflow-{config.secondary.environment_name}-*")
        function.allow("logs:CreateLogGroup", "logs:CreateLogStream", on=logs, because="MWAA names the log groups")
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
        ec2 = partial(self._here.of, "ec2")
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
        """The table has a key of DynamoDB, which nobody has to be allowed."""
        function.allow(*actions, on=self._parts.records.table_arn)
