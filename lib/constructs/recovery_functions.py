"""The functions of a recovery: one for each handler, and two for those that talk to a web server."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from lib.config.recovery import DisasterRecovery
from lib.constructs.function import Function, Network, network_of
from lib.constructs.logs import Logs
from lib.workflows.parts import Functions

QUICK = Duration.seconds(30)
CALLS = Duration.minutes(1)
"""For a handful of calls to AWS, each with time-outs and one more attempt."""

AIRFLOW = Duration.minutes(5)
"""For a few commands of Airflow 2, each of which starts a whole Airflow: seconds, at worst a minute and a half."""

OWN = Duration.minutes(10)
"""For one such command for each Airflow Variable."""


def recovery_functions(scope: Construct, *, config: DisasterRecovery, logs: Logs) -> Functions:
    """All that a recovery workflow asks; none is in a VPC but the copies for a private web server."""

    def function(
        id_: str, module: str, timeout: Duration, description: str, *, vpc: Network | None = None, memory_mb: int = 256
    ) -> Function:
        return Function(
            scope,
            id_,
            module=module,
            timeout=timeout,
            description=description,
            logs=logs,
            vpc=vpc,
            memory_mb=memory_mb,
        )

    check = Duration.seconds(config.health_check.timeout_secs)
    preflight = Duration.minutes(config.deadlines.preflight_mins)
    inside = network_of(config.secondary)
    dag, own = "Triggers and pauses DAGs of the secondary", "Sets what the secondary has of its own"
    return Functions(
        execution_input=function("ReadInput", "execution_input", QUICK, "Reads the input of an execution"),
        health_check=function("HealthCheck", "health_check", check, "Asks how the primary environment is"),
        decide=function("Decide", "decide", CALLS, "Decides what the health comes to"),
        records=function("Records", "records", CALLS, "Who recovers, and what has failed over"),
        approval=function("Approval", "approval", CALLS, "Asks people whether recovery starts"),
        blueprint=function("Blueprint", "blueprint", CALLS, "Stores what the primary would be created from"),
        freshness=function("Freshness", "freshness", CALLS, "Looks whether backups of the primary still arrive"),
        attention=function("Attention", "attention", CALLS, "Tells what is to be looked after while all is healthy"),
        preflight=function(
            "Preflight", "preflight", preflight, "Finds the backup and all that stands in the way", memory_mb=1024
        ),
        schedule=function("SwitchSchedule", "schedule", CALLS, "Switches the schedule of the health check"),
        environment=function("Environment", "environment", CALLS, "Creates and watches the secondary environment"),
        dag_outside=function("Dag", "dag", AIRFLOW, dag),
        dag_inside=function("DagInside", "dag", AIRFLOW, f"{dag} from its VPC", vpc=inside),
        own_outside=function("OwnEnvironment", "own_environment", OWN, own),
        own_inside=function("OwnEnvironmentInside", "own_environment", OWN, f"{own} from its VPC", vpc=inside),
    )
