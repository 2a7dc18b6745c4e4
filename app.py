"""The CDK app: reads the configuration once, adds the stacks that it asks for, synthesises."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aws_cdk import App

from lib.config import Config, ConfigError
from lib.stacks import add_stacks

# Without stack traces in the metadata: they name temporary folders, and no two runs would be the same.
app = App(post_cli_context={"aws:cdk:disable-stack-trace": True})
try:
    config = Config.load(Path(app.node.try_get_context("env-file") or ".env"), os.environ)
except ConfigError as error:
    sys.exit(str(error))
for warning in config.warnings:
    sys.stderr.write(f"warning: {warning.line}\n")
add_stacks(app, config)
app.synth()
