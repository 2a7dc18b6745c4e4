"""Write docs/permissions.md: the policies that a deployment prints where it may not touch the roles of others.

Run it after a change of the stacks: python -m docs.permissions
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from docs.specimen import example_plan, text
from lib.config import Config, DisasterRecovery
from lib.stacks.foundation import Foundation
from lib.stacks.mwaa_primary_stack import MwaaPrimaryStack
from lib.stacks.mwaa_secondary_stack import MwaaSecondaryStack
from lib.stacks.mwaa_start_stop_stack import MwaaStartStopStack

PAGE = Path(__file__).with_suffix(".md")
EXAMPLE = Path(__file__).parents[1] / ".env.example"
REPLICATION_ROLE = "arn:aws:iam::111222333444:role/my-replication-role"

HEAD = """\
<!-- Written by docs/permissions.py from lib/stacks; do not edit. -->
# Permissions

With `MWAA_UPDATE_EXECUTION_ROLE=YES` each stack adds a policy to the execution role of its Region, and takes it away
when it goes. With `NO` it changes no role, and prints the policy that you add by hand, as the output
`...PolicyForTheExecutionRole...`; do it before the first backup. With `PRIMARY_DAGS_REPLICATION_ROLE_ARN` the primary
stack prints, as `...PolicyForTheReplicationRole...`, what the role of your own replication rules needs for ours.

The stack of stop and start prints one for each execution role of its environments.

Below they are for the values of `.env.example`, with `<...>` for the ids that AWS gives. A statement that names all
keys of a Region has a condition: only those behind the alias of the backups, which no statement can name itself.

What the functions and workflows themselves may do is in their own roles, which only the stacks make: one role for each
function, each statement beside the step that needs it (`allowances.py`, `environment_allowances.py` and
`transition_allowances.py` in [lib/workflows](../lib/workflows)).
"""


def page() -> str:
    """The whole page."""
    config = _config()
    app = App()
    secondary, primary = MwaaSecondaryStack(app, config), MwaaPrimaryStack(app, config)
    start_stop = MwaaStartStopStack(app, example_plan(MWAA_UPDATE_EXECUTION_ROLE="NO"))
    policies = {
        "The execution role of the primary": _printed(primary, "ExecutionRole"),
        "The execution role of the secondary": _printed(secondary, "ExecutionRole"),
        "The role of replication rules that were there before": _printed(primary, "ReplicationRole"),
        "The execution role of an environment that is stopped and started": _printed(start_stop, "ExecutionRole"),
    }
    sections = (f"\n## {title}\n\n```json\n{json.dumps(policy, indent=2)}\n```\n" for title, policy in policies.items())
    return HEAD + "".join(sections)


def _printed(stack: Foundation, role: str) -> Any:
    """The policy that a stack prints for a role."""
    outputs = Template.from_stack(stack).to_json()["Outputs"]
    (value,) = [output["Value"] for name, output in outputs.items() if f"PolicyForThe{role}" in name]
    return _by_type(json.loads(text(value)), stack)


def _by_type(policy: Any, stack: Foundation) -> Any:
    """The policy with what its logical ids stand for, in words."""
    kinds = {"AWS::SNS::Topic": "<ARN of the topic>", "AWS::KMS::Key": "<ARN of the key of the topic>"}
    written = json.dumps(policy)
    for name, resource in Template.from_stack(stack).to_json()["Resources"].items():
        if resource["Type"] in kinds:
            written = written.replace(f"<{name}>", kinds[resource["Type"]])
    return json.loads(written)


def _config() -> DisasterRecovery:
    changes = {"MWAA_UPDATE_EXECUTION_ROLE": "NO", "PRIMARY_DAGS_REPLICATION_ROLE_ARN": REPLICATION_ROLE}
    config = Config.load(EXAMPLE, changes).disaster_recovery
    if config is None:
        raise ValueError(f"{EXAMPLE.name} does not deploy disaster recovery")
    return config


if __name__ == "__main__":
    PAGE.write_text(page())
