"""cdk-nag's AwsSolutions, on both strategies and on both products: what is left has a reason beside it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sns as sns
from cdk_nag import AwsSolutionsChecks

from lib.config import Config
from lib.stacks import add_stacks
from tests.support.stacks import ROOT, both_products, new_app
from tests.support.workflows import PRIVATE

EXAMPLE = ROOT / ".env.example"
KEY = "arn:aws:kms:{}:111222333444:key/0f3c0f3c-0f3c-0f3c-0f3c-0f3c0f3c0f3c"
ALL = {
    "BACKUP_RETAIN": "NO",
    "FENCE_PRIMARY": "YES",
    "FAILOVER_APPROVAL": "MANUAL",
    "PRIMARY_DAGS_KMS_KEY_ARN": KEY.format("us-east-1"),
    "SECONDARY_DAGS_KMS_KEY_ARN": KEY.format("us-west-2"),
    "SECONDARY_KMS_KEY_ARN": KEY.format("us-west-2"),
}
"""Flags that add resources or permissions."""

MANY = {
    "MWAA_CHANGE_CALENDAR": "holidays",
    "MWAA_UPDATE_EXECUTION_ROLE": "NO",
    "MWAA_KMS_KEY_ARN": KEY.format("us-east-1"),
    "MWAA_SOURCE_KMS_KEY_ARN": KEY.format("us-east-1"),
}

pytestmark = pytest.mark.slow


def checked_app(folder: Path) -> App:
    app = new_app(outdir=str(folder))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def findings(app: App) -> list[str]:
    with contextlib.suppress(RuntimeError):  # what a finding without a reason becomes; the report says which
        app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text())
    return [
        f"{violation['ruleName']} {construct['constructPath']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]


@pytest.mark.parametrize("dr_type", ["BACKUP_RESTORE", "WARM_STANDBY"])
@pytest.mark.parametrize("flags", [{}, ALL], ids=["example", "all flags"])
def test_every_finding_has_a_reason(tmp_path: Path, dr_type: str, flags: dict[str, str]) -> None:
    app = checked_app(tmp_path)
    add_stacks(app, Config.load(EXAMPLE, {"DR_TYPE": dr_type, **flags}))

    assert findings(app) == []


@pytest.mark.parametrize("flags", [{}, {"BACKUP_RETAIN": "NO", **PRIVATE}, MANY], ids=["beside", "private", "many"])
def test_every_finding_of_stop_and_start_has_a_reason(tmp_path: Path, flags: dict[str, str]) -> None:
    app = checked_app(tmp_path)
    add_stacks(app, Config.load(None, both_products(**flags)))

    assert findings(app) == []


def test_a_finding_without_a_reason_is_seen(tmp_path: Path) -> None:
    app = checked_app(tmp_path)
    sns.Topic(Stack(app, "Bare"), "Topic")

    assert findings(app) == ["AwsSolutions-SNS3 Bare/Topic/Resource"]
