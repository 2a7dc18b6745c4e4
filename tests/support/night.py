"""An environment that is stopped and started on a local AWS: its Airflow, its machines, and what is left of both."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from drill.aws import LocalAws
from drill.evidence import MADE_ANEW
from lib.config.start_stop import StartStop
from lib.config.start_stop_sections import Environment as Configured
from lib.functions.record_table import KEY
from mwaa_dr.framework.manifest import Environment, TableFile
from mwaa_dr.framework.repository import BackupRepository
from mwaa_dr.framework.storage.s3 import S3Storage
from tests.support.airflow_front import AirflowFront
from tests.support.backups import a_manifest
from tests.support.deployment import ACCOUNT, Execution
from tests.support.local_aws import Builder, eventually
from tests.support.mailbox import Mail, Mailbox

REGION = "us-east-1"
MACHINES = ("stop", "start", "reactivate")
SECONDS = 90
"""For an execution of twenty functions on a busy machine."""


@dataclass
class Night:
    """An environment, its Airflow, and the stack that stops and starts it."""

    aws: LocalAws
    plan: StartStop
    configured: Configured
    airflow: AirflowFront
    mailbox: Mailbox
    fields: Mapping[str, Any]
    """All that CreateEnvironment takes."""
    woken: int = 0
    """Reactivations so far that no stop was followed by: a start may begin one."""

    @property
    def name(self) -> str:
        """The name of the environment."""
        return self.configured.name

    @property
    def place(self) -> str:
        """How the environment is named among those of all Regions."""
        return f"{self.name}.{REGION}"

    @property
    def key_of_note(self) -> str:
        """Where the note of the active DAGs lies."""
        return f"stops/{self.place}/active.json"

    @property
    def build(self) -> Builder:
        """A builder in the Region."""
        return Builder(self.aws, REGION)

    def client(self, service: str) -> Any:
        """A client in the Region."""
        return self.aws.client(service, REGION)

    def machine(self, what: str) -> str:
        """The ARN of a state machine."""
        return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.plan.machine_name(self.configured, what)}"

    def start(self, what: str, **asked: str) -> str:
        """Start one of the machines by hand; the ARN of the execution."""
        return self.build.start(self.machine(what), asked)

    def run(self, what: str, **asked: str) -> Execution:
        """What becomes of one execution."""
        return self.ended(self.start(what, **asked))

    def ended(self, arn: str) -> Execution:
        """An execution once it does not run any more."""
        return Execution(self.build, arn, self.build.ended(arn, SECONDS))

    def stopped_while_at_work(self) -> Execution:
        """A stop that comes upon a run, which ends once the idle DAG is paused."""
        self.airflow.begin("sales", "long")
        arn = self.start("stop")
        eventually(lambda: self.active() == {"sales"}, SECONDS)
        self.airflow.runs["sales"]["long"] = "success"
        return self.ended(arn)

    def redriven(self, execution: Execution) -> Execution:
        """The same execution after a redrive."""
        states = self.client("stepfunctions")
        states.redrive_execution(executionArn=execution.arn)
        eventually(lambda: states.describe_execution(executionArn=execution.arn)["status"] != execution.status)
        return self.ended(execution.arn)

    def states(self, what: str) -> dict[str, Any]:
        """The states of a machine, by the definition that is deployed."""
        found = self.client("stepfunctions").describe_state_machine(stateMachineArn=self.machine(what))
        states: dict[str, Any] = json.loads(found["definition"])["States"]
        return states

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
        if self.name not in mwaa.list_environments()["Environments"]:
            return {}
        found = mwaa.get_environment(Name=self.name)["Environment"]
        return {field: value for field, value in found.items() if field not in MADE_ANEW}

    def status(self) -> str:
        """Its status."""
        return str(self.environment().get("Status", "NOT_FOUND"))

    def active(self) -> set[str]:
        """The DAGs of the user that are active."""
        return {dag_id for dag_id, paused in self.airflow.paused.items() if not paused and "metadata" not in dag_id}

    def records(self) -> dict[str, dict[str, str]]:
        """The records of this environment by their name."""
        items = self.client("dynamodb").scan(TableName=self.plan.records_table_name)["Items"]
        flat = [{name: value["S"] for name, value in item.items()} for item in items]
        return {item.pop(KEY): item for item in flat if item[KEY].endswith(f"/{self.place}")}

    def note(self) -> dict[str, Any]:
        """The note of the DAGs that were active."""
        body = self.client("s3").get_object(Bucket=self.plan.backup_bucket_name, Key=self.key_of_note)["Body"].read()
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
        source, moment = Environment(self.name, REGION), now.isoformat(timespec="microseconds")
        version = self.configured.version
        manifest = a_manifest(backup_id, source, tables=(file,), snapshot_time=moment, airflow_version=version)
        self.storage.put(f"{self.place}/{backup_id}/dag.csv.gz", data)
        BackupRepository(self.storage).publish(manifest, promote=True)
        return {"backup_id": backup_id, "snapshot_time": manifest.snapshot_time, "rows": len(rows)}

    def restore(self, conf: Mapping[str, Any]) -> dict[str, Any]:
        """What the restore DAG does, in small: the DAGs that were active are active again."""
        manifest = BackupRepository(self.storage).choose(conf["environment"], conf["backup_id"])
        data = gzip.decompress(self.storage.get(f"{self.place}/{manifest.backup_id}/dag.csv.gz")).decode()
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
        for what in MACHINES:
            for arn, said in self._described(what):
                if said["status"] == "RUNNING":
                    self.client("stepfunctions").stop_execution(executionArn=arn)
        eventually(self._is_at_rest, SECONDS)
        for name in self.records():
            self.client("dynamodb").delete_item(TableName=self.plan.records_table_name, Key={KEY: {"S": name}})
        self.client("s3").delete_object(Bucket=self.plan.backup_bucket_name, Key=self.key_of_note)
        if self.status() != "NOT_FOUND":
            self.vanish()
        self.appear()
        self.be_at_work()
        self.mailbox.taken()

    def appear(self) -> None:
        """Somebody creates it."""
        self.client("mwaa").create_environment(**self.fields)
        eventually(lambda: self.status() == "AVAILABLE")

    def vanish(self) -> None:
        """Somebody deletes it, or it is deleted at last."""
        self.aws.mwaa.pace(create=0, update=0, delete=0)
        self.aws.mwaa.status(REGION, self.name, "AVAILABLE")
        self.client("mwaa").delete_environment(Name=self.name)
        eventually(lambda: self.status() == "NOT_FOUND")

    def be_at_work(self) -> None:
        """Two DAGs are active, one that somebody has paused is not."""
        self.airflow.reset()
        for dag_id in ("sales", "stock", "unused"):
            self.airflow.add(dag_id, paused=dag_id == "unused")
        self.airflow.work |= {"backup_metadata": self.back_up, "restore_metadata": self.restore}

    def _is_at_rest(self) -> bool:
        """Whether nothing runs, and every stop that has not succeeded was followed by its reactivation."""
        found = {what: [said for _, said in self._described(what)] for what in MACHINES}
        if any(said["status"] == "RUNNING" for all_of_one in found.values() for said in all_of_one):
            return False
        failures = sum(said["redriveCount"] + (said["status"] != "SUCCEEDED") for said in found["stop"])
        followed = len(found["reactivate"]) - self.woken
        self.woken += max(0, followed - failures)
        return bool(failures <= followed)

    def _described(self, what: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for arn in self.executions(what):
            yield arn, self.client("stepfunctions").describe_execution(executionArn=arn)
