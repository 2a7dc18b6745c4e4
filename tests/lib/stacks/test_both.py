"""What holds for both stacks: logs, topics, functions, execution roles, and a synth that depends on nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import valid_env
from tests.support.stacks import CONTEXT, ROOT, Template, as_list, synthesised

SIDES = pytest.mark.parametrize("side", ["primary", "secondary"])
REGION = {"primary": "us-east-1", "secondary": "us-west-2"}


def stack(side: str, **changes: str | None) -> Template:
    template = getattr(synthesised(**changes), side)
    assert isinstance(template, Template)
    return template


@SIDES
def test_every_function_has_a_module_a_time_out_and_the_one_asset(side: str) -> None:
    functions = stack(side).properties("AWS::Lambda::Function")

    for function in functions:
        module, _, attribute = function["Handler"].rpartition(".")
        assert attribute == "handler"
        assert find_spec(module), f"{module} is deployed, but there is no such module"
        assert (function["Runtime"], function["Timeout"] > 3) == ("python3.12", True)
    assert len({function["Code"]["S3Key"] for function in functions}) == 1


def test_the_asset_of_the_functions_has_functions_only() -> None:
    folder = synthesised().folder
    (asset,) = [one for one in folder.glob("asset.*") if (one / "lib").is_dir()]
    files = {str(path.relative_to(asset)) for path in asset.rglob("*") if path.is_file()}

    assert {"lib/__init__.py", "lib/functions/cfn.py"} <= files
    assert [name for name in files if name != "lib/__init__.py" and not name.startswith("lib/functions/")] == []
    assert [name for name in files if not name.endswith(".py")] == []


@SIDES
def test_every_log_group_ends_and_is_encrypted(side: str) -> None:
    template = stack(side, LOG_RETENTION_DAYS="30")
    groups = set(template.resources("AWS::Logs::LogGroup"))
    for function in template.properties("AWS::Lambda::Function"):  # else Lambda makes one that never ends
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups
    for group in template.properties("AWS::Logs::LogGroup"):
        assert group["RetentionInDays"] == 30
        assert group["KmsKeyId"]


def test_logs_are_kept_for_ever_where_the_configuration_says_so() -> None:
    groups = stack("primary", LOG_RETENTION_DAYS="0").properties("AWS::Logs::LogGroup")

    assert [group for group in groups if "RetentionInDays" in group] == []


@SIDES
def test_alarms_and_rules_can_publish_to_the_encrypted_topic(side: str) -> None:
    template = stack(side)
    assert template.one("AWS::SNS::Topic")["KmsMasterKeyId"]

    services = {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    topic = template.one("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = template.one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    assert allowed_services(topic, "sns:Publish") >= services
    assert allowed_services(key, "kms:GenerateDataKey*") >= services
    assert allowed_services(key, "kms:Decrypt") >= services


def allowed_services(statements: list[dict[str, Any]], action: str) -> set[str]:
    found = [one["Principal"] for one in statements if action in as_list(one["Action"]) and one["Effect"] == "Allow"]
    return {service for principal in found for service in as_list(principal.get("Service", []))}


@SIDES
def test_everybody_who_is_named_is_told(side: str) -> None:
    template = stack(side, MWAA_NOTIFICATION_EMAILS="[a@example.com, b@example.com]")

    told = {(one["Protocol"], one["Endpoint"]) for one in template.properties("AWS::SNS::Subscription")}
    assert told == {("email", "a@example.com"), ("email", "b@example.com")}


@SIDES
def test_the_execution_role_gets_what_the_dags_need(side: str) -> None:
    template = stack(side)
    (name,) = [name for name in template.resources("AWS::IAM::Policy") if name.startswith("ExecutionRole")]

    assert template.resources("AWS::IAM::Policy")[name]["Properties"]["Roles"] == [side]
    assert needed([*template.statements(of="ExecutionRole")], side)


@SIDES
def test_with_no_the_policy_is_printed_and_no_role_is_touched(side: str) -> None:
    template = stack(side, MWAA_UPDATE_EXECUTION_ROLE="NO")

    assert list(template.statements(of="ExecutionRole")) == []
    assert needed(json.loads(template.output("PolicyForTheExecutionRole"))["Statement"], side)


def needed(statements: list[Mapping[str, Any]], side: str) -> bool:
    """Whether all that `mwaa_dr` does is allowed where it does it."""
    bucket = f"arn:aws:s3:::mwaa-team-backup-111222333444-{REGION[side]}"
    by_resource = {json.dumps(one["Resource"]): set(as_list(one["Action"])) for one in statements}
    assert by_resource[json.dumps(bucket)] >= {"s3:ListBucket", "s3:ListBucketMultipartUploads"}
    objects = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
    assert by_resource[json.dumps(f"{bucket}/*")] >= objects
    (keys,) = [one for one in statements if "kms:ResourceAliases" in json.dumps(one.get("Condition", {}))]
    assert {"kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"} <= set(keys["Action"])
    assert {arn.split(":")[3] for arn in keys["Resource"]} == {"us-east-1", "us-west-2"}
    actions = set().union(*by_resource.values())
    assert "sns:Publish" in actions
    answers = {"states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"}
    assert (answers <= actions) == (side == "secondary")
    return True


@SIDES
def test_no_bucket_table_or_key_of_backups_goes_with_the_stack(side: str) -> None:
    kept = [
        *stack(side).resources("AWS::S3::Bucket").values(),
        *stack(side).resources("AWS::DynamoDB::Table").values(),
    ]

    assert {one["DeletionPolicy"] for one in kept} == {"Retain"}
    assert stack(side).custom("BackupKey")["Alias"] == "alias/mwaa-team-backup"


CHINA = {
    "PRIMARY_REGION": "cn-north-1",
    "SECONDARY_REGION": "cn-northwest-1",
    "PRIMARY_MWAA_ROLE_ARN": "arn:aws-cn:iam::111222333444:role/primary",
    "SECONDARY_MWAA_ROLE_ARN": "arn:aws-cn:iam::111222333444:role/secondary",
}


@SIDES
@pytest.mark.parametrize("dr_type", ["BACKUP_RESTORE", "WARM_STANDBY"])
def test_china_has_its_own_partition_everywhere(side: str, dr_type: str) -> None:
    assert "arn:aws:" not in json.dumps(stack(side, DR_TYPE=dr_type, **CHINA).content)


@pytest.mark.parametrize(
    ("side", "china", "service"),
    [
        ("primary", {}, "logs.us-east-1.amazonaws.com"),
        ("primary", CHINA, "logs.cn-north-1.amazonaws.com.cn"),
        ("secondary", CHINA, "logs.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_the_logs_use_the_key_by_the_name_that_they_have_there(side: str, china: dict[str, str], service: str) -> None:
    key = stack(side, **china).one("AWS::KMS::Key")["KeyPolicy"]["Statement"]

    assert {name for name in allowed_services(key, "kms:Encrypt") if name.startswith("logs")} == {service}


@pytest.mark.slow
def test_synth_gives_the_same_bytes_without_credentials_and_without_a_network(tmp_path: Path) -> None:
    first, second = (synth_apart(tmp_path / name) for name in ("first", "second"))

    assert first == second
    assert any(name.endswith(".template.json") for name in first)


def synth_apart(folder: Path) -> dict[str, int]:
    """File -> checksum of what a process of its own synthesises, in which no proxy leads anywhere."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder.parent / "home"),
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(CONTEXT),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        **valid_env(),
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {
        str(path.relative_to(folder)): zlib.crc32(path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name != "tree.json"
    }


def test_a_wrong_configuration_is_told_in_words() -> None:
    environ = {"PATH": os.environ["PATH"], **valid_env(DR_TYPE="HOT")}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 1
    assert "DR_TYPE is 'HOT', allowed: BACKUP_RESTORE or WARM_STANDBY" in done.stderr
    assert "Traceback" not in done.stderr
