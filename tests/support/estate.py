"""The account of a user on a local AWS, and what our app's deployments make of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from lib.config import Config
from lib.config.recovery import DisasterRecovery
from tests.support import account
from tests.support.airflow_front import AirflowFront
from tests.support.checkout import Checkout
from tests.support.local_aws import Builder, eventually

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1" / "plain"
"""A backup that the engine took of `prod` in us-east-1."""

ACCOUNT = "111222333444"
UNASKED = ("--require-approval", "never")
REGIONS = {"PRIMARY": "us-east-1", "SECONDARY": "us-west-2"}


@dataclass
class Estate:
    """Two Regions with networks, DAGs buckets, roles and a primary environment; our stacks once they are deployed."""

    aws: LocalAws
    checkout: Checkout
    variables: dict[str, str]
    fronts: Mapping[str, AirflowFront]
    """The Airflow of each side, by Region."""

    @property
    def config(self) -> DisasterRecovery:
        """What the .env file says."""
        found = Config.load(self.checkout.env, {}).disaster_recovery
        assert found
        return found

    @property
    def airflow(self) -> AirflowFront:
        """The Airflow of the primary."""
        return self.fronts[REGIONS["PRIMARY"]]

    def primary(self, service: str) -> Any:
        """A client in the primary Region."""
        return self.aws.client(service, REGIONS["PRIMARY"])

    def secondary(self, service: str) -> Any:
        """A client in the secondary Region."""
        return self.aws.client(service, REGIONS["SECONDARY"])

    def build(self, side: str = "PRIMARY") -> Builder:
        """A builder in the Region of a side."""
        return Builder(self.aws, REGIONS[side])

    def deploy(self, *options: str, **changes: str) -> None:
        """`./build.sh deploy` with these variables changed in the .env file."""
        self.configure(**changes)
        self.checkout.built("deploy", *UNASKED, *options)

    def configure(self, **changes: str) -> None:
        """Change variables in the .env file."""
        self.variables |= changes
        self.checkout.env.write_text(account.env_file(self.variables))

    def destroy(self) -> None:
        """`./build.sh destroy`."""
        self.checkout.built("destroy", "--force")

    def stacks(self) -> list[Mapping[str, Any]]:
        """What CloudFormation says of both stacks."""
        names = {"PRIMARY": self.config.primary_stack_name, "SECONDARY": self.config.secondary_stack_name}
        found = [
            self.aws.client("cloudformation", REGIONS[side]).describe_stacks(StackName=name)["Stacks"]
            for side, name in names.items()
        ]
        return [stack for stacks in found for stack in stacks]

    def resources(self, side: str) -> list[Mapping[str, Any]]:
        """What CloudFormation says of the resources of a side's stack; none: there is no stack."""
        name = self.config.primary_stack_name if side == "PRIMARY" else self.config.secondary_stack_name
        cloudformation = self.aws.client("cloudformation", REGIONS[side])
        stacks = cloudformation.describe_stacks()["Stacks"]
        live = {stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"}
        return cloudformation.describe_stack_resources(StackName=name)["StackResources"] if name in live else []

    def keys(self, bucket: str) -> set[str]:
        """The keys of the current objects of a bucket, in whatever Region."""
        pages = self.primary("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {entry["Key"] for page in pages for entry in page.get("Contents", ())}

    def has(self, bucket: str, key: str) -> bool:
        """Whether a bucket has a current object of this key."""
        return key in self.keys(bucket)

    def put(self, bucket: str, *keys: str) -> None:
        """Objects with their own key as their content."""
        for key in keys:
            self.primary("s3").put_object(Bucket=bucket, Key=key, Body=key.encode())

    def replication(self, bucket: str) -> dict[str, Any]:
        """Role and rules of a bucket that is in the primary Region."""
        found: dict[str, Any] = self.primary("s3").get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
        return found

    def backups(self, side: str) -> str:
        """The name of the backup bucket of a side."""
        config = self.config
        return config.backup_bucket_name(config.primary if side == "PRIMARY" else config.secondary)

    def backup_keys(self) -> list[str]:
        """The ids of the keys behind the alias of the backups, those that may be used."""
        clients = [self.primary("kms"), self.secondary("kms")]
        found = [kms.describe_key(KeyId=self.config.backup_key_alias)["KeyMetadata"] for kms in clients]
        return [key["KeyId"] for key in found if key["KeyState"] == "Enabled"]

    def roles(self) -> list[str]:
        """The ARNs of all roles."""
        return [role["Arn"] for role in self.primary("iam").list_roles()["Roles"]]

    def copies_of_before(self) -> list[Mapping[str, Any]]:
        """The executions that copied, or copy, what was in the DAGs bucket before us."""
        states = self.primary("stepfunctions")
        names = {one["name"]: one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]}
        (machine,) = [arn for name, arn in names.items() if "ExistingDags" in name]
        return list(states.list_executions(stateMachineArn=machine)["executions"])

    def endpoint(self) -> None:
        """Give the secondary VPC an endpoint of Step Functions, as a user would."""
        secondary = self.config.secondary
        self.secondary("ec2").create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=secondary.vpc_id,
            ServiceName=f"com.amazonaws.{secondary.region}.states",
            SubnetIds=[*secondary.subnet_ids],
            SecurityGroupIds=[*secondary.security_group_ids],
            PrivateDnsEnabled=True,
        )

    def golden_id(self) -> str:
        """The name of the backup that `put_golden_backup` puts."""
        (found,) = [path.name for path in (GOLDEN / "prod.us-east-1").iterdir() if path.is_dir()]
        return found

    def put_golden_backup(self) -> None:
        """A backup of the engine in the primary's bucket, once it is in the secondary's, too."""
        files = [path for path in GOLDEN.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: path.name in ("manifest.json", "latest.json")):
            key, body = f"data/{path.relative_to(GOLDEN)}", path.read_bytes()
            self.primary("s3").put_object(Bucket=self.backups("PRIMARY"), Key=key, Body=body)
        eventually(lambda: len([key for key in self.keys(self.backups("SECONDARY")) if "data/" in key]) == len(files))

    def stay_healthy(self) -> None:
        """Let the scheduler of the primary have a heartbeat for the last half hour."""
        now = datetime.now(timezone.utc)
        own = {"Function": "Scheduler", "Environment": "prod"}
        dimensions = [{"Name": name, "Value": value} for name, value in own.items()]
        data = [
            {"MetricName": "SchedulerHeartbeat", "Dimensions": dimensions, "Value": 1, "Timestamp": at}
            for at in (now - timedelta(minutes=ago) for ago in range(31))
        ]
        self.primary("cloudwatch").put_metric_data(Namespace="AmazonMWAA", MetricData=data)

    def recovered(self, **flags: str) -> dict[str, Any]:
        """What becomes of one execution of the recovery workflow."""
        return self._ended("SECONDARY", self.config.workflow_name, flags)

    def fenced(self) -> dict[str, Any]:
        """What becomes of one execution of the fence."""
        return self._ended("PRIMARY", self.config.fence_name, {})

    def _ended(self, side: str, machine: str, data: Mapping[str, Any]) -> dict[str, Any]:
        build = self.build(side)
        return build.ended(build.start(f"arn:aws:states:{REGIONS[side]}:{ACCOUNT}:stateMachine:{machine}", data))


@contextmanager
def estate(folder: Path, **variables: str) -> Iterator[Estate]:
    """A bootstrapped account, for as long as the block lasts; `variables` change .env.example."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws.start(folder / "aws", account=ACCOUNT, auth=True))
        fronts = {region: stack.enter_context(_front(aws)) for region in REGIONS.values()}
        named = {"PRIMARY_MWAA_ENVIRONMENT_NAME": "prod", **account.networks(aws, REGIONS), **variables}
        made = Estate(aws, Checkout.make(folder / "checkout", aws), named, fronts)
        made.configure()
        config = made.config
        aws.mwaa.pace(create=0, update=0, delete=0)
        for side in (config.primary, config.secondary):
            aws.mwaa.web_server(side.region, side.environment_name, fronts[side.region].url)
        account.prepare(aws, config)
        eventually(lambda: made.build().status("prod") == "AVAILABLE")
        made.checkout.built("bootstrap")
        yield made


def _front(aws: LocalAws) -> AirflowFront:
    return AirflowFront(lambda region: aws.client("stepfunctions", region))
