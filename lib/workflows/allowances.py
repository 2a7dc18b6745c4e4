"""What the functions of a recovery are allowed, step by step: the least that their calls need."""

from __future__ import annotations

from lib.constructs.arns import Arns
from lib.constructs.function import Function
from lib.functions.backup_manifest import MANIFEST_NAME, REPORT_NAME
from lib.workflows.environment_allowances import ENCRYPT, EnvironmentAllowances
from lib.workflows.parts import RecoveryParts
from lib.workflows.payloads import BACKUP_PREFIX

READ_RECORDS = ("dynamodb:GetItem",)
WRITE_RECORDS = (*READ_RECORDS, "dynamodb:PutItem")
CLEAR_RECORDS = (*WRITE_RECORDS, "dynamodb:DeleteItem")


class Allowances:
    """One method for each kind of step."""

    def __init__(self, parts: RecoveryParts, environment: EnvironmentAllowances) -> None:
        self._parts = parts
        self._config = parts.config
        self._environment = environment
        account = parts.config.deployment.account_id
        self._here = Arns(account, parts.config.secondary.region)
        self._primary = Arns(account, parts.config.primary.region).environment(parts.config.primary.environment_name)

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
        self._environment.write_blueprint(function, of=self._primary)

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
        self._environment.read_backups(function)
        if self._config.is_warm_standby:
            self._environment.look(function)
        else:
            self._environment.look_before_creation(function)

    def switch_the_schedule(self, function: Function) -> None:
        """Read the schedule and send it back changed, its role with it."""
        schedule = self._here.of("scheduler", f"schedule/default/{self._config.schedule_name}")
        function.allow("scheduler:GetSchedule", "scheduler:UpdateSchedule", on=schedule)
        function.allow(
            "iam:PassRole",
            on=self._parts.schedule_role.role_arn,
            when={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        )

    def _use_records(self, function: Function, *actions: str) -> None:
        """The table has a key of DynamoDB, which nobody has to be allowed."""
        function.allow(*actions, on=self._parts.records.table_arn)
