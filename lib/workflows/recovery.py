"""What both strategies begin and end with, and the state machine that they run in."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import Duration, IResolvable
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from lib.config.recovery_sections import Approval
from lib.workflows import fragments, upkeep
from lib.workflows.lease_steps import FAILOVER
from lib.workflows.machine import machine_role, state_machine
from lib.workflows.parts import RecoveryParts
from lib.workflows.steps import Steps
from lib.workflows.story import Part, Step, story, way

ANSWER_SECS = 15
STANDBY_SECS = 15


class RecoveryWorkflow(Construct):
    """The state machine of a strategy."""

    def __init__(self, scope: Construct, id_: str, *, parts: RecoveryParts, tell: Callable[[Steps], Part]) -> None:
        super().__init__(scope, id_)
        self.role = machine_role(self, topic_key=parts.key)
        self.state_machine = state_machine(
            self,
            name=parts.config.workflow_name,
            told=tell(Steps(self, parts, role=self.role)),
            role=self.role,
            timeout=Duration.minutes(parts.config.machine_timeout_mins),
            log_group=parts.log_group,
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


def alone(steps: Steps, *, left_over: Part) -> Part:
    """Take the lease; the way on is that no other execution acts, and nothing has failed over.

    `left_over` leads to what follows a failover that an execution before has recorded and could not finish.
    """
    lease = sfn.Choice(steps.scope, "Act on the lease")
    begin = story(steps.lease.take(), Part(lease))
    already = story(steps.tell.failed_over_already(), sfn.Succeed(steps.scope, "The primary has failed over already"))
    go_on = sfn.Pass(
        steps.scope, "Go on with the failover that is recorded", input_path="$.lease.failover", result_path=FAILOVER
    )
    lease.when(_leased("HELD"), sfn.Succeed(steps.scope, "Another execution recovers"))
    lease.when(_leased("FAILED_OVER"), already.first)
    lease.when(_leased("UNFINISHED"), story(go_on, left_over).first)
    return Part(begin.first, (way(lease, _leased("TAKEN")),))


def allowed(steps: Steps) -> Part | None:
    """Ask a person, where the configuration says so."""
    return _approved(steps) if steps.config.recovery.approval is Approval.MANUAL else None


def _approved(steps: Steps) -> Part:
    """Go on once a person has said so; one who refuses ends it, and a deadline does."""
    wait = fragments.WaitUntil.build(
        steps.scope,
        steps.look_for_the_answer(),
        "somebody has approved",
        every_secs=ANSWER_SECS,
        deadline_mins=steps.config.recovery.approval_timeout_mins,
    )
    refused = story(steps.lease.give_back(), steps.tell.refused(), sfn.Succeed(steps.scope, "The recovery was refused"))
    wait.found.when(fragments.is_("$.answer.answer", "REFUSED"), refused.first)
    wait.found.when(fragments.is_("$.answer.answer", "WAITING"), wait.pause)
    asked = story(steps.ask_for_approval(), wait.look)
    return Part(asked.first, (way(wait.found, fragments.is_("$.answer.answer", "APPROVED")),))


def standing_by(steps: Steps) -> Part:
    """Wait until the standby is available."""
    deadline = steps.config.recovery.standby_ready_mins
    return fragments.settled(steps.secondary, "standby", every_secs=STANDBY_SECS, deadline_mins=deadline)


def brought_up(steps: Steps) -> Part:
    """Create the secondary environment, or go on with its creation, and wait until it is available."""
    config = steps.config.recovery
    return fragments.brought_up(
        steps.secondary,
        steps.tell.endpoints_are_needed,
        every_secs=config.create_polling_interval_secs,
        deadline_mins=config.create_timeout_mins,
    )


def airflow_reached(steps: Steps) -> Part:
    """From here on the secondary's Airflow is asked."""
    return fragments.airflow_reached(steps.secondary, steps.web)


def restored(steps: Steps) -> Part:
    """Wait until the restore DAG is parsed, and let it restore the backup."""
    dag = steps.config.recovery.import_dag_name
    return story(steps.web.wait_until_parsed("Wait until the restore DAG is parsed", dag), steps.airflow.restore())


def unless_recorded(steps: Steps, over: Part) -> Part:
    """Go on with the restore; where an execution before has recorded the failover, with what follows that."""
    choice = sfn.Choice(steps.scope, "Go on with what is left to do")
    is_recorded = sfn.Condition.is_present(FAILOVER)
    choice.when(is_recorded, over.first)
    return Part(choice, (way(choice, sfn.Condition.not_(is_recorded)),))


def on_its_own(steps: Steps, *more: Part | Step, success: Part) -> Part:
    """What follows a failover; a new execution repeats it where it could not be finished."""
    return story(
        steps.airflow.make_it_its_own("Make the secondary its own", schedule=steps.config.secondary.backup_schedule),
        *more,
        steps.lease.finish_the_failover(),
        success,
        sfn.Succeed(steps.scope, "The secondary has taken over"),
    )


def taken_over(steps: Steps, over: Part, *, paused_at_creation_was: IResolvable | None = None) -> Part:
    """Write that the secondary works before anything else may fail: nothing may clean it up from here on."""
    record = steps.lease.record_the_failover(paused_at_creation_was=paused_at_creation_was)
    choice = sfn.Choice(steps.scope, "Tell a drill from a failover")
    choice.when(_is("$.input.activate_dags", False), _drilled(steps).first)
    choice.when(_is("$.input.activate_dags", True), story(record, over).first)
    return Part(choice)


def _drilled(steps: Steps) -> Part:
    """The primary goes on: neither backups in the secondary nor a record of a failover, and it is watched again."""
    return story(
        steps.airflow.make_it_its_own("Make the secondary its own for the drill", schedule=None),
        steps.enable_the_health_schedule() if steps.config.health_check.enabled else None,
        steps.lease.give_back("Give the lease back after the drill"),
        steps.tell.the_drill_is_over(),
        sfn.Succeed(steps.scope, "The drill is over"),
    )


def _is(path: str, value: bool) -> sfn.Condition:
    return sfn.Condition.boolean_equals(path, value)


def _decides(word: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.decision.decision", word)


def _leased(word: str) -> sfn.Condition:
    return sfn.Condition.string_equals("$.lease.outcome", word)
