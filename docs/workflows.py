"""Write docs/workflows.md: both recovery workflows as diagrams, from the definitions that are deployed.

Run it after a change of the workflows: python -m docs.workflows
"""

from __future__ import annotations

from pathlib import Path

from docs.outline import outline
from docs.specimen import specimen
from lib.config import Config

PAGE = Path(__file__).with_suffix(".md")
EXAMPLE = Path(__file__).parents[1] / ".env.example"

HEAD = """\
<!-- Written by docs/workflows.py from lib/workflows; do not edit. -->
# Workflows

The state machine `<STACK_NAME_PREFIX>-recovery` in the secondary Region, started by the schedule of the health check
or by hand. What ends in a failure is not drawn: any state may fail, after its retries, and then the execution ends
there. People are told, with the name of the step, the reason, and the command for a redrive, which goes on with the
state that failed.

Where a workflow waits, it looks again and again until what it waits for is there, is broken, or a deadline has passed.
While it waits for a DAG, the DAG says every minute that it goes on. In a drill, with the input
`{"simulate_dr": "YES", "activate_dags": "NO"}`, nothing is recorded and the primary is watched again afterwards.

With `FAILOVER_APPROVAL=MANUAL` a person is asked after the lease is taken and before anything else; the diagrams show
`AUTO`.
"""

WORKFLOWS = {"Backup and restore": "BACKUP_RESTORE", "Warm standby": "WARM_STANDBY"}


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(title, dr_type) for title, dr_type in WORKFLOWS.items())


def _section(title: str, dr_type: str) -> str:
    config = Config.load(EXAMPLE, {"DR_TYPE": dr_type}).disaster_recovery
    if config is None:
        raise ValueError(f"{EXAMPLE.name} does not deploy disaster recovery")
    return f"\n## {title}\n\n```mermaid\n{outline(specimen(config).definition).mermaid()}```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
