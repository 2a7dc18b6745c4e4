"""Stop and start, deployed on a local AWS, of an environment that has everything that an environment can have."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from drill.aws import LocalAws
from lib.config import Config
from lib.config.start_stop import StartStop
from lib.functions.record_table import KEY
from mwaa_dr.framework.manifest import Environment, TableFile
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.support import account
from tests.support.airflow_front import AirflowFront
from tests.support.backups import a_manifest
from tests.support.deployment import ACCOUNT, Execution
from tests.support.local_aws import Builder, eventually
from tests.support.mailbox import Mail, Mailbox

REGION = "us-east-1"
NAME = "dev"
DAGS = "dev-dags"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/dev"
NOTE = f"stops/{NAME}.{REGION}/active.json"
SECONDS = 90
"""For an execution of twenty functions on a busy machine."""

PASSING = {"CreatedAt", "LastUpdate", "CeleryExecutorQueue", "DatabaseVpcEndpointService", "WebserverUrl"}
PASSING |= {"WebserverVpcEndpointService"}
"""What MWAA itself makes anew with each environment."""


@dataclass
class Night:
    """An environment, its Airflow, and the stack that stops and starts it."""

    aws: LocalAws
    env: Path
    plan: StartStop
    airflow: AirflowFront
    mailbox: Mailbox
    network: Mapping[str, list[str]]

    @property
    def build(self) -> Builder:
        """A builder in the Region."""
        return Builder(self.aws, REGION)

    def client(self, service: str) -> Any:
        """A client in the Region."""
        return self.aws.client(service, REGION)

    def machine(self, what: str) -> str:
        """The ARN of a state machine."""
        return (
            f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.plan.machine_name(self.plan.environments[0], what)}"
        )

    def start(self, what: str, **asked: str) -> str:
        """Start one of the machines by hand; the ARN of the execution."""
        return self.build.start(self.machine(what), asked)

    def run(self, what: str, **asked: str) -> Execution:
        """What becomes of one execution."""
        return self.ended(self.start(what, **asked))

    def ended(self, arn: str) -> Execution:
        """An execution once it does not run any more."""
        return Execution(self.build, arn, self.build.ended(arn, SECONDS))

    def redriven(self, execution: Execution) -> Execution:
        """The same execution after a redrive."""
        states = self.client("stepfunctions")
        states.redrive_execution(executionArn=execution.arn)
        eventually(lambda: states.describe_execution(executionArn=execution.arn)["status"] != execution.status)
        return self.ended(execution.arn)

    def executions(self, what: str) -> set[str]:
        """The executions of a machine."""
        found = self.client("stepfunctions").list_executions(stateMachineArn=self.machine(what))["executions"]
        return {one["executionArn"] for one in found}

    def reactivated(self, before: set[str]) -> Execution:
        """The reactivation that was not there before, once it has ended."""
        found = eventually(lambda: self.executions("reactivate") - before, SECONDS)
        return self.ended(next(iter(found)))

    def environment(self) -> dict[str, Any]:
        """All that MWAA says of the environment, but for what it makes anew; empty: it is not there."""
        mwaa = self.client("mwaa")
        if NAME not in mwaa.list_environments()["Environments"]:
            return {}
        found = mwaa.get_environment(Name=NAME)["Environment"]
        return {field: value for field, value in found.items() if field not in PASSING}

    def status(self) -> str:
        """Its status."""
        return str(self.environment().get("Status", "NOT_FOUND"))

    def active(self) -> set[str]:
        """The DAGs of the user that are active."""
        return {dag_id for dag_id, paused in self.airflow.paused.items() if not paused and "metadata" not in dag_id}

    def records(self) -> dict[str, dict[str, str]]:
        """The records by their name."""
        items = self.client("dynamodb").scan(TableName=self.plan.records_table_name)["Items"]
        flat = [{name: value["S"] for name, value in item.items()} for item in items]
        return {item.pop(KEY): item for item in flat}

    def note(self) -> dict[str, Any]:
        """The note of the DAGs that were active."""
        body = self.client("s3").get_object(Bucket=self.plan.backup_bucket_name, Key=NOTE)["Body"].read()
        return dict(json.loads(body))

    def mail(self, words: str) -> Mail:
        """The mail with these words in its subject, once it comes."""
        return self.mailbox.expect(words)

    @property
    def storage(self) -> S3Storage:
        """The backups, as the engine sees them."""
        return S3Storage(self.plan.backup_bucket_name, "data", client=self.client("s3"), region=REGION)

    def back_up(self, conf: Mapping[str, Any]) -> dict[str, Any]:
        """What the backup DAG does, in small: a backup of now, with what the note calls active."""
        assert conf["bucket"] == self.plan.backup_bucket_name
        now = datetime.now(timezone.utc)
        note = self.client("s3").get_object(Bucket=conf["bucket"], Key=conf["active_dags_key"])["Body"].read()
        rows = [[dag_id] for dag_id in json.loads(note)["active"]]
        data = gzip.compress("".join(f"{','.join(row)}\n" for row in [["dag_id"], *rows]).encode(), mtime=0)
        file = TableFile("dag", "dag.csv.gz", ("dag_id",), len(rows), len(data), hashlib.sha256(data).hexdigest())
        backup_id = f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond:012x}"
        manifest = a_manifest(
            backup_id, Environment(NAME, REGION), tables=(file,), snapshot_time=now.isoformat(timespec="microseconds")
        )
        self.storage.put(f"{NAME}.{REGION}/{backup_id}/dag.csv.gz", data)
        BackupRepository(self.storage).publish(manifest, promote=True)
        return {"backup_id": backup_id, "snapshot_time": manifest.snapshot_time, "rows": len(rows)}

    def restore(self, conf: Mapping[str, Any]) -> dict[str, Any]:
        """What the restore DAG does, in small: the DAGs that were active are active again."""
        manifest = BackupRepository(self.storage).choose(conf["environment"], conf["backup_id"])
        data = gzip.decompress(self.storage.get(f"{NAME}.{REGION}/{manifest.backup_id}/dag.csv.gz")).decode()
        for dag_id in data.splitlines()[1:]:
            self.airflow.paused[dag_id] = False
        return {"backup_id": manifest.backup_id, "rows": manifest.tables[0].rows}

    def lose(self) -> None:
        """A new environment knows its DAGs from their files, each paused, and nothing else."""
        dags = [dag_id for dag_id in self.airflow.paused if "metadata" not in dag_id]
        self.airflow.reset()
        for dag_id in dags:
            self.airflow.add(dag_id, paused=True)
        self.airflow.work |= {"backup_metadata": self.back_up, "restore_metadata": self.restore}

    @contextmanager
    def changed(self, what: str, pattern: str, into: str) -> Iterator[None]:
        """Another definition of a machine, for what no test can wait for or bring about."""
        states, arn = self.client("stepfunctions"), self.machine(what)
        definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
        changed, count = re.subn(pattern, into, definition)
        assert count
        states.update_state_machine(stateMachineArn=arn, definition=changed)
        try:
            yield
        finally:
            states.update_state_machine(stateMachineArn=arn, definition=definition)

    def begin(self) -> None:
        """The environment as it was in the beginning: two DAGs at work, one that somebody has paused."""
        self.aws.heal()
        self.aws.scale(waits=0, timeouts=1)
        self.aws.mwaa.pace(create=0, update=0, delete=0)
        states = self.client("stepfunctions")
        for what in ("stop", "start", "reactivate"):
            for one in states.list_executions(stateMachineArn=self.machine(what), statusFilter="RUNNING")["executions"]:
                states.stop_execution(executionArn=one["executionArn"])
        eventually(lambda: not any(self._running()), SECONDS)
        for name in self.records():
            self.client("dynamodb").delete_item(TableName=self.plan.records_table_name, Key={KEY: {"S": name}})
        self.client("s3").delete_object(Bucket=self.plan.backup_bucket_name, Key=NOTE)
        if self.status() != "NOT_FOUND":
            self.aws.mwaa.status(REGION, NAME, "AVAILABLE")
            self.client("mwaa").delete_environment(Name=NAME)
            eventually(lambda: self.status() == "NOT_FOUND")
        _create(self.aws, self.network)
        self.airflow.reset()
        for dag_id in ("sales", "stock", "unused"):
            self.airflow.add(dag_id, paused=dag_id == "unused")
        self.airflow.work |= {"backup_metadata": self.back_up, "restore_metadata": self.restore}
        self.mailbox.taken()

    def _running(self) -> Iterator[str]:
        for what in ("stop", "start", "reactivate"):
            for arn in self.executions(what):
                if self.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "RUNNING":
                    yield arn


@contextmanager
def night(folder: Path, **variables: str) -> Iterator[Night]:
    """Deploy the stack for as long as the block lasts."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws.start(folder / "aws", (REGION,), account=ACCOUNT))
        front = stack.enter_context(AirflowFront(lambda region: aws.client("stepfunctions", region)))
        network = account.networks(aws, {"ENV": REGION})
        wanted = {
            "CDK_DEFAULT_ACCOUNT": ACCOUNT,
            "CDK_DEFAULT_REGION": REGION,
            "MWAA_MAIN_STACK_NAME": "night",
            "MWAA_ENV_NAME": NAME,
            "MWAA_ENV_VERSION": "2.10.3",
            "MWAA_SOURCE_BUCKET_NAME": DAGS,
            "MWAA_EXECUTION_ROLE_ARN": ROLE,
            "MWAA_UPDATE_EXECUTION_ROLE": "yes",
            "MWAA_PAUSE_CRON_SCHEDULE": "'0 20 ? * MON-FRI *'",
            "MWAA_RESUME_CRON_SCHEDULE": "'0 6 ? * MON-FRI *'",
            "MWAA_SCHEDULE_TIME_ZONE": "Europe/Berlin",
            "MWAA_NOTIFICATION_TYPES": "'[FAILED, TIMED_OUT, ABORTED, SUCCEEDED]'",
            "MWAA_COST_PER_HOUR": "0.5",
            "MWAA_VPC_ID": network["ENV_VPC_ID"],
            "MWAA_VPC_SUBNETS": network["ENV_SUBNET_IDS"],
            "MWAA_VPC_SECURITY_GROUPS": network["ENV_SECURITY_GROUP_IDS"],
            **variables,
        }
        env = folder / ".env"
        env.write_text("".join(f"{name}={value}\n" for name, value in wanted.items()))
        plan = Config.load(env, {}).start_stop
        assert plan
        aws.mwaa.pace(create=0, update=0, delete=0)
        aws.mwaa.web_server(REGION, NAME, front.url)
        environment = plan.environments[0]
        ids = {"SubnetIds": [*environment.subnet_ids], "SecurityGroupIds": [*environment.security_group_ids]}
        account.role(aws, str(environment.role_arn), *account.MWAA)
        account.bucket(aws, DAGS, REGION)
        for key in ("plugins.zip", "requirements.txt", "startup.sh"):
            aws.client("s3", REGION).put_object(Bucket=DAGS, Key=key, Body=key.encode())
        _create(aws, ids)
        aws.bootstrap()
        aws.deploy(app=f"{sys.executable} app.py", options=["--context", f"env-file={env}"])
        yield Night(aws, env, plan, front, Mailbox(aws, REGION), ids)


def _create(aws: LocalAws, network: Mapping[str, list[str]]) -> None:
    """An environment with a value in every field that CreateEnvironment takes."""
    s3, mwaa = aws.client("s3", REGION), aws.client("mwaa", REGION)
    versions = {key: s3.head_object(Bucket=DAGS, Key=key)["VersionId"] for key in ("plugins.zip", "requirements.txt")}
    modules = ("DagProcessingLogs", "SchedulerLogs", "TaskLogs", "WebserverLogs", "WorkerLogs")
    mwaa.create_environment(
        Name=NAME,
        ExecutionRoleArn=ROLE,
        SourceBucketArn=f"arn:aws:s3:::{DAGS}",
        DagS3Path="dags",
        NetworkConfiguration=network,
        AirflowVersion="2.10.3",
        AirflowConfigurationOptions={"core.parallelism": "64", "core.dags_are_paused_at_creation": "False"},
        PluginsS3Path="plugins.zip",
        PluginsS3ObjectVersion=versions["plugins.zip"],
        RequirementsS3Path="requirements.txt",
        RequirementsS3ObjectVersion=versions["requirements.txt"],
        StartupScriptS3Path="startup.sh",
        EnvironmentClass="mw1.medium",
        MaxWorkers=12,
        MinWorkers=2,
        Schedulers=3,
        MaxWebservers=4,
        MinWebservers=3,
        LoggingConfiguration={name: {"Enabled": True, "LogLevel": "INFO"} for name in modules},
        WeeklyMaintenanceWindowStart="SUN:03:30",
        WebserverAccessMode="PUBLIC_ONLY",
        EndpointManagement="SERVICE",
        Tags={"team": "data", "cost": "42"},
    )
    eventually(lambda: mwaa.get_environment(Name=NAME)["Environment"]["Status"] == "AVAILABLE")
