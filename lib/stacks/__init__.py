"""The stacks: which constructs there are, and what they hand to each other."""

from __future__ import annotations

from aws_cdk import App

from lib.config import Config
from lib.stacks.mwaa_primary_stack import MwaaPrimaryStack
from lib.stacks.mwaa_secondary_stack import MwaaSecondaryStack
from lib.stacks.mwaa_start_stop_stack import MwaaStartStopStack


def add_stacks(app: App, config: Config) -> None:
    """Add what the configuration asks for; the secondary Region is deployed before the primary one."""
    primary = None
    if recovery := config.disaster_recovery:
        secondary = MwaaSecondaryStack(app, recovery)
        primary = MwaaPrimaryStack(app, recovery)
        primary.add_stack_dependency(secondary)
    if plan := config.start_stop:
        stack = MwaaStartStopStack(app, plan, recovery=recovery)
        if primary and any(map(stack.is_the_primary, plan.environments)):
            # Its stops and starts need the DAG package, and the records in the other Region.
            stack.add_stack_dependency(primary)
