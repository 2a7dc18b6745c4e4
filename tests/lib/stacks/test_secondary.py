"""The secondary stack: it watches the primary and recovers it, and needs nothing of the primary Region."""

from __future__ import annotations

import json

import pytest

from tests.support.stacks import Template, as_list, joined, synthesised

BOTH = pytest.mark.parametrize("dr_type", ["BACKUP_RESTORE", "WARM_STANDBY"])


def secondary(**changes: str | None) -> Template:
    return synthesised(**changes).secondary


def machine(template: Template) -> str:
    return joined(template.one("AWS::StepFunctions::StateMachine")["DefinitionString"])


@BOTH
def test_the_strategy_is_the_workflow(dr_type: str) -> None:
    definition = machine(secondary(DR_TYPE=dr_type))

    assert ("Create the secondary environment" in definition) == (dr_type == "BACKUP_RESTORE")
    assert ("Clean the standby up" in definition) == (dr_type == "WARM_STANDBY")


@BOTH
def test_the_workflow_logs_everything_but_data(dr_type: str) -> None:
    found = secondary(DR_TYPE=dr_type).one("AWS::StepFunctions::StateMachine")

    logging = found["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    assert found["StateMachineName"] == "mwaa-team-recovery"


@BOTH
def test_nothing_of_the_primary_stack_is_imported(dr_type: str) -> None:
    text = json.dumps(secondary(DR_TYPE=dr_type).content)

    assert "Fn::ImportValue" not in text
    assert "Fn::GetStackOutput" not in text


def test_the_primary_stack_is_deployed_after_the_secondary() -> None:
    manifest = json.loads((synthesised().folder / "manifest.json").read_text())["artifacts"]

    assert "mwaa-team-secondary" in manifest["mwaa-team-primary"]["dependencies"]
    assert "mwaa-team-primary" not in manifest["mwaa-team-secondary"]["dependencies"]


def test_the_health_is_checked_on_its_schedule() -> None:
    schedule = secondary(HEALTH_CHECK_INTERVAL_MINS="3").one("AWS::Scheduler::Schedule")

    assert (schedule["Name"], schedule["ScheduleExpression"]) == ("mwaa-team-health-check", "rate(3 minutes)")
    assert (schedule["State"], schedule["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    target = schedule["Target"]
    assert target["Arn"] == "arn:aws:states:us-west-2:111222333444:stateMachine:mwaa-team-recovery"
    assert target["Input"] == "{}"


def test_people_hear_when_nobody_watches_and_how_to_watch_again() -> None:
    alarm = secondary(HEALTH_CHECK_INTERVAL_MINS="3").one("AWS::CloudWatch::Alarm")

    assert (alarm["MetricName"], alarm["Period"], alarm["EvaluationPeriods"]) == ("ExecutionsStarted", 180, 3)
    assert alarm["TreatMissingData"] == "breaching"
    assert "./build.sh rearm" in alarm["AlarmDescription"]
    assert [joined(action) for action in alarm["AlarmActions"]] == [f"<{next(iter(topics()))}>"]


def topics() -> dict[str, object]:
    return dict(secondary().resources("AWS::SNS::Topic"))


def test_a_check_that_is_off_makes_no_alarm() -> None:
    template = secondary(HEALTH_CHECK_ENABLED="NO")

    assert template.one("AWS::Scheduler::Schedule")["State"] == "DISABLED"
    assert template.resources("AWS::CloudWatch::Alarm") == {}


def test_every_end_without_success_is_reported_without_its_data() -> None:
    rule = secondary().one("AWS::Events::Rule")

    assert rule["EventPattern"]["detail"] == {
        "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        "stateMachineArn": ["arn:aws:states:us-west-2:111222333444:stateMachine:mwaa-team-recovery"],
    }
    paths = rule["Targets"][0]["InputTransformer"]["InputPathsMap"].values()
    assert "$.detail.executionArn" in paths
    assert not {"$", "$.detail", "$.detail.input", "$.detail.output"} & set(paths)


def test_checks_that_fail_alike_are_told_once_an_hour_until_they_act() -> None:
    template = secondary()
    (told,) = [joined(one["InputTransformer"]["InputTemplate"]) for one in template.one("AWS::Events::Rule")["Targets"]]
    (allowed,) = template.allowed("dynamodb:PutItem", of="FailureReport")

    assert '"records":{"table":"mwaa-team-records","region":"us-west-2"}' in told
    assert json.loads(machine(template))["States"]["Take the lease"]
    assert '"acts_from":"Take the lease"' in told
    assert allowed["Resource"] == "arn:aws:dynamodb:us-west-2:111222333444:table/mwaa-team-records"
    assert as_list(allowed["Action"]) == ["dynamodb:GetItem", "dynamodb:PutItem"]


def test_the_records_are_kept_by_name() -> None:
    (table,) = secondary().resources("AWS::DynamoDB::Table").values()

    assert table["Properties"]["TableName"] == "mwaa-team-records"
    assert table["Properties"]["KeySchema"] == [{"AttributeName": "name", "KeyType": "HASH"}]
    assert table["DeletionPolicy"] == "Retain"


def test_backups_expire_here_and_the_blueprint_does_not() -> None:
    rules = secondary(SECONDARY_BACKUP_EXPIRE_DAYS="40").one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    expiring = [rule for rule in rules if "ExpirationInDays" in rule]
    assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in expiring] == [("data/", 40)]


def test_backups_never_expire_where_the_configuration_says_so() -> None:
    rules = secondary(SECONDARY_BACKUP_EXPIRE_DAYS="0").one("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]

    assert [rule for rule in rules if "ExpirationInDays" in rule] == []


def test_the_endpoint_is_looked_for_in_the_vpc_of_the_environment() -> None:
    endpoint = secondary().custom("StepFunctionsEndpoint")

    assert (endpoint["VpcId"], endpoint["Owner"]) == ("vpc-secondary", "mwaa-team-secondary")
    assert endpoint["SecurityGroupIds"] == ["sg-secondary"]


def test_without_the_flag_no_endpoint_and_no_rule_is_touched() -> None:
    template = secondary(SECONDARY_CREATE_SFN_VPCE="NO")

    assert template.resources("Custom::StepFunctionsEndpoint") == {}
    assert template.allowed("ec2:AuthorizeSecurityGroupIngress") == []


def test_security_groups_are_changed_in_that_vpc_only_and_endpoints_deleted_only_with_our_tag() -> None:
    (revoke,) = secondary().allowed("ec2:RevokeSecurityGroupIngress")
    (delete,) = secondary().allowed("ec2:DeleteVpcEndpoints")

    vpc = "arn:aws:ec2:us-west-2:111222333444:vpc/vpc-secondary"
    assert revoke["Condition"] == {"ArnEquals": {"ec2:Vpc": vpc}}
    assert delete["Condition"] == {"StringEquals": {"aws:ResourceTag/mwaa-dr": "created"}}


def test_only_what_talks_to_a_private_web_server_is_in_the_vpc() -> None:
    functions = secondary().resources("AWS::Lambda::Function")
    inside = [name for name, one in functions.items() if "VpcConfig" in one["Properties"]]

    assert sorted(name.rstrip("0123456789ABCDEF") for name in inside) == [
        "FunctionsDagInsideFunction",
        "FunctionsOwnEnvironmentInsideFunction",
    ]


def test_the_health_check_has_the_time_that_the_configuration_gives_it() -> None:
    functions = secondary(HEALTH_CHECK_TIMEOUT_SECS="50").properties("AWS::Lambda::Function")

    (check,) = [one for one in functions if one["Handler"] == "lib.functions.health_check.handler"]
    assert check["Timeout"] == 50


def test_the_execution_role_is_passed_to_mwaa_only() -> None:
    passed = secondary().allowed("iam:PassRole", of="FunctionsEnvironment")

    assert {resource for one in passed for resource in as_list(one["Resource"])} == {
        "arn:aws:iam::111222333444:role/service-role/secondary"
    }
    for one in passed:
        services = one["Condition"]["StringEquals"]["iam:PassedToService"]
        assert services == ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
