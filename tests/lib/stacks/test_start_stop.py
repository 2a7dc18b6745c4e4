"""The stack of stop and start: what each environment has, what they share, and what recovery beside it keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatch
from importlib.util import find_spec
from typing import Any

from lib.config import Config
from lib.stacks import add_stacks
from tests.support.configuration import ACCOUNT
from tests.support.stacks import (
    Template,
    as_list,
    beside_recovery,
    both_products,
    folder_of,
    joined,
    new_app,
    stop_and_start,
)
from tests.support.workflows import PRIVATE

SEVERAL = {
    "START_STOP_ENVIRONMENTS": "[dev, test]",
    "MWAA_ENV_NAME__DEV": "dev",
    "MWAA_ENV_NAME__TEST": "test",
    "MWAA_SOURCE_BUCKET_NAME__TEST": "test-dags",
    "MWAA_EXECUTION_ROLE_ARN__TEST": f"arn:aws:iam::{ACCOUNT}:role/service-role/test",
    "MWAA_SCHEDULE_TIME_ZONE__TEST": "America/New_York",
    "MWAA_PAUSE_CRON_SCHEDULE__TEST": "0 21 ? * MON-FRI *",
}
BUCKET = "mwaa-stop-start-backup-111222333444-eu-west-1"
MACHINES = "arn:aws:states:eu-west-1:111222333444:stateMachine:mwaa-stop-start-"
TABLE_OF_RECOVERY = "arn:aws:dynamodb:us-west-2:111222333444:table/mwaa-team-records"
ENDS = ["FAILED", "TIMED_OUT", "ABORTED"]


def machines(template: Template) -> set[str]:
    return {one["StateMachineName"] for one in template.properties("AWS::StepFunctions::StateMachine")}


def rules(template: Template, part: str) -> list[Mapping[str, Any]]:
    """The rules on the machines whose name or logical id has this part."""
    return [
        rule for rule in template.properties("AWS::Events::Rule") if part in json.dumps(rule["EventPattern"]["detail"])
    ]


def test_an_environment_has_a_stop_a_start_and_a_reactivation_whose_arns_are_told() -> None:
    template = stop_and_start()
    assert machines(template) == {f"mwaa-stop-start-dev-{what}" for what in ("stop", "start", "reactivate")}
    assert all(template.output(f"{what}Workflow") for what in ("Stop", "Start", "Reactivate"))


def test_schedules_fire_in_their_time_zone_soon_or_into_the_queue_that_has_an_alarm() -> None:
    template = stop_and_start()
    found = {one["Target"]["Arn"]: one for one in template.properties("AWS::Scheduler::Schedule")}
    assert {arn: one["ScheduleExpression"] for arn, one in found.items()} == {
        f"{MACHINES}dev-stop": "cron(0 20 ? * MON-FRI *)",
        f"{MACHINES}dev-start": "cron(0 6 ? * MON-FRI *)",
    }
    (queue,) = template.resources("AWS::SQS::Queue")
    for schedule in found.values():
        assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        target = schedule["Target"]
        assert schedule["State"] == "ENABLED"
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 3}
        assert json.loads(target["Input"]) == {"scheduled_for": "<aws.scheduler.scheduled-time>"}
        assert target["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    alarm = template.one("AWS::CloudWatch::Alarm")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]
    assert len(alarm["AlarmActions"]) == 1
    senders = template.allowed("sqs:SendMessage")
    assert len(senders) == 2
    assert template.resources("AWS::SQS::Queue")[queue]["Properties"]["SqsManagedSseEnabled"] is True


def test_a_stop_that_fails_in_any_way_is_followed_by_the_reactivation() -> None:
    template = stop_and_start(MWAA_NOTIFICATION_TYPES="[SUCCEEDED]")
    found = template.resources("AWS::StepFunctions::StateMachine").items()
    logical = {one["Properties"]["StateMachineName"]: name for name, one in found}
    stop, reactivate = logical["mwaa-stop-start-dev-stop"], logical["mwaa-stop-start-dev-reactivate"]
    (rule,) = rules(template, stop)
    assert rule["EventPattern"]["detail"] == {"status": ENDS, "stateMachineArn": [{"Ref": stop}]}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": reactivate}
    assert target["Input"] == "{}"
    assert target["DeadLetterConfig"]


def test_the_chosen_states_of_executions_are_told_and_a_failed_reactivation_always() -> None:
    template = stop_and_start(MWAA_NOTIFICATION_TYPES="[SUCCEEDED, RUNNING]")
    (told,) = rules(template, f"{MACHINES}dev-stop")
    assert told["EventPattern"]["detail"] == {
        "status": ["SUCCEEDED", "RUNNING"],
        "stateMachineArn": [f"{MACHINES}dev-stop", f"{MACHINES}dev-start"],
    }
    (always,) = rules(template, f"{MACHINES}dev-reactivate")
    assert always["EventPattern"]["detail"]["status"] == ENDS


def test_a_dag_may_answer_its_two_machines_and_use_the_bucket_and_its_key() -> None:
    statements = [*stop_and_start().statements(of="ExecutionRoles")]
    answers = {f"states:SendTask{answer}" for answer in ("Success", "Failure", "Heartbeat")}
    (answer,) = [one for one in statements if set(as_list(one["Action"])) == answers]
    assert answer["Resource"] == [f"{MACHINES}dev-start", f"{MACHINES}dev-stop"]
    on = {json.dumps(one["Resource"]) for one in statements if "s3:" in json.dumps(one["Action"])}
    assert on == {f'"arn:aws:s3:::{BUCKET}"', f'"arn:aws:s3:::{BUCKET}/*"'}
    (keys,) = [one for one in statements if "kms:ResourceAliases" in json.dumps(one.get("Condition", {}))]
    assert keys["Resource"] == "arn:aws:kms:eu-west-1:111222333444:key/*"
    assert "alias/mwaa-stop-start-backup" in json.dumps(keys["Condition"])


def test_with_no_the_policy_is_printed_and_no_role_is_touched() -> None:
    template = stop_and_start(MWAA_UPDATE_EXECUTION_ROLE="NO")
    assert [*template.statements(of="ExecutionRoles")] == []
    printed = json.loads(template.output("PolicyForTheExecutionRole"))
    assert f"{MACHINES}dev-stop" in json.dumps(printed)


def test_the_package_and_the_variables_come_without_a_schedule_of_backups() -> None:
    template = stop_and_start(MWAA_DAGS_S3_PATH="team/dags")
    package = template.custom("DagPackage")
    assert (package["Bucket"], package["Prefix"]) == ("dev-dags", "team/dags/mwaa_dr/")
    settings = template.custom("AirflowSettings")
    assert settings["environment"] == {"name": "dev", "region": "eu-west-1"}
    assert settings["variables"]["DR_BACKUP_BUCKET"] == BUCKET
    assert settings["variables"]["DR_KMS_KEY_ARNS"] == "arn:aws:kms:eu-west-1:111222333444:alias/mwaa-stop-start-backup"
    assert (settings["schedule"], settings["inside"]) == ("", "")


def test_a_private_web_server_is_asked_from_its_vpc_which_gets_one_endpoint() -> None:
    template = stop_and_start(**PRIVATE)
    inside = [one["Handler"] for one in template.properties("AWS::Lambda::Function") if "VpcConfig" in one]
    assert sorted(inside) == sorted(
        f"lib.functions.{module}.handler" for module in ("activity", "dag", "own_environment")
    )
    assert template.custom("StepFunctionsEndpoint")["VpcId"] == PRIVATE["MWAA_VPC_ID"]
    assert template.custom("AirflowSettings")["inside"]
    without = stop_and_start(**PRIVATE, MWAA_CREATE_SFN_VPCE="NO")
    assert without.properties("Custom::StepFunctionsEndpoint") == []


def test_who_creates_passes_the_role_to_mwaa_only_and_deletes_only_its_environments() -> None:
    template = stop_and_start()
    (passing,) = template.allowed("iam:PassRole")
    assert passing["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/dev"
    services = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
    for action in ("CreateEnvironment", "DeleteEnvironment", "UpdateEnvironment", "UntagResource"):
        resources = {json.dumps(one["Resource"]) for one in template.allowed(f"airflow:{action}")}
        assert resources == {'"arn:aws:airflow:eu-west-1:111222333444:environment/dev"'}
    key = "arn:aws:kms:eu-west-1:111222333444:key/0f3c0f3c-0f3c-0f3c-0f3c-0f3c0f3c0f3c"
    (grants,) = stop_and_start(MWAA_KMS_KEY_ARN=key).allowed("kms:CreateGrant")
    assert grants["Resource"] == key


def test_several_environments_share_what_is_not_theirs_alone() -> None:
    one, two = stop_and_start(**PRIVATE), stop_and_start(**PRIVATE, **SEVERAL)
    shared = ("SNS::Topic", "S3::Bucket", "DynamoDB::Table", "SQS::Queue", "KMS::Key")
    assert all(len(two.resources(f"AWS::{kind}")) == 1 for kind in shared)
    assert len(two.properties("Custom::StepFunctionsEndpoint")) == 1
    modules = [function["Handler"] for function in two.properties("AWS::Lambda::Function")]
    alone = [function["Handler"] for function in one.properties("AWS::Lambda::Function")]
    # Each has its settings in Airflow and its package, each with its function.
    assert {module: modules.count(module) - alone.count(module) for module in set(modules)} == {
        **dict.fromkeys(modules, 0),
        "lib.functions.airflow_cli.handler": 1,
        "lib.functions.own_environment.handler": 1,
        "lib.functions.dag_package.handler": 1,
    }
    assert len(machines(two)) == 6
    schedules = two.properties("AWS::Scheduler::Schedule")
    zones = {one["Target"]["Arn"]: one["ScheduleExpressionTimezone"] for one in schedules}
    assert zones[f"{MACHINES}test-stop"] == "America/New_York"
    assert zones[f"{MACHINES}dev-stop"] == "Europe/Berlin"
    for machine in ("dev", "test"):
        (answer,) = [
            statement
            for statement in two.statements(of="ExecutionRoles")
            if f"{MACHINES}{machine}-stop" in json.dumps(statement["Resource"])
        ]
        assert answer["Resource"] == [f"{MACHINES}{machine}-start", f"{MACHINES}{machine}-stop"]


def test_names_of_environments_and_of_our_own_parts_do_not_meet() -> None:
    several = {**SEVERAL, "MWAA_ENV_NAME__DEV": "Report", "MWAA_ENV_NAME__TEST": "Key"}
    assert "mwaa-stop-start-Key-stop" in machines(stop_and_start(**several))


def test_beside_recovery_the_package_the_backups_and_the_variables_of_the_primary_stay_its_own() -> None:
    template = beside_recovery()
    assert template.properties("Custom::DagPackage") == []
    settings = template.custom("AirflowSettings")
    (name,) = settings["variables"]
    assert name == "DR_STOP_NOTE"
    assert (settings["backup_dag_id"], settings["schedule"]) == ("", "")
    assert "cleanup_metadata" in json.dumps(template.properties("AWS::StepFunctions::StateMachine"))


def test_beside_recovery_its_backups_are_told_where_a_stop_notes_what_it_pauses_and_may_read_it() -> None:
    template = beside_recovery()
    (bucket,) = [one["BucketName"] for one in template.properties("AWS::S3::Bucket")]
    settings = template.custom("AirflowSettings")
    place = settings["environment"]
    note = f"{bucket}/stops/{place['name']}.{place['region']}/active.json"
    assert settings["variables"] == {"DR_STOP_NOTE": f"s3://{note}"}
    statements = [*template.statements(of="ExecutionRoles")]
    allowed = {action: one["Resource"] for one in statements for action in as_list(one["Action"]) if "s3:" in action}
    assert fnmatch(f"arn:aws:s3:::{note}", allowed["s3:GetObject"])
    assert allowed["s3:ListBucket"] == f"arn:aws:s3:::{bucket}"
    (keys,) = [one for one in statements if "kms:ResourceAliases" in json.dumps(one.get("Condition", {}))]
    assert "kms:Decrypt" in keys["Action"]
    assert keys["Resource"] == f"arn:aws:kms:{place['region']}:{ACCOUNT}:key/*"
    assert "alias/mwaa-stop-start-backup" in json.dumps(keys["Condition"])


def test_beside_recovery_its_records_are_written_and_no_other_table_of_its_region() -> None:
    template = beside_recovery()
    writes = [json.dumps(one["Resource"]) for one in template.allowed("dynamodb:PutItem")]
    assert any(TABLE_OF_RECOVERY in resource for resource in writes)
    assert [resource for resource in writes if "us-west-2" in resource and TABLE_OF_RECOVERY not in resource] == []
    records = '{"table": "mwaa-team-records", "region": "us-west-2"}'
    definitions = [joined(one["DefinitionString"]) for one in template.properties("AWS::StepFunctions::StateMachine")]
    assert sum(records.replace(" ", "") in text for text in definitions) == 3
    assert "mwaa-team-records" not in json.dumps(stop_and_start().content)


def test_both_products_deploy_from_one_file_the_one_that_is_needed_first() -> None:
    app = new_app()
    add_stacks(app, Config.load(None, both_products()))
    assembly = app.synth()
    names = {stack.stack_name for stack in assembly.stacks}
    assert names == {"mwaa-team-primary", "mwaa-team-secondary", "mwaa-stop-start"}
    needed = assembly.get_stack_by_name("mwaa-stop-start").dependencies
    assert "mwaa-team-primary" in {artifact.id for artifact in needed}


def test_only_the_environment_of_recovery_is_spared_package_and_settings() -> None:
    folder = folder_of(both_products())
    template = Template(json.loads((folder / "mwaa-stop-start.template.json").read_text()))
    settings = {one["environment"]["name"]: one for one in template.properties("Custom::AirflowSettings")}
    assert len(settings) == 2
    assert "DR_BACKUP_BUCKET" in settings.pop("dev")["variables"]
    (primary,) = settings.values()
    assert [*primary["variables"]] == ["DR_STOP_NOTE"]
    assert template.custom("DagPackage")["Bucket"] == "dev-dags"


def test_every_function_has_a_module_and_every_log_group_ends() -> None:
    template = stop_and_start(**PRIVATE)
    for function in template.properties("AWS::Lambda::Function"):
        assert find_spec(function["Handler"].rpartition(".")[0])
    for group in template.properties("AWS::Logs::LogGroup"):
        assert (group["RetentionInDays"], bool(group["KmsKeyId"])) == (90, True)


def test_backups_records_and_their_key_outlive_the_stack() -> None:
    template = stop_and_start()
    kept = [*template.resources("AWS::S3::Bucket").values(), *template.resources("AWS::DynamoDB::Table").values()]
    assert {one["DeletionPolicy"] for one in kept} == {"Retain"}
    assert template.one("AWS::S3::Bucket")["BucketName"] == BUCKET
    assert template.one("AWS::DynamoDB::Table")["TableName"] == "mwaa-stop-start-records"


def test_everybody_who_is_named_is_told() -> None:
    template = stop_and_start(MWAA_NOTIFICATION_EMAILS="[a@example.com, b@example.com]")
    told = {one["Endpoint"] for one in template.properties("AWS::SNS::Subscription")}
    assert told == {"a@example.com", "b@example.com"}


def test_china_has_its_own_partition_everywhere() -> None:
    there = {
        "CDK_DEFAULT_REGION": "cn-north-1",
        "MWAA_EXECUTION_ROLE_ARN": f"arn:aws-cn:iam::{ACCOUNT}:role/dev",
    }
    assert "arn:aws:" not in json.dumps(stop_and_start(**there).content)
