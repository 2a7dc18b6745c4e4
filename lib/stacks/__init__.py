"""The stacks: which constructs there are, and what they hand to each other."""

from __future__ import annotations

from aws_cdk import App

from lib.config import Config
from lib.stacks.mwaa_primary_stack import MwaaPrimaryStack
from lib.stacks.mwaa_secondary_stack import MwaaSecondaryStack


def add_stacks(app: App, config: Config) -> None:
    """Add what the configuration asks for; the secondary Region is deployed before the primary one."""
    if recovery := config.disaster_recovery:
        secondary = MwaaSecondaryStack(app, recovery)
        MwaaPrimaryStack(app, recovery).add_stack_dependency(secondary)
