"""What both strategies begin and end with, and the state machine that they run in."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.config.recovery_sections import Approval
from lib.workflows import fragments, upkeep
from lib.workflows.allowances import ENCRYPT
from lib.workflows.parts import RecoveryParts
from lib.workflows.steps import Steps
from lib.workflows.story import Part, Step, story, way


class RecoveryWorkflow(Construct):
    """The state machine of a strategy: logged without its data, traced, and with an end."""

    def __init__(self, scope: Construct, id_: str, *, parts: RecoveryParts, tell: Callable[[Steps], Part]) -> None:
        super().__init__(scope, id_)
        # Not encrypted with a customer key: then whoever answers a task token, the execution role, would need it.
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        # The topic is encrypted: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        self.role.add_to_policy(iam.PolicyStatement(actions=[*ENCRYPT], resources=[parts.key.key_arn]))
        steps = Steps(self, parts, role=self.role)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=parts.config.workflow_name,
            definition_body=sfn.DefinitionBody.from_chainable(sfn.Chain.start(tell(steps).first)),
            role=self.role,
            timeout=Duration.minutes(parts.config.machine_timeout_mins),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=parts.log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )


def found_failed(steps: Steps) -> Part:
    """Read the input, check the health, decide; the way on is recovery."""
    check, decide = steps.check_the_health(), steps.decide_what_to_do()
    decision = sfn.Choice(steps.scope, "Act on the decision")
    check.add_catch(decide, errors=["States.ALL"], result_path="$.health")
    begin = story(steps.read_the_input(), check, decide, Part(decision))
    nothing = sfn.Succeed(steps.scope, "Nothing is to be done before the next check")
    healthy = story(upkeep.looked_after(steps), sfn.Succeed(steps.scope, "The primary is healthy"))
    told = story(steps.tell.what_was_found(), nothing)
    is_bad = sfn.Condition.or_(_decides("WATCH"), _decides("UNKNOWN"))
    decision.when(_decides("HEALTHY"), healthy.first)
    decision.when(_decides("STOPPED"), sfn.Succeed(steps.scope, "The primary is stopped on purpose"))
    decision.when(sfn.Condition.and_(is_bad, _is("$.decision.notify", True)), told.first)
    decision.when(sfn.Condition.and_(is_bad, _is("$.decision.notify", False)), nothing)
    return Part(begin.first, (way(decision, _decides("RECOVER")),))


def alone(steps: Steps) -> Part:
    """Take the lease; the way on is that no other execution acts, and nothing has failed over."""
    lease = sfn.Choice(steps.scope, "Act on the lease")
    begin = story(steps.take_the_lease(), Part(lease))
    already = story(steps.tell.failed_over_already(), sfn.Succeed(steps.scope, "The primary has failed over already"))
    lease.when(_leased("HELD"), sfn.Succeed(steps.scope, "Another execution recovers"))
    lease.when(_leased("FAILED_OVER"), already.first)
    return Part(begin.first, (way(lease, _leased("TAKEN")),))


def allowed(steps: Steps) -> Part | None:
    """Ask a person, where the configuration says so."""
    return fragments.approved(steps) if steps.config.recovery.approval is Approval.MANUAL else None


def restored(steps: Steps) -> Part:
    """Wait until the restore DAG is parsed, and let it restore the backup."""
    dag = steps.config.recovery.import_dag_name
    return story(steps.airflow.wait_until_parsed("Wait until the restore DAG is parsed", dag), steps.airflow.restore())


def taken_over(steps: Steps, *more: Part | Step, success: Part) -> Part:
    """Write that the secondary works before anything else may fail: nothing may clean it up from here on."""
    own = steps.airflow.make_it_its_own("Make the secondary its own", schedule=steps.config.secondary.backup_schedule)
    over = story(
        steps.record_the_failover(), own, *more, success, sfn.Succeed(steps.scope, "The secondary has taken over")
    )
    choice = sfn.Choice(steps.scope, "Tell a drill from a failover")
    choice.when(_is("$.input.activate_dags", False), _drilled(steps).first)
    choice.when(_is("$.input.activate_dags", True), over.first)
    return Part(choice)


def _drilled(steps: Steps) -> Part:
    """The primary goes on: neither backups in the secondary nor a record of a failover, and it is watched again."""
    return story(
        steps.airflow.make_it_its_own("Make the secondary its own for the drill", schedule=None),
        steps.end_the_drill(),
        steps.enable_the_health_schedule() if steps.config.health_check.enabled else None,
        steps.tell.the_drill_is_over(),
        sfn.Succeed(steps.scope, "The drill is over"),
    )


def _is(path: str, value: bool) -> sfn.Condition:
    return sfn.Condition.boolean_equals(path, value)


def _decides(word: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.decision.decision", word)


def _leased(word: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.lease.outcome", word)
