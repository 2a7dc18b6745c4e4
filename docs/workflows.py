"""Write docs/workflows.md: all workflows as diagrams, from the definitions that are deployed.

Run it after a change of the workflows: python -m docs.workflows
"""

from __future__ import annotations

from pathlib import Path

from docs.outline import outline
from docs.specimen import Specimen, example_plan, fence, specimen, transition
from lib.config import Config, DisasterRecovery

PAGE = Path(__file__).with_suffix(".md")
EXAMPLE = Path(__file__).parents[1] / ".env.example"

HEAD = """\
<!-- Written by docs/workflows.py from lib/workflows; do not edit. -->
# Workflows

The state machine `<STACK_NAME_PREFIX>-recovery` in the secondary Region, started by the schedule of the health check
or by hand. What ends in a failure is not drawn: any state may fail, after its retries, and then the execution ends
there. People are told, with the name of the step, the reason, and the command for a redrive, which goes on with the
state that failed. Nor is it drawn that a state which changes something looks at the lease again after a redrive: where
another execution has acted since, the old one does nothing any more. What is looked after while the primary is healthy
ends nothing: people are told, once an hour.

Where a workflow waits, it looks again and again until what it waits for is there, is broken, or a deadline has passed.
While it waits for a DAG, the DAG says every minute that it goes on. In a drill, with the input
`{"simulate_dr": "YES", "activate_dags": "NO"}`, nothing is recorded and the primary is watched again afterwards.

With `FAILOVER_APPROVAL=MANUAL` a person is asked after the lease is taken and before anything else; the diagrams show
`AUTO`.
"""

FENCE_HEAD = """
# The fence

The state machine `<STACK_NAME_PREFIX>-fence` in the primary Region, started every `FENCE_INTERVAL_MINS`. It reads the
record of a failover in the secondary Region, and keeps a primary that comes back from working beside the secondary.
It does so each time it runs, until `./build.sh rearm` clears that record; while the record cannot be read it pauses
nothing, and what is paused stays so.
"""

STOP_HEAD = """
# Stop and start

For each environment the state machines `<MWAA_MAIN_STACK_NAME>-<MWAA_ENV_NAME>-stop`, `-start` and `-reactivate`; the
first two are started by their schedules or by hand. An environment is deleted only by the state after the one that
records the stop, and that comes after three proofs: every object of the backup has been read and its rows counted, the
environment can be created again, and nothing has run since the snapshot. After a redrive the last one is asked again.

However a stop ends before that, a rule starts `-reactivate`: the DAGs that it had paused become active again, and the
record of the stop is forgotten. It asks an Airflow that does not answer for six hours.

What a stop does when something runs (`STOP_WHEN_BUSY`, or `when_busy` in its input) changes no state, only the answers
of "Pause the DAGs that are idle". The diagrams show environments whose web server may be private; with
`MWAA_UPDATE_AFTER_RESTORE=YES` a start also waits for the update after the restore.
"""

NETWORK = {
    "MWAA_VPC_ID": "vpc-0a1bcd23ee45fg678",
    "MWAA_VPC_SUBNETS": "[subnet-1234567, subnet-987654321]",
    "MWAA_VPC_SECURITY_GROUPS": "[sg-0123456789]",
}
TRANSITIONS = {
    "Stop": "stop",
    "Start": "start",
    "Reactivate, after a stop that has failed, timed out or was aborted": "reactivate",
}

WORKFLOWS = {"Backup and restore": "BACKUP_RESTORE", "Warm standby": "WARM_STANDBY"}
FENCES = {
    "With FENCE_PRIMARY=YES: its DAGs are paused": "YES",
    "With FENCE_PRIMARY=NO: people are told, once an hour": "NO",
}


def page() -> str:
    """The whole page."""
    recoveries = [_section(title, specimen(_config(DR_TYPE=dr_type))) for title, dr_type in WORKFLOWS.items()]
    fences = [_section(title, fence(_config(FENCE_PRIMARY=flag))) for title, flag in FENCES.items()]
    transitions = [_section(title, transition(example_plan(**NETWORK), what)) for title, what in TRANSITIONS.items()]
    return "".join((HEAD, *recoveries, FENCE_HEAD, *fences, STOP_HEAD, *transitions))


def _config(**changes: str) -> DisasterRecovery:
    config = Config.load(EXAMPLE, changes).disaster_recovery
    if config is None:
        raise ValueError(f"{EXAMPLE.name} does not deploy disaster recovery")
    return config


def _section(title: str, shown: Specimen) -> str:
    return f"\n## {title}\n\n```mermaid\n{outline(shown.definition).mermaid()}```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
