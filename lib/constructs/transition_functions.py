"""The functions of stop and start: one for each handler, and copies in each VPC with a private web server."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from lib.config.start_stop import StartStop
from lib.constructs.function import Function, Network
from lib.constructs.logs import Logs
from lib.constructs.recovery_functions import AIRFLOW, CALLS
from lib.workflows.transition_parts import InsideFunctions, TransitionFunctions

PROOF_MB = 1024
"""For a whole backup that is read and hashed: memory brings processor time and bandwidth."""


def transition_functions(scope: Construct, *, plan: StartStop, logs: Logs) -> TransitionFunctions:
    """All that the workflows ask outside any VPC."""

    def function(id_: str, module: str, timeout: Duration, description: str, *, memory_mb: int = 256) -> Function:
        return Function(
            scope, id_, module=module, timeout=timeout, description=description, logs=logs, memory_mb=memory_mb
        )

    proof = Duration.minutes(plan.deadlines.preflight_mins)
    return TransitionFunctions(
        transition=function("Transition", "transition", CALLS, "Whether a stop or a start is due, and what it came to"),
        stopping=function(
            "Stopping", "stopping", proof, "Who acts, what is stopped, and whether it can come back", memory_mb=PROOF_MB
        ),
        blueprint=function("Blueprint", "blueprint", CALLS, "Stores what an environment is created from"),
        preflight=function(
            "Preflight", "preflight", proof, "Finds the backup and all that stands in the way", memory_mb=PROOF_MB
        ),
        environment=function("Environment", "environment", CALLS, "Creates, watches and deletes environments"),
        dag=function("Dag", "dag", AIRFLOW, "Runs the backup and the restore"),
        activity=function("Activity", "activity", AIRFLOW, "Pauses DAGs and makes them active again"),
    )


def inside_functions(scope: Construct, *, network: Network, logs: Logs) -> InsideFunctions:
    """The copies in the VPC of an environment."""

    def function(id_: str, module: str, description: str) -> Function:
        return Function(scope, id_, module=module, timeout=AIRFLOW, description=description, logs=logs, vpc=network)

    return InsideFunctions(
        dag=function("DagInside", "dag", "Runs the backup and the restore, from the VPC"),
        activity=function("ActivityInside", "activity", "Pauses DAGs and makes them active again, from the VPC"),
    )
