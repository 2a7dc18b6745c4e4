"""The objects that were in the DAGs bucket before its replication: copied once, watched, and told of."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from lib.constructs.acknowledge import acknowledge_wildcards, acknowledge_workflow
from lib.constructs.arns import Arns
from lib.constructs.custom_resource import CustomResource
from lib.constructs.failure_report import FailureReport
from lib.constructs.function import Function
from lib.constructs.logs import Logs
from lib.constructs.workflow_logs import without_data

LONGEST = Duration.days(7)
POLL = Duration.minutes(5)


class BatchReplication(Construct):
    """An S3 Batch Replication job, which outlasts a custom resource: a state machine starts and watches it."""

    def __init__(self, scope: Construct, id_: str, *, bucket: str, topic: sns.ITopic, arns: Arns, logs: Logs) -> None:
        super().__init__(scope, id_)
        self._function = self._job_function(arns, logs)
        self.state_machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_chainable(self._story(bucket, topic, arns)),
            timeout=LONGEST,
            logs=without_data(logs.group(self, "Logs")),
            tracing_enabled=True,
            comment="Copies once what was in the DAGs bucket before it was replicated",
        )
        acknowledge_workflow(self.state_machine.role, [self._function.function])
        self.start = CustomResource(
            self,
            "StartOnce",
            module="start_once",
            description="Starts the replication of existing objects when the stack is created, and never again",
            logs=logs,
            properties={"Region": arns.region, "StateMachine": self.state_machine.state_machine_arn},
        )
        self.start.function.allow("states:StartExecution", on=self.state_machine.state_machine_arn)
        report = FailureReport(self, "FailureReport", topic=topic, arns=arns, logs=logs)
        report.tell_of("Rule", self.state_machine.state_machine_name)
        self.start.node.add_dependency(report)

    def _story(self, bucket: str, topic: sns.ITopic, arns: Arns) -> sfn.Chain:
        place = {"account": arns.account, "region": arns.region}
        role = self._job_role(bucket, arns)
        start = self._ask(
            "Start the copy",
            {
                "op": "start",
                **place,
                "bucket": bucket,
                "role_arn": role.role_arn,
                "execution": sfn.JsonPath.execution_id,
            },
        )
        look = self._ask("Look at the copy", {"op": "look", **place, "job_id": sfn.JsonPath.string_at("$.job_id")})
        wait = sfn.Wait(self, "Wait for the copy", time=sfn.WaitTime.duration(POLL))
        tell = tasks.SnsPublish(
            self,
            "Tell how the copy ended",
            topic=topic,
            subject="Existing objects of the DAGs bucket",
            message=sfn.TaskInput.from_json_path_at("$.message"),
            task_timeout=sfn.Timeout.duration(Duration.minutes(1)),
        )
        over = sfn.Choice(self, "Has the copy ended?")
        over.when(sfn.Condition.boolean_equals("$.is_over", True), tell).otherwise(wait)
        return start.next(wait).next(look).next(over)

    def _ask(self, name: str, payload: dict[str, str]) -> tasks.LambdaInvoke:
        task = tasks.LambdaInvoke(
            self,
            name,
            lambda_function=self._function.function,
            payload=sfn.TaskInput.from_object(payload),
            payload_response_only=True,
            task_timeout=sfn.Timeout.duration(Duration.minutes(2)),
        )
        # Both can be asked again; a role that was just made may not be known everywhere yet.
        task.add_retry(errors=["States.ALL"], interval=Duration.seconds(10), max_attempts=5, backoff_rate=2)
        return task

    def _job_function(self, arns: Arns, logs: Logs) -> Function:
        function = Function(
            self,
            "Job",
            module="batch_replication",
            timeout=Duration.minutes(1),
            description="Starts an S3 Batch Replication job, and looks at it",
            logs=logs,
        )
        function.allow(
            "s3:CreateJob",
            on="*",
            when={"StringEquals": {"s3:RequestJobOperation": "S3ReplicateObject"}},
            because="a job that is not there yet has no ARN; only jobs that replicate",
        )
        function.allow("s3:DescribeJob", on=arns.of("s3", "job/*"), because="S3 chooses the id of the job")
        return function

    def _job_role(self, bucket: str, arns: Arns) -> iam.Role:
        """https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-batch-replication-policies.html."""
        service = "batchoperations.s3.amazonaws.com"
        role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal(service))
        objects = arns.objects(bucket)
        for actions, resource in (
            (["s3:InitiateReplication"], objects),
            (["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"], arns.bucket(bucket)),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        acknowledge_wildcards(role, "every object of the bucket is copied", resources=[objects])
        passed = {"StringEquals": {"iam:PassedToService": service}}
        self._function.allow("iam:PassRole", on=role.role_arn, when=passed)
        return role
